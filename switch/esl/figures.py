"""Numbers of an event: moments, counts and epochs, each None or 0 where it cannot be one."""

from __future__ import annotations

from typing import Any

from switch import events as ev
from switch.esl.wire import WireEvent

EARLIEST = 946_684_800 * ev.MICROSECONDS
LATEST = 4_102_444_800 * ev.MICROSECONDS
BIG = 2**53


def moment(wire: WireEvent) -> dict[str, Any]:
    return {"core": wire.core, "sequence": wire.sequence, "at": wire.at}


def time_of(value: int | None) -> int:
    return value if value is not None and EARLIEST < value < LATEST else 0


def whole(value: int | None, limit: int = 2**31) -> int | None:
    """A count that fits where it is kept."""
    return value if value is not None and 0 <= value < limit else None


def epoch(value: int | None) -> int:
    return value if value is not None and EARLIEST < value * ev.MICROSECONDS < LATEST else 0
