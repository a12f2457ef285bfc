"""The recordings of a conversation: a take is a path and the moment its recording began.

A stop can come from another leg than the start (transfer), and one path can be recorded again: the later take
overwrites the earlier one's file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cdr.assembly.values import Take, VisitFacts
from switch import events as ev

Started = ev.RecordingStarted | ev.ConferenceRecordingStarted
Stopped = ev.RecordingStopped | ev.ConferenceRecordingStopped


@dataclass(slots=True)
class _Taking:
    """A take while it is read."""

    path: str
    started: Started | None = None
    stopped: Stopped | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def began(self) -> int:
        if self.started:
            return self.started.at
        return self.stopped.at - (self.stopped.milliseconds or 0) * 1000 if self.stopped else 0

    @property
    def ended(self) -> int:
        return self.stopped.at if self.stopped else 0


def assemble_takes(events: Iterable[ev.Event], visits: list[VisitFacts]) -> list[Take]:
    """Read the recording events in the order they happened; takes come in the order they began."""
    takings: list[_Taking] = []
    for event in events:
        if isinstance(event, (ev.RecordingStarted, ev.ConferenceRecordingStarted)):
            takings.append(_Taking(event.path, started=event, tags=_tags(event)))
        elif isinstance(event, (ev.RecordingStopped, ev.ConferenceRecordingStopped)):
            _stop(takings, event)
    takings.sort(key=lambda taking: (taking.began, taking.path))
    last = {taking.path: taking for taking in takings}
    numbers: Counter[str] = Counter()
    takes = []
    for taking in takings:
        numbers[taking.path] += 1
        takes.append(
            _take(taking, numbers[taking.path], overwritten=last[taking.path] is not taking, visits=visits)
        )
    return takes


def _stop(takings: list[_Taking], event: Stopped) -> None:
    for taking in takings:
        if taking.path == event.path and taking.stopped is None:
            taking.stopped = event
            taking.tags = _tags(event) | taking.tags
            return
    takings.append(_Taking(event.path, stopped=event, tags=_tags(event)))


def _tags(event: Started | Stopped) -> dict[str, str]:
    return event.tags if isinstance(event, (ev.RecordingStarted, ev.RecordingStopped)) else {}


def _leg(event: Started | Stopped | None) -> str:
    return event.channel.uuid if isinstance(event, ev.LegEvent) else ""


def _take(taking: _Taking, number: int, *, overwritten: bool, visits: list[VisitFacts]) -> Take:
    started, stopped = taking.started, taking.stopped
    room = next((event for event in (started, stopped) if isinstance(event, ev.ConferenceEvent)), None)
    leg = _leg(started) or _leg(stopped)
    queue, agent = _heard_in(taking, leg, visits)
    return Take(
        leg=leg,
        stop_leg=_leg(stopped),
        conference=room.name if room else "",
        path=taking.path,
        number=number,
        rid=taking.tags.get("rid", ""),
        started_at=taking.began,
        stopped_at=taking.ended,
        milliseconds=stopped.milliseconds if stopped else None,
        size=stopped.size if stopped else None,
        cause=stopped.cause if isinstance(stopped, ev.RecordingStopped) else "",
        discarded=isinstance(stopped, ev.RecordingStopped) and stopped.discarded,
        overwritten=overwritten,
        queue=queue,
        agent=agent,
        origin=_origin(taking, room is not None),
    )


def _origin(taking: _Taking, is_conference: bool) -> str:
    if is_conference:
        return "conference"
    if taking.tags.get("rid"):
        return "policy"
    return "queue" if taking.tags.get("by") == "queue" else "dialplan"


def _heard_in(taking: _Taking, leg: str, visits: list[VisitFacts]) -> tuple[str, str]:
    """Queue and agent that can be heard: of the visits during the take, the first with an agent."""
    during = [visit for visit in visits if _overlap(taking, visit.joined, visit.left)]
    for visit in during:
        for offer in visit.offers:
            if offer.outcome == "answered" and _overlap(taking, offer.answered, offer.ended):
                return visit.queue, offer.agent
    return (during[0].queue, "") if during else ("", "")


def _overlap(taking: _Taking, begin: int, end: int) -> bool:
    return (not end or taking.began < end) and (not taking.ended or begin < taking.ended)
