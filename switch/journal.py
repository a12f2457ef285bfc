"""Keep what was read from a switch on local disk until it is in the database, and some days longer.

One SQLite file in WAL mode per switch; a row is a compressed batch of bodies. What append() returned for
survives the death of the process at any moment, and after sync() also a power cut.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import uuid
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import msgspec

from switch.errors import JournalCorrupt, JournalError, UnsafeValue
from switch.journal_file import (
    Damaged,
    damage_as_error,
    inode,
    open_file,
    opening_alone,
    side_file,
    sqlite_errors,
    sync_folder,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

VACUUM_PAGES: Final = 4096
COMPRESSION_LEVEL: Final = 1
ROWS_AT_ONCE: Final = 64
PRUNE_AT_ONCE: Final = 200
SWITCH_ID: Final = frozenset(ascii_letters + digits + "_-")
SIDE_FILES: Final = ("", "-wal", "-shm")
Row = tuple[int, float, str, bytes]
decode_bodies = msgspec.msgpack.Decoder(list[bytes]).decode


@dataclass(frozen=True, slots=True)
class Batch:
    """Bodies received together; `received_at` is in seconds since the epoch. A damaged one has no bodies."""

    id: int
    received_at: float
    kind: str
    bodies: list[bytes]
    damaged: bool = False


class Depth(NamedTuple):
    """What waits behind a position; `oldest` is in seconds since the epoch, None when nothing waits."""

    batches: int
    events: int
    oldest: float | None


def pack(bodies: Sequence[bytes]) -> bytes:
    """Return bodies as one compressed value."""
    return zlib.compress(msgspec.msgpack.encode(bodies), COMPRESSION_LEVEL)


def unpack(body: bytes) -> list[bytes]:
    """Return the bodies that pack() was given. Raises ValueError when the value is damaged."""
    try:
        return decode_bodies(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from error


def journal_path(folder: Path, switch_id: str) -> Path:
    """Return where the journal of a switch is. Raises UnsafeValue for an id that is no plain name."""
    if not switch_id or len(switch_id) > 128 or not SWITCH_ID.issuperset(switch_id):
        raise UnsafeValue("switch id", switch_id, "only letters, digits, '_' and '-' are allowed")
    return folder / f"{switch_id}.sqlite3"


class Journal:
    """One switch's journal; any thread may use it, any other process may follow it."""

    def __init__(self, path: Path, *, mends: bool, max_bytes: int | None = None) -> None:
        self.path = path
        self.identity = ""
        self.moved_aside: Path | None = None
        self._mends = mends
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._inode = 0
        self._db = self._open()

    @classmethod
    def open(cls, folder: Path, switch_id: str, max_bytes: int | None = None) -> Self:
        """Open the journal for writing, making it if need be; a damaged file is moved aside, never deleted.

        With `max_bytes` append() raises JournalFull rather than let the file grow larger.
        """
        return cls(journal_path(folder, switch_id), mends=True, max_bytes=max_bytes)

    @classmethod
    def follow(cls, folder: Path, switch_id: str) -> Self:
        """Open the journal for reading what another process appends; it is never moved from here."""
        return cls(journal_path(folder, switch_id), mends=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, bodies: Sequence[bytes], kind: str = "events", received_at: float | None = None) -> int:
        """Keep bodies as one batch and return its id. Raises JournalFull, and then has kept nothing."""
        row = (time.time() if received_at is None else received_at, len(bodies), kind, pack(bodies))
        with self._lock:
            self.refresh()
            try:
                return self._insert(row)
            except Damaged as damage:
                self._replace(damage)
                return self._insert(row)

    def read(
        self, after: int, limit_batches: int = 1000, limit_bytes: int = 64 * 1024 * 1024
    ) -> Iterator[Batch]:
        """Yield batches behind a position, at least one if there is one, until a limit is reached.

        `limit_bytes` counts bodies as they were received. No lock is held between two batches.
        """
        seen_batches = seen_bytes = 0
        while seen_batches < limit_batches and seen_bytes < limit_bytes:
            rows = self._rows(after, min(ROWS_AT_ONCE, limit_batches - seen_batches))
            if not rows:
                return
            for row in rows:
                batch = as_batch(row)
                yield batch
                after = batch.id
                seen_batches += 1
                seen_bytes += sum(map(len, batch.bodies))
                if seen_bytes >= limit_bytes:
                    return

    def last_id(self) -> int:
        """Return the id of the newest batch there ever was, 0 before the first; ids are never used twice."""
        rows = self._query("SELECT seq FROM sqlite_sequence WHERE name = 'batches'")
        return int(rows[0][0]) if rows else 0

    def depth(self, after: int) -> Depth:
        """Return how much waits behind a position."""
        count = "SELECT count(*), coalesce(sum(count), 0), min(received_at) FROM batches WHERE id > ?"
        return Depth(*self._query(count, (after,))[0])

    def prune(self, before_time: float, applied_up_to: int) -> int:
        """Delete batches received before a time and applied already; return how many."""
        old = "SELECT id FROM batches WHERE received_at < ? AND id <= ? ORDER BY received_at LIMIT ?"
        deleted = 0
        while True:
            ids = self._query(old, (before_time, applied_up_to, PRUNE_AT_ONCE))
            deleted += self._delete([row[0] for row in ids])
            if len(ids) < PRUNE_AT_ONCE:
                break
        self._query(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        return deleted

    def sync(self) -> None:
        """Make everything appended so far survive a power cut; appends go on meanwhile."""
        try:
            descriptor = os.open(side_file(self.path, "-wal"), os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            raise JournalError(f"{self.path}: {error}") from error
        finally:
            os.close(descriptor)

    def refresh(self) -> bool:
        """Open the file again if it was replaced; True when it was: `identity` is another, ids begin at 1.

        A follower calls this before each pass; append() does by itself.
        """
        with self._lock:
            if inode(self.path) == self._inode:
                return False
            self._db.close()
            self._db = self._open()
            return True

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with opening_alone(self.path):
                return self._open_or_mend()
        except OSError as error:
            raise JournalError(f"{self.path}: {error}") from error

    def _open_or_mend(self) -> sqlite3.Connection:
        try:
            return self._open_file()
        except Damaged as damage:
            if not self._mends:
                raise JournalError(f"{self.path} is damaged: {damage}") from damage
            self._move_aside(damage)
        try:
            return self._open_file()
        except Damaged as damage:
            raise JournalError(f"{self.path} cannot be made anew: {damage}") from damage

    def _open_file(self) -> sqlite3.Connection:
        db, self.identity = open_file(self.path, self._max_bytes)
        self._inode = inode(self.path)
        return db

    def _insert(self, row: tuple[float, int, str, bytes]) -> int:
        with sqlite_errors(self.path):
            added = self._db.execute(
                "INSERT INTO batches (received_at, count, kind, body) VALUES (?, ?, ?, ?)", row
            )
            return int(added.lastrowid or 0)

    def _delete(self, ids: Sequence[int]) -> int:
        marks = ",".join("?" * len(ids))
        with self._lock, damage_as_error(self.path), sqlite_errors(self.path):
            return self._db.execute(f"DELETE FROM batches WHERE id IN ({marks})", ids).rowcount  # noqa: S608

    def _query(self, statement: str, values: Sequence[object] = ()) -> list[tuple[int, int, float]]:
        with self._lock, damage_as_error(self.path), sqlite_errors(self.path):
            return self._db.execute(statement, values).fetchall()

    def _rows(self, after: int, most: int) -> list[Row]:
        """Return the next rows; where the file is damaged, a row without a body for each that is gone."""
        with self._lock:
            try:
                return self._select(after, most)
            except Damaged:
                log.exception("journal %s is damaged behind batch %s", self.path, after)
                return self._rows_one_by_one(after, most)

    def _rows_one_by_one(self, after: int, most: int) -> list[Row]:
        rows: list[Row] = []
        last = self.last_id()
        while after < last and len(rows) < most:
            after += 1
            try:
                rows += [row for row in self._select(after - 1, 1) if row[0] == after]
            except Damaged:
                rows.append((after, 0.0, "", b""))
        return rows

    def _select(self, after: int, most: int) -> list[Row]:
        statement = "SELECT id, received_at, kind, body FROM batches WHERE id > ? ORDER BY id LIMIT ?"
        with sqlite_errors(self.path):
            return self._db.execute(statement, (after, most)).fetchall()

    def _replace(self, damage: Damaged) -> None:
        """Go on with a new file; the damaged one is kept beside it."""
        if not self._mends:
            raise JournalError(f"{self.path} is damaged: {damage}") from damage
        self._db.close()
        with opening_alone(self.path):
            if inode(self.path) == self._inode:
                self._move_aside(damage)
            self._db = self._open_or_mend()

    def _move_aside(self, damage: Damaged) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{self.path.stem}.damaged-{stamp}-{uuid.uuid4().hex[:8]}.sqlite3")
        for suffix in SIDE_FILES:
            with contextlib.suppress(FileNotFoundError):
                side_file(self.path, suffix).rename(side_file(aside, suffix))
        sync_folder(self.path.parent)
        self.moved_aside = aside
        log.error("%s", JournalCorrupt(self.path, aside, str(damage)))


def as_batch(row: Row) -> Batch:
    """Return a row's batch."""
    number, received_at, kind, body = row
    try:
        return Batch(number, received_at, kind, unpack(body))
    except ValueError:
        return Batch(number, received_at, kind, [], damaged=True)
