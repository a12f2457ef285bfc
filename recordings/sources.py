"""From the path a switch names to an open file in a folder of ours, and to nothing outside of it.

The path comes from a phone line. It is led by the switch's ``path_mapping`` ({its folder: our folder}, the
longest first), taken apart, and walked folder by folder without following a symbolic link, so that nothing
that happens meanwhile leads elsewhere.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from recordings.models import Finding

BRACES = re.compile(r"\A\{[^}]*\}")
LONGEST_PATH_BYTES = 4095
LONGEST_NAME_BYTES = 255
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SourceError(Exception):
    """The file of a take cannot be had; ``permanent`` when it never will be."""

    def __init__(self, finding: Finding, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.finding = finding
        self.reason = reason
        self.permanent = permanent


def outside(reason: str) -> SourceError:
    return SourceError(Finding.OUTSIDE, reason, permanent=True)


def missing(reason: str) -> SourceError:
    return SourceError(Finding.MISSING, reason)


@dataclass(frozen=True)
class Place:
    """Where a path of the switch is among our folders."""

    remote_root: str
    root: Path
    folders: tuple[str, ...]
    name: str

    def remote(self, name: str) -> str:
        """How the switch would call a file beside this one."""
        return "/".join([self.remote_root, *self.folders, name])


def place_of(path: str, mapping: Mapping[str, str]) -> Place:
    """Lead a path of the switch to one of ours; raise SourceError where no mapping or no disk does."""
    plain = BRACES.sub("", path, count=1)
    refuse_impossible(plain)
    parts = parts_of(plain)
    for remote in sorted(mapping, key=lambda prefix: len(parts_of(prefix)), reverse=True):
        prefix = parts_of(remote)
        inside = parts[len(prefix) :]
        if plain.startswith("/") and parts[: len(prefix)] == prefix and inside:
            root = Path(mapping[remote])
            return Place("".join(f"/{part}" for part in prefix), root, tuple(inside[:-1]), inside[-1])
    raise outside("No folder of ours is mapped to where the switch put it.")


def parts_of(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def refuse_impossible(path: str) -> None:
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise outside("The path is not text.") from None
    if b"\0" in encoded or ".." in path.split("/"):
        raise outside("The path leads out of its folder.")
    if len(encoded) > LONGEST_PATH_BYTES or any(
        len(part) > LONGEST_NAME_BYTES for part in encoded.split(b"/")
    ):
        raise outside("The path is longer than any disk takes.")


class Folder:
    """An opened folder; only what lies in it itself can be reached."""

    def __init__(self, place: Place) -> None:
        self.descriptor = open_folder(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def open(self, name: str) -> BinaryIO | None:
        """Open a regular file; None when there is none of that name."""
        try:
            descriptor = os.open(name, FILE_FLAGS, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
                return None
            raise refused(error, "file") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise outside("It is not a file.")
        return os.fdopen(descriptor, "rb")

    def names(self) -> Iterator[str]:
        with os.scandir(self.descriptor) as entries:
            for entry in entries:
                yield entry.name

    def remove(self, name: str, seen: os.stat_result) -> bool:
        """Remove the very file that was seen, unchanged; say whether it is gone."""
        try:
            if not is_same(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False), seen):
                return False
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def open_folder(place: Place) -> int:
    """Walk from the mapped folder down; the mapped folder itself may be a link, nothing below it may."""
    try:
        current = os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in place.folders:
            above = current
            try:
                current = os.open(part, FOLDER_FLAGS, dir_fd=above)
            finally:
                os.close(above)
    except FileNotFoundError as error:
        raise missing("The folder is not there.") from error
    except OSError as error:
        raise refused(error, "folder") from error
    return current


def refused(error: OSError, kind: str) -> SourceError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        return outside(f"The {kind} is a link or no {kind}.")
    return missing(f"The {kind} cannot be opened: {os.strerror(error.errno or errno.EIO)}.")


def is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nobody replaced or wrote to the file between two looks."""
    return (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_dev,
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )
