"""Files that grow on the worker's own disk until they are whole: what is behind the last flush is cut off."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from recordings.exports import Export
from recordings.storage import make_folders

BODY, INDEX = "body", "index"
LEFT_ALONE_SECONDS = 3600


class Busy(Exception):
    """Another worker still has the draft open."""


@dataclass(frozen=True)
class Draft:
    """The file that is made, and beside it an index for what is written at its end."""

    body: BinaryIO
    index: BinaryIO

    def flush(self) -> tuple[int, int]:
        """Have all of it on the disk; return the lengths."""
        for file in (self.index, self.body):
            file.flush()
            os.fsync(file.fileno())
        return self.body.tell(), self.index.tell()


def folder() -> Path:
    path = Path(settings.DATA_DIR) / "exports"
    make_folders(path)
    return path


def path_of(export: Export, part: str) -> Path:
    return folder() / f"{export.pk.hex}-{export.draft}.{part}"


def is_there(export: Export) -> bool:
    """Whether what was flushed is on this machine's disk."""
    lengths = {BODY: export.flushed, INDEX: export.index_flushed}
    return bool(export.draft) and all(has_length(path_of(export, part), lengths[part]) for part in lengths)


def has_length(path: Path, length: int) -> bool:
    return path.exists() and path.stat().st_size >= length


@contextmanager
def opened(export: Export) -> Iterator[Draft]:
    """Open the draft behind what was flushed, new or again; raise Busy."""
    with ExitStack() as files:
        body = files.enter_context(open_at(path_of(export, BODY), export.flushed))
        index = files.enter_context(open_at(path_of(export, INDEX), export.index_flushed))
        yield Draft(body, index)


def open_at(path: Path, length: int) -> BinaryIO:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Busy from None
    file.truncate(length)
    file.seek(length)
    return file


def remove(export: Export) -> None:
    for part in (BODY, INDEX):
        path_of(export, part).unlink(missing_ok=True)


def clear_left() -> None:
    """Remove drafts that nobody goes on with: of exports that are over, or were begun anew elsewhere."""
    old = [path for path in folder().iterdir() if time.time() - path.stat().st_mtime > LEFT_ALONE_SECONDS]
    if not old:
        return
    drafts = Export.objects.unfinished().exclude(draft="").values_list("draft", flat=True)
    wanted = set(drafts)
    for path in old:
        if path.stem.rpartition("-")[2] not in wanted:
            with contextlib.suppress(OSError):
                path.unlink()
