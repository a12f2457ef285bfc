"""Who has listened to the recordings of a call or downloaded them, in words."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccportal.portal.clock import duration
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import initials, on_one_line
from recordings.listening import Heard, Taken

SPANS_TOLD = 3


@dataclass(frozen=True)
class Sound:
    """A recording as listeners know it: where it begins on the call's clock, and how long it is."""

    offset_ms: int
    length_ms: int


@dataclass(frozen=True)
class Listener:
    """One person who has listened or downloaded."""

    who: str
    initials: str
    what: str
    where: str
    when: Moment
    at: datetime


def listeners_of(
    people: Mapping[uuid.UUID, Sequence[Heard | Taken]], sounds: Mapping[uuid.UUID, Sound], clock: Clock
) -> list[Listener]:
    """All of a call's, who did it last first."""
    nothing = Sound(0, 0)
    pairs = ((sounds.get(key, nothing), each) for key, some in people.items() for each in some)
    found = [listener_of(each, sound, clock) for sound, each in pairs]
    return sorted(found, key=lambda listener: listener.at, reverse=True)


def listener_of(person: Heard | Taken, sound: Sound, clock: Clock) -> Listener:
    who = on_one_line(person.who)
    if isinstance(person, Taken):
        what = f"downloaded {on_one_line(person.file)}".rstrip()
        return Listener(who, initials(who), what, "", clock.since(person.at), person.at)
    whole = f" of {duration(sound.length_ms)}" if sound.length_ms else ""
    what = f"{'heard' if person.played else 'was sent'} {duration(person.heard_ms)}{whole}"
    where = ", ".join(told_spans(person.spans, sound.offset_ms))
    return Listener(who, initials(who), what, where, clock.since(person.last_at), person.last_at)


def told_spans(spans: Iterable[Sequence[int]], offset_ms: int) -> Iterator[str]:
    """Which seconds of the call; of many the first few."""
    told = list(spans)
    for begin, end in told[:SPANS_TOLD]:
        yield f"{duration(offset_ms + begin)} to {duration(offset_ms + end)}"
    if len(told) > SPANS_TOLD:
        yield f"{len(told) - SPANS_TOLD} more"
