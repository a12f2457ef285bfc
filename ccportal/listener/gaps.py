"""The windows in which a switch was not heard, as records in the journal between the events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from switch import events as ev
from switch.esl.captures import label_event
from switch.journal import Batch, Journal

CORE: Final = "ccportal"
LONGEST_LAG: Final = 600 * ev.MICROSECONDS
CACHED_CLOCK: Final = ev.MICROSECONDS
CONTROL: Final = "control"

decode_connection = msgspec.json.Decoder(ev.ConnectionLost | ev.ConnectionRestored).decode


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
    """Return since when the journal knows nothing, and whether it says so itself; 0 for a new one.

    What the recorder kept in between says nothing of the connection.
    """
    for batch in newest_first(journal):
        if batch.kind != CONTROL:
            last = batch.bodies[-1] if batch.bodies else None
            return unheard_from(batch.received_at or time.time(), last), False
        record = _last_of_connection(batch.bodies)
        if record is not None:
            return record.at, isinstance(record, ev.ConnectionLost)
    return (0, True) if journal.last_id() == 0 else (now(), False)


def newest_first(journal: Journal) -> Iterator[Batch]:
    """The batches from the last one back."""
    for number in range(journal.last_id(), 0, -1):
        yield from journal.read(number - 1, limit_batches=1)


def tell_of_a_gap(batch: Batch) -> bool:
    """Whether the batch says that a time without a connection is over."""
    return batch.kind == CONTROL and isinstance(_last_of_connection(batch.bodies), ev.ConnectionRestored)


def _last_of_connection(bodies: Sequence[bytes]) -> ev.ConnectionLost | ev.ConnectionRestored | None:
    for body in reversed(bodies):
        try:
            found: ev.ConnectionLost | ev.ConnectionRestored = decode_connection(body)
        except msgspec.MsgspecError:
            continue
        return found
    return None
