"""Journals filled with queue calls, written by a process of their own so that ours stays small."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.calls import QueueCalls
from switch.journal import Batch, Journal

BODIES_IN_A_BATCH = 100
WHOLE, OVERLAPPING = "whole", "overlapping"


def fill_journal(folder: Path, order: str, calls: int) -> None:
    """Write a journal, named by the order, of so many calls: one after another or as they overlap."""
    command = [sys.executable, "-m", "benchmarks.journals", str(folder), order, str(calls)]
    subprocess.run(command, check=True)  # noqa: S603 - our own command line


def write(folder: Path, order: str, calls: int) -> None:
    told = QueueCalls()
    overlapping = (body for _, body in told.as_they_overlap(calls))
    bodies = overlapping if order == OVERLAPPING else told.one_after_another(calls)
    with Journal.open(folder, order) as journal:
        for some in in_groups(bodies, BODIES_IN_A_BATCH):
            journal.append(some)
        journal.sync()


def in_groups(bodies: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    remaining = iter(bodies)
    while some := list(islice(remaining, size)):
        yield some


def passes(journal: Journal, most_bytes: int) -> Iterator[list[Batch]]:
    """Yield the whole journal in the portions that are applied in one transaction each."""
    after = 0
    while batches := list(journal.read(after, limit_bytes=most_bytes)):
        yield batches
        after = batches[-1].id


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
