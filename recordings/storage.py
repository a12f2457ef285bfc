"""Where audio is kept: the disk or a bucket, its keys, and the names people see.

New files go to ``stores.store_for(account)``; a file that is there is in ``storage_of(media)``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from recordings.buckets import bucket_of
from recordings.models import Media, Recording
from recordings.stores import AudioStore

ALIAS = "recordings"
QUARANTINE = "quarantine"
DRAFT_PREFIX = ".draft-"
COPY_BYTES = 4 << 20
MOST_NAME_BYTES = 180
BRACES = re.compile(r"\A\{[^}]*\}")
UNSAFE = re.compile(r'[<>:"/\\|?*%;]')


class StorageDamaged(OSError):
    """What was read back is not what was written."""


@dataclass(frozen=True)
class Stored:
    """A file that was written to storage and read back."""

    key: str
    size: int
    sha256: str


def storage_at(store: AudioStore | None) -> Storage:
    """The storage of a store; None is the server's disk."""
    return bucket_of(store) if store else storages[ALIAS]


def storage_of(media: Media) -> Storage:
    """The storage that has the file, whatever its account has chosen since."""
    return storage_at(media.store)


def is_on_disk(storage: Storage) -> bool:
    return isinstance(storage, FileSystemStorage)


def key_of(recording: Recording, variant: str, extension: str, part: int = 0) -> str:
    """Return where a file of the recording belongs: its account, its day, itself."""
    name = f"{variant}-{part}" if part else variant
    owner = recording.account_id.hex if recording.account_id else QUARANTINE
    return f"{owner}/{recording.started_at:%Y/%m/%d}/{recording.pk.hex}/{name}.{extension}"


def file_name_of(recording: Recording, extension: str) -> str:
    """Return the name the file has for people: the switch's own, made safe for any disk, header and page."""
    own = BRACES.sub("", recording.path).rsplit("/", 1)[-1]
    stem = own.rsplit(".", 1)[0] if "." in own else own
    return f"{safe_name(stem) or recording.pk.hex}.{extension}"


def safe_name(text: str) -> str:
    """Drop what a disk, a header or a reader's eye could stumble over, and cut to what every disk takes."""
    visible = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    name = UNSAFE.sub("_", unicodedata.normalize("NFC", visible)).strip(" .")
    return name.encode()[:MOST_NAME_BYTES].decode(errors="ignore").strip(" .")


def store(storage: Storage, key: str, file: BinaryIO) -> Stored:
    """Write the file under the key, read it back, and only then say that it is there."""
    size, sha256 = digest(file)
    file.seek(0)
    storage.save(key, File(file, name=key))
    with storage.open(key) as kept:
        if digest(kept) != (size, sha256):
            storage.delete(key)
            raise StorageDamaged(f"{key} was not stored as it was written")
    return Stored(key, size, sha256)


def digest(file: Any) -> tuple[int, str]:
    """Return size and SHA-256, reading a piece at a time."""
    file.seek(0)
    size, sha256 = 0, hashlib.sha256()
    while part := file.read(COPY_BYTES):
        size += len(part)
        sha256.update(part)
    return size, sha256.hexdigest()


def copy(source: Any, target: BinaryIO) -> None:
    """Copy from the beginning, a piece at a time."""
    source.seek(0)
    while part := source.read(COPY_BYTES):
        target.write(part)


@contextlib.contextmanager
def let_go(file: BinaryIO) -> Iterator[BinaryIO]:
    """Close a file that nobody wants afterwards, also where a full disk says so again for its last bytes."""
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):
            file.close()


def scratch_file() -> AbstractContextManager[BinaryIO]:
    """A file without a name, on the disk that has room for audio: a worker that is killed leaves nothing."""
    return let_go(cast("BinaryIO", tempfile.TemporaryFile(dir=settings.DATA_DIR)))


class AudioStorage(FileSystemStorage):
    """Local files that appear whole or not at all, and stay when the power goes.

    A file is written beside its place, flushed to disk and renamed; a writer that was killed leaves a draft
    that nobody holds locked, and the next one for the same recording removes it.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        make_folders(target.parent)
        clear_drafts(target.parent)
        descriptor, draft = tempfile.mkstemp(prefix=DRAFT_PREFIX, dir=target.parent)
        try:
            write_through(descriptor, content)
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
        return name

    def delete(self, name: str) -> None:
        super().delete(name)
        with contextlib.suppress(OSError):
            Path(self.path(name)).parent.rmdir()


def write_through(descriptor: int, content: Any) -> None:
    """Write all of it to disk, so that reading it back asks the disk and not the cache."""
    with os.fdopen(descriptor, "wb") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        for part in content.chunks():
            out.write(part)
        out.flush()
        os.fchmod(out.fileno(), 0o640)
        os.fsync(out.fileno())
        os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def clear_drafts(folder: Path) -> None:
    for draft in folder.glob(f"{DRAFT_PREFIX}*"):
        with contextlib.suppress(OSError), draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, each known to the disk before anything is put in it."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(mode=0o750, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
