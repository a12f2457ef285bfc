"""What an agent's status and state mean together, and what a day of them was: from changes in any order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from switch.commands import AgentStatus

IN_CALL: Final = "In a queue call"
RINGING: Final = "Receiving"
READY: Final = "Waiting"


class Presence(StrEnum):
    """What an agent does, in the order in which a board shows it."""

    CALL = "call"
    RINGING = "ringing"
    WRAP_UP = "wrap_up"
    READY = "ready"
    BREAK = "break"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Change:
    """An agent's status or state from a moment on."""

    at: dt.datetime
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one presence; ``end`` is out."""

    presence: Presence
    start: dt.datetime
    end: dt.datetime

    @property
    def length(self) -> dt.timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Session:
    """From a login to the logout; what is open at an end of the window goes on beyond it."""

    start: dt.datetime
    end: dt.datetime
    open_start: bool = False
    open_end: bool = False


def presence_of(status: str, state: str, wrapping_up: bool = False) -> Presence:
    """A call counts before anything else: an agent may log out or take a break while talking."""
    if state == IN_CALL:
        return Presence.CALL
    if status not in (AgentStatus.AVAILABLE, AgentStatus.ON_DEMAND):
        return Presence.BREAK if status == AgentStatus.ON_BREAK else Presence.OUT
    if state == RINGING:
        return Presence.RINGING
    return Presence.WRAP_UP if wrapping_up else Presence.READY


def spans_of(
    changes: Iterable[Change], since: dt.datetime, until: dt.datetime, wrap_up: dt.timedelta = dt.timedelta()
) -> list[Span]:
    """What an agent did in a window; changes from before it say how it began. Time logged out makes no span.

    Wrap-up is the time that mod_callcenter leaves an agent alone after a call, cut by whatever comes next.
    """
    found: list[Span] = []
    for span in _stretches(_in_order(changes), until, wrap_up):
        start, end = max(span.start, since), min(span.end, until)
        if start >= end or span.presence == Presence.OUT:
            continue
        if found and found[-1].presence == span.presence and found[-1].end == start:
            found[-1] = Span(span.presence, found[-1].start, end)
        else:
            found.append(Span(span.presence, start, end))
    return found


def sessions_of(changes: Iterable[Change], since: dt.datetime, until: dt.datetime) -> list[Session]:
    """The times logged in, of whatever status; a second login without a logout is the same session."""
    found: list[Session] = []
    begun: dt.datetime | None = None
    for change in _in_order(change for change in changes if change.kind == "status"):
        if change.at >= until:
            break
        out = presence_of(change.value, "") == Presence.OUT
        if out and begun is not None:
            found.append(Session(begun, change.at))
            begun = None
        elif not out and begun is None:
            begun = change.at
    if begun is not None:
        found.append(Session(begun, until, open_end=True))
    return [
        Session(max(one.start, since), one.end, one.start < since, one.open_end)
        for one in found
        if one.end > since
    ]


def breaks_of(changes: Iterable[Change], since: dt.datetime, until: dt.datetime) -> list[Span]:
    """The breaks, also while a call still went on."""
    statuses = [change for change in changes if change.kind == "status"]
    return [span for span in spans_of(statuses, since, until) if span.presence == Presence.BREAK]


def total(spans: Iterable[Span], *wanted: Presence) -> dt.timedelta:
    """How long all spans of some presences are together."""
    return sum((span.length for span in spans if span.presence in wanted), dt.timedelta())


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """Oldest first; what changes nothing, as an event told twice, is left out."""
    last: dict[str, str] = {}
    found = []
    for change in sorted(changes, key=lambda change: change.at):
        if last.get(change.kind) != change.value:
            last[change.kind] = change.value
            found.append(change)
    return found


def _stretches(changes: Sequence[Change], until: dt.datetime, wrap_up: dt.timedelta) -> Iterator[Span]:
    status = state = ""
    ends = [change.at for change in changes[1:]] + [until]
    for change, end in zip(changes, ends, strict=False):
        before = state
        if change.kind == "status":
            status = change.value
        elif change.kind == "state":
            state = change.value
        ready_at = change.at + wrap_up
        if wrap_up and change.kind == "state" and (before, state) == (IN_CALL, READY):
            yield Span(presence_of(status, state, wrapping_up=True), change.at, min(ready_at, end))
            if ready_at < end:
                yield Span(presence_of(status, state), ready_at, end)
        else:
            yield Span(presence_of(status, state), change.at, end)
