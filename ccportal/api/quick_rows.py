"""Cells of very many rows: plain values from the database, made into text column by column."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    BigIntegerField,
    DateTimeField,
    F,
    Field,
    ForeignKey,
    Func,
    Model,
    QuerySet,
    TextField,
    UUIDField,
)

from ccportal.api.columns import Column, Gathered
from ccportal.api.pages import Keyset, Page, Place
from ccportal.api.times import from_microseconds

CHUNK = 2000
Cells = Iterator[tuple[Any, ...]]


def can_be_quick(columns: Sequence[Column]) -> bool:
    return all(column.path or column.gathered for column in columns)


class HexDigits(Func):
    """A UUID as the API writes it; SQLite keeps it so."""

    template = "replace(%(expressions)s::text, '-', '')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s", **context)


class Microseconds(Func):
    """A moment as microseconds since 1970."""

    template = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()
    on_sqlite = (
        "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) * 1000000"
        " + CAST(substr(%(expressions)s, 21) AS INTEGER))"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.on_sqlite, **context)


def field_at(model: type[Model], path: str) -> Field[Any, Any]:
    """The field that a path of the ORM leads to; of a pointer the one that is pointed at."""
    *relations, last = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    field: Any = model._meta.get_field(last)
    return field.target_field if isinstance(field, ForeignKey) else field


def plain(model: type[Model], path: str) -> F | Func:
    """What a path leads to, as it costs least to read."""
    field = field_at(model, path)
    if isinstance(field, UUIDField):
        return HexDigits(F(path))
    return Microseconds(F(path)) if isinstance(field, DateTimeField) else F(path)


class QuickRows:
    """Reads rows of a list in the order of its keyset, without making objects of them."""

    def __init__(self, view: Any, columns: Sequence[Column], keyset: Keyset) -> None:
        self.view = view
        self.columns = columns
        self.keyset = keyset
        paths = [column.path for column in columns if column.path]
        keys = [path for column in columns if column.gathered for path in column.gathered.key]
        self.paths = list(dict.fromkeys([keyset.path, "id", *paths, *keys]))
        self.place_in_row = {path: place for place, path in enumerate(self.paths)}

    def chunks(self, rows: QuerySet[Any], page: Page, zone: ZoneInfo) -> Iterator[Cells]:
        """The cells of all the rows from the page's start, never more than a chunk at a time."""
        for found in self.keyset.chunks(self.plain(rows), page, CHUNK, self.place_of):
            yield self.cells(found, zone)

    def plain(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows as tuples of values."""
        values = {f"value_{place}": plain(rows.model, path) for place, path in enumerate(self.paths)}
        bare: QuerySet[Any] = rows.select_related(None).prefetch_related(None)
        found: QuerySet[Any] = bare.annotate(**values).values_list(*values)
        return found

    def place_of(self, row: tuple[Any, ...], ascending: bool) -> Place:
        return Place(ascending, from_microseconds(row[0]), uuid.UUID(hex=row[1]))

    def cells(self, rows: Sequence[tuple[Any, ...]], zone: ZoneInfo) -> Cells:
        """The cells as a file for spreadsheets has them: none is a formula."""
        made = [column.safe_cells(values, zone) for column, values in self.by_column(rows)]
        return zip(*made, strict=True)

    def plain_cells(self, rows: Sequence[tuple[Any, ...]], zone: ZoneInfo) -> Cells:
        """The cells for what tells texts from formulas by itself."""
        made = [column.cells(values, zone) for column, values in self.by_column(rows)]
        return zip(*made, strict=True)

    def by_column(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Column, Sequence[Any]]]:
        values = list(zip(*rows, strict=True))
        gathered: dict[Gathered, Sequence[Any]] = {}
        for column in self.columns:
            yield column, self.values_of(column, values, gathered)

    def values_of(
        self, column: Column, values: Sequence[Sequence[Any]], gathered: dict[Gathered, Sequence[Any]]
    ) -> Sequence[Any]:
        """What the rows have for a column; what is gathered is read once for all columns that want it."""
        wanted = column.gathered
        if wanted is None:
            return values[self.place_in_row[column.path]]
        if wanted not in gathered:
            keys = zip(*(values[self.place_in_row[path]] for path in wanted.key), strict=True)
            gathered[wanted] = wanted.read(self.view, list(keys))
        return gathered[wanted]
