"""Pages of /v2 at a million calls of a tenant on PostgreSQL: the first, the thousandth, the middle one."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import issue_token
from accounts.models import User
from benchmarks.calls_list import SCANS, explain
from benchmarks.databases import migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.legs import fill_with_legs
from ccportal.api.pages import Place
from cdr.models import Call, Leg
from tests.postgres import NoPostgreSQL

PAGE_SIZE = 50
FAR = 999 * PAGE_SIZE
LISTS: dict[str, tuple[Any, str]] = {"cdrs": (Leg, "created_at"), "cdrs/interaction": (Call, "started_at")}
FILTERS: dict[str, list[dict[str, str]]] = {
    "cdrs": [
        {"filter_hangup_cause": "NORMAL_CLEARING"},
        {"filter_queue_name": "3004@default"},
        {"filter_agent_name": "1007"},
        {"filter_caller_id_number": "01000000499"},
        {"has_key": "media_recordings"},
    ],
    "cdrs/interaction": [
        {"filter_outcome": "abandoned"},
        {"filter_queue_name": "3004@default"},
        {"filter_agent_name": "1007"},
        {"filter_caller_id_number": "01000000499"},
        {"filter_dialed_number": "07070060007"},
    ],
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls of the tenant (%(default)s)")
    parser.add_argument("--runs", type=int, default=30, help="times each page is asked for (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database("postgresql"):
            admin = fill_with_legs(options.calls)
            for path, (model, order) in LISTS.items():
                yield from measure_list(admin, path, model, order, options)
    except NoPostgreSQL as missing:
        yield skipped("pages of /v2", str(missing))


def measure_list(admin: User, path: str, model: Any, order: str, options: Namespace) -> Iterator[Figure]:
    program = Program(admin, path, options.runs)
    first = program.ask("page 1", {})
    yield first
    for name, offset in (("page 1,000", FAR), ("the page in the middle", options.calls // 2)):
        rows = model.objects.filter(account=admin.account_id).order_by(f"-{order}", "-id")
        row = rows[min(offset, options.calls - 2)]
        key = Place(False, getattr(row, order), row.pk).write()
        yield program.ask(name, {"start_key": key}, first.value)
    for asked in FILTERS[path]:
        yield program.ask(next(iter(asked)), asked, first.value)


class Program:
    """Asks for pages of a list with a token, and how the database found them."""

    def __init__(self, admin: User, path: str, runs: int) -> None:
        account = admin.account_id.hex if admin.account_id else ""
        self.name = path
        self.address = f"/v2/accounts/{account}/{path}"
        self.client = Client(headers={"X-Auth-Token": issue_token(user=admin)})
        self.runs = runs

    def ask(self, name: str, query: dict[str, str], limit: float | None = None) -> Figure:
        address = f"{self.address}?{urlencode(query)}"
        plan = self.plan(address)
        taken = []
        for _ in range(self.runs):
            began = time.perf_counter()
            self.client.get(address)
            taken.append((time.perf_counter() - began) * 1000)
        middle = percentile(taken, 50)
        note = f"p95 {percentile(taken, 95):.3g} ms; {plan}"
        return Figure(f"{self.name}: {name}, p50", middle, "ms", limit, "page 1" if limit else "", note)

    def plan(self, address: str) -> str:
        with CaptureQueriesContext(connection) as captured:
            self.client.get(address)
        count = len(captured)
        asked = [query["sql"] for query in captured.captured_queries]
        page = next(sql for sql in asked if f"LIMIT {PAGE_SIZE + 1}" in sql)
        scans = ", ".join(dict.fromkeys(SCANS.findall(explain(page, None, False))))
        return f"{count} queries; {scans}"


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
