"""A CDR table that an Asterisk fills, read by its growing number: PostgreSQL, MySQL or SQLite.

``postgresql://user:password@host/asterisk?table=cdr&id=id``; ``table`` is ``cdr`` and ``id`` is ``id`` (for
SQLite ``rowid``) unless the URL says otherwise; ``host=`` can be a socket's folder. Columns are found by the
names that Asterisk's back-ends use.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pymysql

from ccportal.catch_up.files import SourceTrouble
from switch.asterisk.master_csv import STAMP

MOST_ROWS: Final = 1000
OVERLAP: Final = 200
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 30
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
COLUMNS: Final = (
    ("accountcode",),
    ("src",),
    ("dst",),
    ("dcontext",),
    ("clid",),
    ("channel",),
    ("dstchannel",),
    ("lastapp",),
    ("lastdata",),
    ("start", "calldate"),
    ("answer", "answerdate"),
    ("end", "enddate", "hangupdate"),
    ("duration",),
    ("billsec",),
    ("disposition",),
    ("amaflags",),
    ("uniqueid",),
    ("userfield",),
    ("peeraccount",),
    ("linkedid",),
    ("sequence",),
)
NEEDED: Final = ("src", "dst", "duration", "billsec", "disposition", "uniqueid")
AWAY: Final = (psycopg.Error, pymysql.MySQLError, sqlite3.Error, OSError)


@dataclass(frozen=True, slots=True)
class Table:
    """Where the table is; the password is in the URL and never shown."""

    url: str
    kind: str
    name: str
    number: str

    @classmethod
    def at(cls, url: str) -> Table:
        """Read a URL. Raises SourceTrouble for one that names no table."""
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        name = asked.get("table", ["cdr"])[0]
        number = asked.get("id", ["rowid" if parts.scheme == "sqlite" else "id"])[0]
        if not IDENTIFIER.fullmatch(name) or not IDENTIFIER.fullmatch(number):
            raise SourceTrouble("The table's or its number's name is no identifier.")
        return cls(url, parts.scheme, name, number)

    @property
    def shown(self) -> str:
        """The URL without user and password."""
        parts = urlsplit(self.url)
        return f"{self.kind}://{parts.hostname or ''}{parts.path} {self.name}"


def rows_after(table: Table, number: int) -> list[tuple[int, list[str]]]:
    """Return the next rows as Master.csv has them, by their numbers. Raises SourceTrouble.

    A few before are read again: a transaction that was begun earlier may have ended later.
    """
    statement = (
        f"SELECT {table.number} AS ccportal_number, {table.name}.* FROM {table.name} "  # noqa: S608
        f"WHERE {table.number} > {{}} ORDER BY {table.number} LIMIT {MOST_ROWS + OVERLAP}"
    )
    try:
        with (
            contextlib.closing(_connect(table)) as connection,
            contextlib.closing(connection.cursor()) as cursor,
        ):
            mark = "?" if table.kind == "sqlite" else "%s"
            cursor.execute(statement.format(mark), (max(number - OVERLAP, 0),))
            names = [str(column[0]).lower() for column in cursor.description]
            return list(_records(names, cursor.fetchall()))
    except AWAY as error:
        raise SourceTrouble(f"The database does not answer as it should: {type(error).__name__}.") from error


def _connect(table: Table) -> Any:
    parts = urlsplit(table.url)
    if table.kind == "sqlite":
        path = unquote(parts.path)
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=CONNECT_SECONDS)
        connection.text_factory = bytes
        return connection
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    user = unquote(parts.username or "")
    password, name = unquote(parts.password or ""), unquote(parts.path.strip("/"))
    if table.kind == "mysql":
        return pymysql.connect(
            host=host,
            port=parts.port or 3306,
            user=user,
            password=password,
            database=name,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
    return psycopg.connect(
        host=host,
        port=parts.port or 5432,
        user=user,
        password=password,
        dbname=name,
        connect_timeout=CONNECT_SECONDS,
        autocommit=True,
    )


def _records(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, list[str]]]:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise SourceTrouble(f"The table has no column {missing[0]}.")
    places = [next((names.index(name) for name in known if name in names), None) for known in COLUMNS]
    for row in rows:
        yield int(row[0]), ["" if place is None else as_text(row[place]) for place in places]


def as_text(value: Any) -> str:
    """A value as Master.csv has it; bytes may be cut within a character."""
    match value:
        case None:
            return ""
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "replace")
        case dt.datetime():
            return (value.astimezone(dt.UTC) if value.tzinfo else value).strftime(STAMP)
        case float() | Decimal():
            return str(int(value))
    return str(value)
