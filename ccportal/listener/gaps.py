"""The windows in which a switch was not heard, as records in the journal between the events."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from switch import events as ev
from switch.esl.captures import label_event
from switch.journal import Batch, Journal

CORE: Final = "ccportal"
LONGEST_LAG: Final = 600 * ev.MICROSECONDS
CACHED_CLOCK: Final = ev.MICROSECONDS
CONTROL: Final = "control"

decode_control = msgspec.json.Decoder(ev.ConnectionLost | ev.ConnectionRestored).decode


def lost(at: int, reason: str) -> bytes:
    """Return the record that nothing was heard from a moment on (microseconds)."""
    return msgspec.json.encode(ev.ConnectionLost(core=CORE, sequence=0, at=at, reason=reason))


def restored(lost_at: int, at: int) -> bytes:
    """Return the record that the switch is heard again."""
    return msgspec.json.encode(ev.ConnectionRestored(core=CORE, sequence=0, at=at, lost_at=lost_at))


def now() -> int:
    """Return the present moment in microseconds."""
    return time.time_ns() // 1000


def unheard_from(received_at: float, last_body: bytes | None) -> int:
    """Return from when on events may be missing, after the last one that was received.

    A switch that was ahead of us had sent events of later moments than the last we read: its own time of that
    event counts, if it can be believed. Its clock is a cached one, hence a second earlier.
    """
    received = int(received_at * ev.MICROSECONDS)
    told = label_event(last_body).at if last_body else 0
    believed = told if received - LONGEST_LAG < told < received else received
    return believed - CACHED_CLOCK


def unheard_since(journal: Journal) -> tuple[int, bool]:
    """Return since when the journal knows nothing, and whether it says so itself; 0 for a new one."""
    batch = last_batch(journal)
    if batch is None or not batch.bodies:
        return (0, True) if journal.last_id() == 0 else (_end_of(batch), False)
    if batch.kind != CONTROL:
        return unheard_from(batch.received_at, batch.bodies[-1]), False
    record = decode_control(batch.bodies[-1])
    return record.at, isinstance(record, ev.ConnectionLost)


def last_batch(journal: Journal) -> Batch | None:
    """Return the newest batch, None without one."""
    return next(iter(journal.read(journal.last_id() - 1, limit_batches=1)), None)


def _end_of(batch: Batch | None) -> int:
    return int(batch.received_at * ev.MICROSECONDS) if batch and batch.received_at else now()
