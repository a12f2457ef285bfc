"""Append numbered batches to a journal, saying each on standard output once append() has returned."""

from __future__ import annotations

import sys
from pathlib import Path

from switch.journal import Journal


def bodies_of(run: int, number: int) -> list[bytes]:
    return [f"{run}/{number}/{place} ".encode() * 200 for place in range(number % 7 + 1)]


def main(folder: str, run: int) -> None:
    number = 0
    with Journal.open(Path(folder), "switch1") as journal:
        while True:
            number += 1
            added = journal.append(bodies_of(run, number))
            sys.stdout.write(f"{added} {number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
