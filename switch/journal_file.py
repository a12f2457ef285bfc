"""The file under a journal: made, looked over, locked, and its errors told apart."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, Final

from switch.errors import JournalError, JournalFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = 1
PAGE_SIZE: Final = 8192
CHECKPOINT_PAGES: Final = 4000
LOCK_WAIT_SECONDS: Final = 10.0
THOROUGH_CHECK_UP_TO: Final = 64 * 1024 * 1024
NO_ROOM_BELOW: Final = 16 * 1024 * 1024
DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
TABLES: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at REAL NOT NULL,
    count INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS batches_received_at ON batches (received_at);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT OR IGNORE INTO meta VALUES ('identity', lower(hex(randomblob(16))));
PRAGMA user_version = 1;
COMMIT;
"""


class Damaged(Exception):
    """SQLite found its file damaged."""


def open_file(path: Path, max_bytes: int | None) -> tuple[sqlite3.Connection, str]:
    """Open a file, making it if need be; return it with its identity."""
    with sqlite_errors(path):
        db = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            identity = prepare(db, path, max_bytes)
        except BaseException:
            db.close()
            raise
    sync_folder(path.parent)
    return db, identity


def prepare(db: sqlite3.Connection, path: Path, max_bytes: int | None) -> str:
    """Set up a file, look whether it is sound, and return its identity."""
    db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise JournalError(f"{path}: this file system cannot hold a journal")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise JournalError(f"{path} was written by a newer version ({version})")
    if version < FORMAT:
        db.executescript(TABLES)
    if max_bytes is not None:
        db.execute(f"PRAGMA max_page_count = {max(max_bytes // PAGE_SIZE, 1)}")
    return look_over(db, path)


def look_over(db: sqlite3.Connection, path: Path) -> str:
    """Return the file's identity. Raises Damaged for what a quick look finds; small files are read whole."""
    if path.stat().st_size <= THOROUGH_CHECK_UP_TO:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Damaged(found)
    db.execute("SELECT id, body FROM batches ORDER BY id DESC LIMIT 1").fetchall()
    row = db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if row is None:
        raise Damaged("no identity")
    return str(row[0])


def side_file(path: Path, suffix: str) -> Path:
    """Return the path of a file that SQLite keeps beside its own."""
    return path.with_name(path.name + suffix)


def inode(path: Path) -> int:
    """Return which file a path leads to, 0 for none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opening_alone(path: Path) -> Iterator[None]:
    """Let one process at a time make or move the file."""
    with side_file(path, ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise Damaged, JournalFull or JournalError for what SQLite raises."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in DAMAGE:
            raise Damaged(str(error)) from error
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and no_room(path)):
            raise JournalFull(f"{path}: {error}") from error
        raise JournalError(f"{path}: {error}") from error


@contextlib.contextmanager
def damage_as_error(path: Path) -> Iterator[None]:
    """Raise JournalError for damage found where nothing can be mended."""
    try:
        yield
    except Damaged as damage:
        raise JournalError(f"{path} is damaged: {damage}") from damage


def no_room(path: Path) -> bool:
    """Tell whether the disk is as good as full."""
    return shutil.disk_usage(path.parent).free < NO_ROOM_BELOW
