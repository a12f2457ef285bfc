"""A disk of a test's own, whose room can be taken away and given back: a real one, really full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
ROOM = 8 << 20
NAMES = 10_000


class NoMounting(Exception):
    """This process may not mount a disk."""


@dataclass(frozen=True)
class SmallDisk:
    folder: Path

    def leave(self, *, pages: int = ROOM // PAGE, names: int = NAMES) -> None:
        """Leave room for so many pages of data and so many new files and folders."""
        now = os.statvfs(self.folder)
        size = (now.f_blocks - now.f_bfree + pages) * now.f_frsize
        inodes = now.f_files - now.f_ffree + names
        # A size of nothing means no limit to the kernel.
        mount("-o", f"remount,size={max(size, 1)},nr_inodes={inodes}", str(self.folder))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*") if path.is_file()}


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoMounting(done.stderr.strip())


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount it, empty; raise NoMounting where that is not allowed."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={ROOM},nr_inodes={NAMES}", "tmpfs", str(folder))
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
