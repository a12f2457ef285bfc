"""A leg as a CDR reports it, and the events that say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from switch import events as ev
from switch.esl.wire import KEPT_VARIABLES, QUALITY, UNUSABLE

REPORTED = "cdr:"


@dataclass(frozen=True, slots=True)
class Profile:
    """One of the caller profiles that a leg had in turn; texts as they were, times in microseconds."""

    texts: Mapping[str, str]
    times: Mapping[str, int]
    legs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LegReport:
    """One leg's CDR. ``profiles`` come oldest first; ``applications`` are (name, data, stamp) as they ran."""

    form: str
    direction: str
    variables: Mapping[str, str]
    profiles: Sequence[Profile]
    statistics: Mapping[str, str] = field(default_factory=dict)
    applications: Sequence[tuple[str, str, int]] = ()

    @property
    def uuid(self) -> str:
        return self.variables.get("uuid") or self.profiles[-1].texts.get("uuid", "")

    @property
    def core(self) -> str:
        return f"{REPORTED}{self.form}:{self.uuid}"

    def number(self, name: str) -> int:
        return whole(self.variables.get(name, ""))


def whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def clean(text: str, *, encoded: bool = False) -> str:
    return UNUSABLE.sub("\ufffd", unquote(text, errors="replace") if encoded else text)


def events_of(report: LegReport, custom_variables: Sequence[str] = ()) -> Iterator[ev.Event]:
    """The leg's creation and end, whom it met, and what it knows of queues."""
    first, last = report.profiles[0], report.profiles[-1]
    created, ended = last.times.get("created_time", 0), last.times.get("hangup_time", 0)
    kept = _kept(report, custom_variables)
    yield ev.LegCreated(
        core=report.core, sequence=1, at=created, channel=_channel(report, first, kept, finished=False)
    )
    yield ev.LegEnded(
        core=report.core,
        sequence=2,
        at=ended,
        channel=_channel(report, last, kept, finished=True),
        cause=report.variables.get("hangup_cause", ""),
        billsec=report.number("billsec"),
        duration=report.number("duration"),
        quality=_quality(report.statistics),
    )
    legs = tuple(dict.fromkeys(leg for profile in report.profiles for leg in profile.legs))
    if legs:
        yield ev.LegsLinked(core=report.core, sequence=3, at=ended, legs=(report.uuid, *legs))
    yield from _passage(report, ended)
    yield from _offer(report, created, ended)


def _kept(report: LegReport, custom_variables: Sequence[str]) -> dict[str, str]:
    names = dict.fromkeys((*KEPT_VARIABLES, *custom_variables))
    return {name: value for name in names if (value := report.variables.get(name))}


def _channel(report: LegReport, profile: Profile, kept: dict[str, str], *, finished: bool) -> ev.Channel:
    texts, times = profile.texts, report.profiles[-1].times if finished else {}
    return ev.Channel(
        uuid=report.uuid,
        direction=report.direction,
        name=texts.get("chan_name", ""),
        profile=kept.get("sofia_profile_name", ""),
        context=texts.get("context", ""),
        source=texts.get("source", ""),
        caller_number=texts.get("caller_id_number", ""),
        caller_name=texts.get("caller_id_name", ""),
        callee_number=texts.get("callee_id_number", ""),
        callee_name=texts.get("callee_id_name", ""),
        destination=texts.get("destination_number", ""),
        created=report.profiles[-1].times.get("created_time", 0),
        progress=times.get("progress_time", 0),
        progress_media=times.get("progress_media_time", 0),
        answered=times.get("answered_time", 0),
        bridged=times.get("bridged_time", 0),
        hung_up=times.get("hangup_time", 0),
        other_leg=report.variables.get("bridge_uuid", "") if finished else "",
        read_codec=report.variables.get("read_codec", "") if finished else "",
        write_codec=report.variables.get("write_codec", "") if finished else "",
        network_address=texts.get("network_addr", ""),
        variables=kept,
    )


def _quality(statistics: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for field_name, variable in QUALITY.items():
        text = statistics.get(variable, "")
        if text.replace(".", "", 1).isdigit() and text.isascii() and len(text) < 24:
            found[field_name] = round(float(text), 2)
    return found


def _passage(report: LegReport, ended: int) -> Iterator[ev.Event]:
    """The caller's last passage through a queue; of earlier ones the A leg's CDR says nothing."""
    named = report.variables
    if named.get("cc_side") != "member" or not named.get("cc_member_uuid"):
        return
    answered = named.get("cc_cause") == "answered"
    joined_epoch = report.number("cc_queue_joined_epoch")
    yield ev.PassageReported(
        core=report.core,
        sequence=4,
        at=ended,
        queue=named.get("cc_queue", ""),
        member=named["cc_member_uuid"],
        session=report.uuid,
        caller_number=report.profiles[0].texts.get("caller_id_number", ""),
        caller_name=named.get("caller_id_name", ""),
        joined_epoch=joined_epoch,
        joined=_joined(report, joined_epoch),
        left_epoch=0 if answered else report.number("cc_queue_canceled_epoch"),
        cause="Terminated" if answered else "Cancel",
        cancel_reason="" if answered else named.get("cc_cancel_reason", ""),
        agent=named.get("cc_agent", "") if answered else "",
        agent_leg=named.get("cc_agent_uuid", "") if answered else "",
        answered_epoch=report.number("cc_queue_answered_epoch") if answered else 0,
    )


def _joined(report: LegReport, epoch: int) -> int:
    """The moment the queue application began, near the whole second that the queue stamped."""
    stamps = [
        stamp
        for name, data, stamp in report.applications
        if name == "callcenter" and data == report.variables.get("cc_queue")
    ]
    near = [stamp for stamp in stamps if abs(stamp // ev.MICROSECONDS - epoch) <= 1]
    return near[-1] if near else epoch * ev.MICROSECONDS


def _offer(report: LegReport, created: int, ended: int) -> Iterator[ev.Event]:
    named = report.variables
    if named.get("cc_side") != "agent" or not named.get("cc_member_uuid"):
        return
    times = report.profiles[-1].times
    yield ev.OfferReported(
        core=report.core,
        sequence=5,
        at=created,
        queue=named.get("cc_queue", ""),
        member=named["cc_member_uuid"],
        session=named.get("cc_member_session_uuid", ""),
        joined_epoch=report.number("cc_queue_joined_epoch"),
        agent=named.get("cc_agent", ""),
        agent_leg=report.uuid,
        answered=times.get("answered_time", 0) if times.get("bridged_time") else 0,
        ended=ended,
        cause=named.get("hangup_cause", ""),
    )


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
