"""A million conversations and their legs as CSV through /v2, against the database's own way out."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.test import Client, RequestFactory

from accounts.actors import actor_for
from accounts.keys import issue_token
from accounts.models import User
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, run_benchmark, skipped
from benchmarks.legs import fill_with_legs
from benchmarks.million import whole_calls
from benchmarks.processes import resident_megabytes
from benchmarks.taken import database_seconds
from ccportal.api.cdrs import CdrList, InteractionList
from ccportal.api.quick_rows import QuickRows
from ccportal.api.views import ListView
from tests.postgres import NoPostgreSQL

LISTS: dict[str, type[ListView]] = {"cdrs/interaction": InteractionList, "cdrs": CdrList}
FETCHED = 10_000


@dataclass(frozen=True)
class Sent:
    """A file that went out, and what the process held meanwhile."""

    first: float
    seconds: float
    processor: float
    database: float
    rows: int
    megabytes: float
    before: float
    most: float


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls of the tenant (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, help="only this one")


def measure(options: Namespace) -> Iterator[Figure]:
    for vendor in [options.database] if options.database else VENDORS:
        try:
            with filled(vendor, options.calls) as admin:
                for path, view in LISTS.items():
                    yield from measure_file(vendor, path, view, admin)
        except NoPostgreSQL as missing:
            yield skipped(f"CSV, {vendor}", str(missing))


@contextmanager
def filled(vendor: str, calls: int) -> Iterator[User]:
    if vendor == "postgresql":
        with whole_calls(calls) as admin:
            yield admin
    else:
        with migrated_database(vendor):
            yield fill_with_legs(calls)


def measure_file(vendor: str, path: str, view: type[ListView], admin: User) -> Iterator[Figure]:
    sent = send(path, admin)
    floor, way = bare_seconds(view, admin)
    note = (
        f"{sent.rows:,} rows, {sent.megabytes:,.0f} MB; first byte after {sent.first * 1000:.0f} ms; "
        f"processor: {sent.processor:.1f} s Python, {sent.database:.1f} s PostgreSQL"
    )
    yield Figure(f"{path} as CSV, {vendor}", sent.seconds, "s", floor, way, note)
    held = f"{sent.before:.0f} MB before it"
    yield Figure(f"{path}: most memory, {vendor}", sent.most, "MB", note=held)


def send(path: str, admin: User) -> Sent:
    account = admin.account_id.hex if admin.account_id else ""
    headers = {"X-Auth-Token": issue_token(user=admin), "Accept": "text/csv"}
    client = Client(headers=headers)
    warm: Any = client.get(f"/v2/accounts/{account}/{path}?page_size=1000")
    b"".join(warm.streaming_content)
    before, most, rows, size = resident_megabytes(), 0.0, -1, 0
    first = 0.0
    began, worked, database = time.perf_counter(), time.process_time(), database_seconds()
    answer: Any = client.get(f"/v2/accounts/{account}/{path}")
    for part in answer.streaming_content:
        first = first or time.perf_counter() - began
        rows += part.count(b"\r\n")
        size += len(part)
        most = max(most, resident_megabytes())
    worked, database = time.process_time() - worked, database_seconds() - database
    return Sent(first, time.perf_counter() - began, worked, database, rows, size / 1e6, before, most)


def bare_seconds(view_class: type[ListView], admin: User) -> tuple[float, str]:
    """How long the database takes to hand out the same columns, and by what."""
    sql, values = plain_rows(view_class, admin).query.sql_with_params()
    began = time.perf_counter()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            bare: Any = cursor.cursor
            with bare.copy(f"COPY ({cursor.mogrify(sql, values)}) TO STDOUT (FORMAT csv)") as copied:
                for _ in copied:
                    pass
            return time.perf_counter() - began, "COPY of these columns"
        cursor.execute(sql, values)
        while cursor.fetchmany(FETCHED):
            pass
        return time.perf_counter() - began, "fetch of these columns"


def plain_rows(view_class: type[ListView], admin: User) -> QuerySet[Any]:
    request: Any = RequestFactory().get("/")
    request.actor = actor_for(admin)
    view = view_class(
        request=request, kwargs={"account_id": admin.account_id.hex if admin.account_id else ""}
    )
    rows = QuickRows(view, view.columns, view.keyset, view.account.zone).plain(view.rows())
    return rows.order_by(f"-{view.keyset.path}", "-id")


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
