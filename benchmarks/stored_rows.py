"""What ingest stored, written again by nothing but bulk upserts: the limit that the database sets."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

from django.db import connection, models, transaction

from cdr.evidence import EVIDENCE, KEYS
from cdr.models import Call
from cdr.rows import CALLS, LEGS, OFFERS, VISITS
from database.bulk import Row, Table, as_json
from recordings.models import Recording

RECORDINGS = Table(Recording, [field.attname for field in Recording._meta.concrete_fields])
READ_BY_PEOPLE = (CALLS, LEGS, VISITS, OFFERS, RECORDINGS)
ALL = (*READ_BY_PEOPLE, EVIDENCE, KEYS)
CALL_COLUMNS = ("call_id", "evidence_id", "id")


def seconds_to_write(tables: Sequence[Table], transactions: int) -> float:
    """Empty the tables and write their rows again in so many transactions, each with whole calls."""
    places = call_places(transactions)
    shares = {table.name: shares_of(table, places, transactions) for table in tables}
    empty(tables)
    began = time.perf_counter()
    for number in range(transactions):
        with transaction.atomic():
            for table in tables:
                table.upsert(shares[table.name][number])
    return time.perf_counter() - began


def call_places(transactions: int) -> dict[uuid.UUID, int]:
    """Say in which transaction each call is written, in the order in which they began."""
    calls = Call.objects.order_by("started_at", "id").values_list("pk", flat=True)
    return {pk: place * transactions // len(calls) for place, pk in enumerate(calls)}


def shares_of(table: Table, places: Mapping[uuid.UUID, int], transactions: int) -> list[list[Row]]:
    """A table's rows, ready to be written, by transaction."""
    json_places = {place for place, field in enumerate(table.fields) if isinstance(field, models.JSONField)}
    call_place = next(table.columns.index(name) for name in CALL_COLUMNS if name in table.columns)
    shares: list[list[Row]] = [[] for _ in range(transactions)]
    for row in table.model._default_manager.order_by().values_list(*table.columns):
        ready = tuple(as_json(value) if place in json_places else value for place, value in enumerate(row))
        shares[places[row[call_place]]].append(ready)
    return shares


def empty(tables: Sequence[Table]) -> None:
    names = ", ".join(f'"{table.name}"' for table in tables)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {names} CASCADE")
            return
        for table in reversed(tables):
            cursor.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - our own names
