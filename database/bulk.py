"""Write many rows at once, new or known, on PostgreSQL (COPY and upsert) and SQLite."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db import connection, models

Row = Sequence[Any]


class Table:
    """A model's table and the columns that are written; rows are tuples in their order, the id among them.

    Of rows that are there already, ``added`` columns are added to and ``highest`` ones raised; with either,
    nothing else of them is changed, and rows are written in the order of their keys: whoever else adds to
    some of them waits, and never for one who waits for it.
    """

    def __init__(
        self,
        model: type[models.Model],
        columns: Sequence[str],
        key: Sequence[str] = ("id",),
        added: Sequence[str] = (),
        highest: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.columns = tuple(columns)
        self.key = tuple(key)
        self.added = tuple(added)
        self.highest = tuple(highest)

    @cached_property
    def fields(self) -> list[models.Field[Any, Any]]:
        by_column = {field.attname: field for field in self.model._meta.concrete_fields}
        return [by_column[name] for name in self.columns]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    def upsert(self, rows: Sequence[Row]) -> None:
        """Insert the rows, or bring those with the same key up to date; later rows of one key win."""
        if not rows:
            return
        if connection.vendor == "postgresql":
            self._copy_and_merge(rows)
        else:
            self._execute_many(rows)

    @cached_property
    def _names(self) -> list[str]:
        return [f'"{field.column}"' for field in self.fields]

    @cached_property
    def _on_conflict(self) -> str:
        key = ", ".join(f'"{name}"' for name in self.key)
        if self.added or self.highest:
            changes = ", ".join([*map(self._addition, self.added), *map(self._maximum, self.highest)])
            return f"ON CONFLICT ({key}) DO UPDATE SET {changes}"
        updated = [name for name in self._names if name.strip('"') not in self.key]
        if not updated:
            return f"ON CONFLICT ({key}) DO NOTHING"
        changes = ", ".join(f"{name} = excluded.{name}" for name in updated)
        stored = ", ".join(f'"{self.name}".{name}' for name in updated)
        told = ", ".join(f"excluded.{name}" for name in updated)
        return f"ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE ({stored}) IS DISTINCT FROM ({told})"

    def _addition(self, name: str) -> str:
        return f'"{name}" = "{self.name}"."{name}" + excluded."{name}"'

    def _maximum(self, name: str) -> str:
        greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
        return f'"{name}" = {greatest}("{self.name}"."{name}", excluded."{name}")'

    @cached_property
    def _in_order(self) -> str:
        keys = ", ".join(f'"{name}"' for name in self.key)
        return f" ORDER BY {keys}" if self.added or self.highest else ""

    def _copy_and_merge(self, rows: Sequence[Row]) -> None:
        names = ", ".join(self._names)
        staged = f'"incoming_{self.name}"'
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS AS "
                f'SELECT {names} FROM "{self.name}" WITH NO DATA'
            )
            with cursor.copy(f"COPY {staged} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(
                f'INSERT INTO "{self.name}" ({names}) '
                f"SELECT {names} FROM {staged}{self._in_order} {self._on_conflict}"
            )
            cursor.execute(f"DELETE FROM {staged}")

    def _execute_many(self, rows: Sequence[Row]) -> None:
        names, marks = ", ".join(self._names), ", ".join(["%s"] * len(self.columns))
        with connection.cursor() as cursor:
            cursor.executemany(
                f'INSERT INTO "{self.name}" ({names}) VALUES ({marks}) {self._on_conflict}',
                [[_for_sqlite(value) for value in row] for row in rows],
            )


as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _plain_time(value: dt.datetime) -> str:
    """Write a time as Django does, so that equal times are equal texts."""
    return str(value.astimezone(dt.UTC).replace(tzinfo=None))


SQLITE_FORMS: dict[type, Callable[[Any], Any]] = {
    uuid.UUID: lambda value: value.hex,
    dt.datetime: _plain_time,
}


def _for_sqlite(value: Any) -> Any:
    form = SQLITE_FORMS.get(type(value))
    return form(value) if form else value


def chunks(values: Iterable[Any], size: int = 10_000) -> Iterable[list[Any]]:
    """Lists short enough for one query."""
    listed = list(values)
    return (listed[start : start + size] for start in range(0, len(listed), size))
