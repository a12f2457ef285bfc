"""Lines of very many rows: plain values from the database, made into text column by column.

PostgreSQL writes most of each line itself: columns beside each other come as one text.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import DateTimeField, F, Field, ForeignKey, Func, Model, QuerySet, UUIDField

from ccportal.api.cells import quoted_cells
from ccportal.api.columns import Column, Gathered
from ccportal.api.database_cells import Cells, HexDigits, Microseconds
from ccportal.api.pages import Keyset, Page, Place
from ccportal.api.sheets import written
from ccportal.api.times import from_microseconds

CHUNK = 5000


def can_be_quick(columns: Sequence[Column]) -> bool:
    return all(column.path or column.gathered for column in columns)


def quick_rows(view: Any, columns: Sequence[Column], keyset: Keyset, zone: ZoneInfo) -> QuickRows:
    """What reads a list's rows, and writes them as lines, at the least cost on the database that is used."""
    reads = ToldRows if connection.vendor == "postgresql" else QuickRows
    return reads(view, columns, keyset, zone)


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

    def __init__(self, view: Any, columns: Sequence[Column], keyset: Keyset, zone: ZoneInfo) -> None:
        self.columns = columns
        self.keyset = keyset
        self.zone = zone
        wanted = dict.fromkeys(column.gathered for column in columns if column.gathered)
        self.readers = {gathered: gathered.reader(view) for gathered in wanted}
        keys = [path for gathered in wanted for path in gathered.key]
        self.place_in_row = {
            name: place
            for place, name in enumerate(dict.fromkeys([keyset.path, "id", *self.value_names(), *keys]))
        }

    def value_names(self) -> list[str]:
        """The paths of what is read of each row itself."""
        return [column.path for column in self.columns if column.path]

    def value(self, model: type[Model], name: str) -> F | Func:
        return plain(model, name)

    def chunks(self, rows: QuerySet[Any], page: Page) -> Iterator[str]:
        """The lines of all the rows from the page's start, never more than a chunk at a time."""
        for found in self.keyset.chunks(self.plain(rows), page, CHUNK, self.place_of):
            yield self.lines(found)

    def plain(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows as tuples of values."""
        values = {f"value_{place}": self.value(rows.model, name) for name, place in self.place_in_row.items()}
        bare: QuerySet[Any] = rows.select_related(None).prefetch_related(None)
        found: QuerySet[Any] = bare.annotate(**values).values_list(*values)
        return found

    def place_of(self, row: tuple[Any, ...], ascending: bool) -> Place:
        return Place(ascending, from_microseconds(row[0]), uuid.UUID(hex=row[1]))

    def lines(self, rows: Sequence[tuple[Any, ...]]) -> str:
        return written(self.cells(rows))

    def cells(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The cells as a file for spreadsheets has them: none is a formula."""
        made = [column.cells(values, self.zone) for column, values in self.by_column(rows)]
        return zip(*made, strict=True)

    def plain_cells(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The cells for what tells texts from formulas by itself."""
        made = [column.form.made(values, self.zone) for column, values in self.by_column(rows)]
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
            gathered[wanted] = self.readers[wanted](list(keys))
        return gathered[wanted]


class ToldRows(QuickRows):
    """The same where PostgreSQL writes cells: a run of them comes as one text, as if it were one column."""

    def __init__(self, view: Any, columns: Sequence[Column], keyset: Keyset, zone: ZoneInfo) -> None:
        self.told = {column: told for column in columns if (told := column.told(view)) is not None}
        self.runs: dict[str, Cells] = {}
        super().__init__(view, list(self.with_runs(columns)), keyset, zone)

    def with_runs(self, columns: Sequence[Column]) -> Iterator[Column]:
        for is_told, run in groupby(columns, self.told.__contains__):
            if is_told:
                first, *others = run
                name = f"run {len(self.runs)}"
                self.runs[name] = Cells(*(self.told[column] for column in (first, *others)))
                yield replace(first, path=name, gathered=None)
            else:
                yield from run

    def value(self, model: type[Model], name: str) -> F | Func:
        return self.runs.get(name) or super().value(model, name)

    def lines(self, rows: Sequence[tuple[Any, ...]]) -> str:
        parts = [
            values if column.path in self.runs else quoted_cells(column.cells(values, self.zone))
            for column, values in self.by_column(rows)
        ]
        return "".join(f"{line}\r\n" for line in map(",".join, zip(*parts, strict=True)))
