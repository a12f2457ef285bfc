"""mod_json_cdr: one JSON object a leg; values of ``variables`` are URL-encoded, as is the default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from switch.cdrs.report import LegReport, Profile, clean, text_of, whole
from switch.errors import MalformedEvent


def read_json_cdr(body: bytes) -> LegReport:
    """Read one file or POST body. Raises ``MalformedEvent``."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
        profiles = [_profile(flow) for flow in found["callflow"]]
        report = LegReport(
            form="json",
            direction=text_of(found["channel_data"].get("direction")),
            variables=_texts(found["variables"], encoded=True),
            profiles=profiles[::-1],
            statistics=_statistics(found.get("callStats")),
            applications=_applications(found.get("app_log")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedEvent(f"not a JSON CDR: {type(error).__name__} {error}") from error
    if not report.profiles or not report.uuid or not report.profiles[-1].times.get("hangup_time"):
        raise MalformedEvent("a CDR without leg or end")
    return report


def _texts(values: Mapping[str, Any], *, encoded: bool = False) -> dict[str, str]:
    last = {key: value[-1] if isinstance(value, list) and value else value for key, value in values.items()}
    return {key: clean(value, encoded=encoded) for key, value in last.items() if isinstance(value, str)}


def _profile(flow: Mapping[str, Any]) -> Profile:
    profile = flow["caller_profile"]
    times = {name: whole(text_of(value)) for name, value in flow["times"].items()}
    legs = [
        text_of(other.get("uuid"))
        for role in ("originator", "originatee")
        for others in profile.get(role, {}).values()
        for other in others
    ]
    return Profile(_texts(profile), times, [leg for leg in legs if leg])


def _statistics(found: Any) -> dict[str, str]:
    audio = found.get("audio", {}) if isinstance(found, Mapping) else {}
    return {
        f"rtp_audio_{way}_{name}": str(value)
        for way, direction in (("in", "inbound"), ("out", "outbound"))
        for name, value in audio.get(direction, {}).items()
        if isinstance(value, int | float)
    }


def _applications(found: Any) -> list[tuple[str, str, int]]:
    ran = found.get("applications", []) if isinstance(found, Mapping) else []
    return [
        (text_of(each.get("app_name")), text_of(each.get("app_data")), whole(text_of(each.get("app_stamp"))))
        for each in ran
    ]
