"""A growing file, read by inode and byte offset: whole records only, also through a rotation."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from switch.asterisk.records import split_records

MOST_BYTES: Final = 2 * 1024 * 1024
MOST_SIBLINGS: Final = 1000

Split = Callable[[bytes, bool], list[bytes]]


class SourceTrouble(Exception):
    """A source that cannot be read now, in words for an operator."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading goes on; without an inode the file was never read."""

    inode: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Portion:
    """Whole records, and where reading goes on when they are stored; ``lost`` says what is gone."""

    records: list[bytes]
    after: Place
    lost: str = ""


def split_csv(data: bytes, final: bool) -> list[bytes]:
    return list(split_records(data, final=final))


def split_lines(data: bytes, final: bool) -> list[bytes]:
    lines = data.splitlines(keepends=True)
    return lines if final or not lines or lines[-1].endswith(b"\n") else lines[:-1]


def read_on(path: Path, place: Place, split: Split) -> Portion:
    """Read what was written since; an empty portion when there is nothing new. Raises SourceTrouble.

    1. A rotated file is read to its end under its new name; only then the new file is begun.
    2. A file that became shorter was emptied in place, and is read from its beginning.
    """
    current = _stat(path)
    if place.inode in (0, current.st_ino):
        begin = place.offset if place.inode and place.offset <= current.st_size else 0
        return _portion(path, current.st_ino, begin, split, final=False)
    rotated = _renamed(path, place.inode)
    if rotated is None:
        lost = f"The file that was read before ({place.offset} bytes of it) is gone; its rest was not read."
        return Portion([], Place(current.st_ino, 0), lost)
    portion = _portion(rotated, place.inode, place.offset, split, final=True)
    return portion if portion.records else Portion([], Place(current.st_ino, 0))


def _portion(path: Path, inode: int, begin: int, split: Split, *, final: bool) -> Portion:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino != inode:
                return Portion([], Place(inode, begin))
            file.seek(begin)
            data = file.read(MOST_BYTES)
            is_end = final and not file.read(1)
    except OSError as error:
        raise SourceTrouble(f"It cannot be read: {error.strerror}.") from error
    records = split(data, is_end)
    return Portion(records, Place(inode, begin + sum(map(len, records))))


def _stat(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise SourceTrouble("There is no such file.") from None
    except OSError as error:
        raise SourceTrouble(f"It cannot be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceTrouble("It is not a file.")
    return found


def _renamed(path: Path, inode: int) -> Path | None:
    """The file of that inode beside where it was: ``Master.csv.1``."""
    for sibling in _siblings(path):
        try:
            found = sibling.stat(follow_symlinks=False)
        except OSError:
            continue
        if found.st_ino == inode and stat.S_ISREG(found.st_mode):
            return sibling
    return None


def _siblings(path: Path) -> Iterator[Path]:
    with os.scandir(path.parent) as entries:
        for number, entry in enumerate(entries):
            if number >= MOST_SIBLINGS:
                return
            if entry.name.startswith(path.name) and entry.name != path.name:
                yield Path(entry.path)
