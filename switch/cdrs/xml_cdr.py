"""mod_xml_cdr: one XML document a leg; values of ``variables`` are URL-encoded."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

from switch.cdrs.report import LegReport, Profile, clean, whole
from switch.errors import MalformedEvent


def read_xml_cdr(body: bytes) -> LegReport:
    """Read one file or POST body, also one kept as posted (``cdr=%3C…``). Raises ``MalformedEvent``."""
    body = _unposted(body)
    if b"<!" in body.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise MalformedEvent("an XML CDR with a document type")
    try:
        root = ET.fromstring(body.decode("utf-8", "replace"))  # noqa: S314
    except (ET.ParseError, ValueError) as error:
        raise MalformedEvent(f"not an XML CDR: {error}") from error
    profiles = [_profile(flow) for flow in root.findall("callflow")]
    report = LegReport(
        form="xml",
        direction=_text(root, "channel_data/direction"),
        variables={each.tag: clean(each.text or "", encoded=True) for each in root.iterfind("variables/*")},
        profiles=profiles[::-1],
        statistics=_statistics(root),
        applications=[
            (each.get("app_name", ""), each.get("app_data", ""), whole(each.get("app_stamp", "")))
            for each in root.iterfind("app_log/application")
        ],
    )
    if not report.profiles or not report.uuid or not report.profiles[-1].times.get("hangup_time"):
        raise MalformedEvent("a CDR without leg or end")
    return report


def _unposted(body: bytes) -> bytes:
    body = body.strip().removeprefix(b"cdr=")
    return unquote_to_bytes(body.replace(b"+", b" ")) if body[:3].upper() == b"%3C" else body


def _text(element: ET.Element, path: str) -> str:
    return clean(element.findtext(path) or "")


def _profile(flow: ET.Element) -> Profile:
    texts = {each.tag: clean(each.text or "") for each in flow.iterfind("caller_profile/*") if not len(each)}
    times = {each.tag: whole(each.text or "") for each in flow.iterfind("times/*")}
    others = ("originator/originator_caller_profile", "originatee/originatee_caller_profile")
    legs = [_text(each, "uuid") for path in others for each in flow.iterfind(f"caller_profile/{path}")]
    nested = [_text(each, "uuid") for each in flow.iterfind("caller_profile//*[uuid]")]
    return Profile(texts, times, [leg for leg in dict.fromkeys([*legs, *nested]) if leg])


def _statistics(root: ET.Element) -> dict[str, str]:
    return {
        f"rtp_audio_{way}_{each.tag}": each.text or ""
        for way, direction in (("in", "inbound"), ("out", "outbound"))
        for each in root.iterfind(f"call-stats/audio/{direction}/*")
    }
