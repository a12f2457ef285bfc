"""The quiet times of a captured call, which may last longer when it is told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from switch.esl.captures import CapturedEvent

SHORTEST = 1_500_000
INTO_THE_WAIT = 200_000


class _Part(msgspec.Struct):
    leg: str = msgspec.field(name="Unique-ID", default="")
    member: str = msgspec.field(name="CC-Member-UUID", default="")
    path: str = msgspec.field(name="Record-File-Path", default="")


_decode_part = msgspec.json.Decoder(_Part).decode


@dataclass(frozen=True, slots=True)
class Wait:
    """A time in which nothing happens; `talking` when two legs hear each other then.

    `cut_at` lies inside it, before the whole second in which the next event falls.
    """

    cut_at: int
    length: int
    talking: bool


def quiet_waits(events: Sequence[CapturedEvent]) -> tuple[Wait, ...]:
    """Return a call's waits of 1.5 seconds and more; none of a conference or a recording that is no wav."""
    found: list[Wait] = []
    bridged = held = 0
    latest = 0
    for event in events:
        part = _decode_part(event.body)
        if event.subclass == "conference::maintenance" or (part.path and not part.path.endswith(".wav")):
            return ()
        if not part.leg and not part.member:
            continue
        if latest and event.at - latest >= SHORTEST and not held:
            found.append(Wait(latest + INTO_THE_WAIT, event.at - latest, bridged > 0))
        latest = max(latest, event.at)
        bridged += (event.name == "CHANNEL_BRIDGE") - (event.name == "CHANNEL_UNBRIDGE")
        held += (event.name == "CHANNEL_HOLD") - (event.name == "CHANNEL_UNHOLD")
    return tuple(found)
