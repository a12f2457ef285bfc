"""How fast the wire layer is on this machine: plain functions, for benchmarks."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from switch.esl.protocol import FrameReader
from switch.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CHUNK = 256 * 1024


def measure_framing(bodies: Sequence[bytes], chunk_size: int = CHUNK) -> float:
    """Return events a second that a FrameReader takes out of a stream that comes in chunks."""
    stream = b"".join(
        b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body) for body in bodies
    )
    return per_second(len(bodies), lambda: frame_all(stream, chunk_size))


def measure_appends(folder: Path, bodies: Sequence[bytes], batch_size: int = 100) -> float:
    """Return events a second that a new journal in a folder takes, in batches, synced at the end."""
    return per_second(len(bodies), lambda: append_all(folder, bodies, batch_size))


def measure_reads(folder: Path, bodies: Sequence[bytes], batch_size: int = 100) -> float:
    """Return events a second that come back out of a journal."""
    with Journal.open(folder, uuid.uuid4().hex) as journal:
        for start in range(0, len(bodies), batch_size):
            journal.append(bodies[start : start + batch_size])
        return per_second(len(bodies), lambda: read_all(journal))


def frame_all(stream: bytes, chunk_size: int) -> None:
    """Read a stream, a chunk at a time."""
    reader = FrameReader()
    with memoryview(stream) as view:
        for start in range(0, len(stream), chunk_size):
            reader.feed(view[start : start + chunk_size])


def append_all(folder: Path, bodies: Sequence[bytes], batch_size: int) -> None:
    """Append bodies to a new journal."""
    with Journal.open(folder, uuid.uuid4().hex) as journal:
        for start in range(0, len(bodies), batch_size):
            journal.append(bodies[start : start + batch_size])
        journal.sync()


def read_all(journal: Journal) -> None:
    """Read a journal from its beginning to its end."""
    after = 0
    while after < journal.last_id():
        for batch in journal.read(after):
            after = batch.id


def per_second(number: int, work: Callable[[], object]) -> float:
    """Return how many of a number of things a piece of work does in a second."""
    started = time.perf_counter()
    work()
    return number / (time.perf_counter() - started)
