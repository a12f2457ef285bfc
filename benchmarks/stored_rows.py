"""What ingest stored, written again by nothing but bulk upserts: the limit that the database sets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import connection, models, transaction

from cdr.evidence import EVIDENCE, KEYS
from cdr.rows import CALLS, LEGS, OFFERS, VISITS
from database.bulk import Row, Table, as_json
from recordings.models import Recording

RECORDINGS = Table(Recording, [field.attname for field in Recording._meta.concrete_fields])
READ_BY_PEOPLE = (CALLS, LEGS, VISITS, OFFERS, RECORDINGS)
ALL = (*READ_BY_PEOPLE, EVIDENCE, KEYS)


def seconds_to_write(tables: Sequence[Table], transactions: int) -> float:
    """Empty the tables and write their rows again in so many transactions."""
    rows = {table.name: rows_of(table) for table in tables}
    empty(tables)
    began = time.perf_counter()
    for number in range(transactions):
        with transaction.atomic():
            for table in tables:
                table.upsert(share(rows[table.name], number, transactions))
    return time.perf_counter() - began


def rows_of(table: Table) -> list[Row]:
    """The rows of a table in the order in which they were stored, ready to be written."""
    json_places = {
        place for place, field in enumerate(table.fields) if isinstance(field, models.JSONField)
    }
    found = table.model._default_manager.order_by().values_list(*table.columns)
    return [
        tuple(as_json(value) if place in json_places else value for place, value in enumerate(row))
        for row in found
    ]


def share(rows: Sequence[Any], number: int, of: int) -> Sequence[Any]:
    return rows[len(rows) * number // of : len(rows) * (number + 1) // of]


def empty(tables: Sequence[Table]) -> None:
    names = ", ".join(f'"{table.name}"' for table in tables)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {names} CASCADE")
            return
        for table in reversed(tables):
            cursor.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - our own names
