"""The fields of list rows: each is written, read from filters, put into CSV and described from one line."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Expression, Q

from accounts.numbers import digits_of
from ccportal.api.cells import (
    IDS,
    MOMENTS,
    NUMBERS,
    PLAIN,
    SECONDS,
    TEXTS,
    Form,
    as_cell,
    defused_cells,
    rounded,
    seconds_from,
)
from ccportal.api.times import (
    UNIX_EPOCH_IN_GREGORIAN_SECONDS,
    iso,
    local,
    read_span,
    unix_seconds,
)

NO_ROW = Q(pk__in=[])
EVERY_ROW = Q(pk__isnull=False)
Condition = Callable[[str], Q]


class Kind(Enum):
    """What a field's value is in JSON."""

    TEXT = "text"
    ID = "id"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"
    IDS = "ids"
    LIST = "list"
    OBJECT = "object"


NEVER_FORMULAS = frozenset({Kind.ID, Kind.IDS, Kind.TIME})


Read = Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]]


@dataclass(frozen=True)
class Gathered:
    """What many rows have elsewhere: ``reader`` makes of a view what reads it for rows of one file, a share
    of them at a time, by what each row has at the paths of ``key``; ``told`` what PostgreSQL writes of it.
    """

    key: tuple[str, ...]
    reader: Callable[[Any], Read]
    told: Callable[[Any], Expression] | None = None


def reading(read: Callable[[Any, Sequence[tuple[Any, ...]]], Sequence[Any]]) -> Callable[[Any], Read]:
    """The reader that asks anew for each share."""
    return lambda view: partial(read, view)


@dataclass(frozen=True)
class Column:
    """A field: ``value`` reads it from a row, ``equals`` finds the rows that have a value, ``present`` any.

    ``equals`` raises ValueError for a text that is no value of its kind. ``moment`` reads a time for CSV.
    For long files ``form`` makes cells of what many rows have at ``path`` or of what ``gathered`` found.
    """

    name: str
    kind: Kind
    value: Callable[[Any], Any]
    equals: Condition | None = None
    present: Q | None = None
    moment: Callable[[Any], datetime | None] | None = None
    about: str = ""
    path: str = ""
    gathered: Gathered | None = None
    form: Form = PLAIN

    def heading(self, zone: ZoneInfo) -> str:
        return f"{self.name} ({zone.key})" if self.moment else self.name

    def cell(self, row: Any, zone: ZoneInfo) -> str:
        """The value as a spreadsheet shows it, its times in the zone."""
        if self.moment:
            moment = self.moment(row)
            return local(moment, zone) if moment else ""
        return as_cell(self.value(row))

    def told(self, view: Any) -> Expression | None:
        """What PostgreSQL writes into lines for this field."""
        if self.gathered:
            return self.gathered.told(view) if self.gathered.told else None
        return self.form.told(self.path, view.account.zone) if self.path and self.form.told else None

    def cells(self, values: Sequence[Any], zone: ZoneInfo) -> Sequence[Any]:
        """Cells that a spreadsheet takes for what they are, none for a formula."""
        made = self.form.made(values, zone)
        return made if self.kind in NEVER_FORMULAS else defused_cells(made)


def text(name: str, path: str, about: str = "") -> Column:
    return Column(
        name,
        Kind.TEXT,
        reader(path),
        lambda value: Q(**{path: value}),
        Q(**{f"{path}__gt": ""}),
        about=about,
        path=path,
        form=TEXTS,
    )


def number(name: str, path: str, digits: str, about: str = "") -> Column:
    """A phone number, looked for along the index of its digits."""
    return replace(text(name, path, about), equals=lambda value: Q(**{path: value, digits: digits_of(value)}))


def identifier(name: str, path: str, about: str = "") -> Column:
    """A row's id as 32 hex digits."""
    read = reader(path)
    return Column(
        name,
        Kind.ID,
        lambda row: hex_of(read(row)),
        lambda value: Q(**{path: as_id(value)}),
        Q(**{f"{path}__isnull": False}),
        about=about,
        path=path,
        form=IDS,
    )


def whole(name: str, path: str, about: str = "") -> Column:
    return Column(
        name,
        Kind.NUMBER,
        reader(path),
        lambda value: Q(**{path: as_number(value)}),
        Q(**{f"{path}__isnull": False}),
        about=about,
        path=path,
        form=NUMBERS,
    )


def seconds(name: str, path: str, about: str = "") -> Column:
    """Milliseconds of the row, as whole seconds."""
    read = reader(path)
    return Column(
        name,
        Kind.NUMBER,
        lambda row: rounded(read(row)),
        lambda value: rounds_to(path, as_number(value)),
        Q(**{f"{path}__isnull": False}),
        about=about,
        path=path,
        form=SECONDS,
    )


def flag(name: str, path: str, about: str = "") -> Column:
    return Column(
        name,
        Kind.BOOLEAN,
        reader(path),
        lambda value: Q(**{path: as_flag(value)}),
        EVERY_ROW,
        about=about,
        path=path,
    )


def stored_json(name: str, kind: Kind, path: str, about: str = "") -> Column:
    """A field that is kept as JSON, and not looked for."""
    return Column(name, kind, reader(path), about=about, path=path)


def moment(name: str, path: str, about: str = "") -> Column:
    read = reader(path)
    return Column(
        name,
        Kind.TIME,
        lambda row: iso(value) if (value := read(row)) else None,
        lambda value: within(path, value),
        Q(**{f"{path}__isnull": False}),
        moment=read,
        about=about,
        path=path,
        form=MOMENTS,
    )


def counted(name: str, path: str, at_unix_epoch: int, about: str) -> Column:
    """Whole seconds, counted so that 1970 has this number."""
    read = reader(path)
    return Column(
        name,
        Kind.TEXT,
        lambda row: str(unix_seconds(read(row)) + at_unix_epoch),
        lambda value: within(path, value),
        EVERY_ROW,
        about=about,
        path=path,
        form=seconds_from(at_unix_epoch),
    )


def gregorian(name: str, path: str) -> Column:
    return counted(name, path, UNIX_EPOCH_IN_GREGORIAN_SECONDS, "Gregorian seconds: unix + 62167219200")


def unix(name: str, path: str) -> Column:
    return counted(name, path, 0, "Unix seconds")


def reader(path: str) -> Callable[[Any], Any]:
    """Read along a path of the ORM; whatever hangs from nothing is None."""
    first, _, rest = path.partition("__")
    if not rest:
        return attrgetter(first)
    onward = reader(rest)
    return lambda row: None if (value := getattr(row, first)) is None else onward(value)


def hex_of(value: uuid.UUID | None) -> str | None:
    return value.hex if value else None


def rounds_to(path: str, value: int) -> Q:
    return Q(**{f"{path}__gte": value * 1000 - 500, f"{path}__lt": value * 1000 + 500})


def within(path: str, value: str) -> Q:
    start, after = read_span(value)
    return Q(**{f"{path}__gte": start, f"{path}__lt": after})


def as_id(value: str) -> uuid.UUID:
    if len(value) != 32:
        raise ValueError(value)
    return uuid.UUID(hex=value)


def as_number(value: str) -> int:
    if len(value) > 15:
        raise ValueError(value)
    return int(value)


def as_flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(value)
    return value == "true"


def by_name(columns: Iterable[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def present(columns: Sequence[Column], row: Any) -> dict[str, Any]:
    return {column.name: column.value(row) for column in columns}
