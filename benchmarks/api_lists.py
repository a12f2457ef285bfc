"""Pages of /v2 at a million calls of a tenant on PostgreSQL: the first and the thousandth, by each filter."""

from __future__ import annotations

import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

from django.test import Client

from accounts.keys import issue_token
from accounts.models import User
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.million import whole_calls
from benchmarks.plans import faults_of, statements_of
from benchmarks.taken import Taken
from ccportal.api.pages import Place
from cdr.models import Call, Leg, QueueVisit
from recordings.models import Recording
from tests.postgres import NoPostgreSQL

PAGE_SIZE = 50
FAR = 999 * PAGE_SIZE
LISTS: dict[str, tuple[Any, str]] = {
    "cdrs": (Leg, "created_at"),
    "cdrs/interaction": (Call, "started_at"),
    "queue_calls": (QueueVisit, "joined_at"),
    "recordings": (Recording, "started_at"),
}
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
        {"filter_tags": "tag 3"},
        {"has_key": "media_recordings"},
    ],
    "queue_calls": [{"filter_queue_name": "3004@default"}, {"filter_agent_name": "1007"}],
    "recordings": [
        {"filter_state": "ready"},
        {"filter_queue_name": "3004@default"},
        {"filter_agent_name": "1007"},
        {"filter_tags": "tag 3"},
    ],
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls of the tenant (%(default)s)")
    parser.add_argument("--runs", type=int, default=30, help="times each page is asked for (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with whole_calls(options.calls) as admin:
            for path in LISTS:
                yield from measure_list(admin, path, options)
            yield measure_strangers(admin, options.runs)
    except NoPostgreSQL as missing:
        yield skipped("pages of /v2", str(missing))


def measure_list(admin: User, path: str, options: Namespace) -> Iterator[Figure]:
    """Page 1 and page 1,000 without a filter and with each, told by page 1 without."""
    program = Program(admin, path, options.runs)
    first = program.ask("page 1", {})
    yield first
    far = key_at(admin, path, min(FAR, options.calls // 20))
    yield program.ask("page 1,000", {"start_key": far}, first.value)
    for asked in FILTERS[path]:
        name = " ".join(map("=".join, asked.items()))
        yield program.ask(f"{name}, page 1", asked, first.value)
        yield program.ask(f"{name}, from page 1,000 on", {**asked, "start_key": far}, first.value)


def measure_strangers(admin: User, runs: int) -> Figure:
    """What is another tenant's against what is nobody's, asked for in turns."""
    program = Program(admin, "cdrs/legs", runs)
    strangers = Call.objects.exclude(account=admin.account_id).values_list("pk", flat=True)[:runs]
    taken: dict[bool, list[float]] = {True: [], False: []}
    for is_strange, id_ in chain(*(((True, id_), (False, uuid.uuid4())) for id_ in strangers)):
        began = time.perf_counter()
        status = program.client.get(f"{program.address}/{id_.hex}").status_code
        taken[is_strange].append((time.perf_counter() - began) * 1000)
        if status != 404:
            raise RuntimeError(f"a stranger's id answers {status}")
    theirs, nobodys = (percentile(taken[whose], 50) for whose in (True, False))
    return Figure("404 of another tenant's id, p50", theirs, "ms", nobodys, "404 of an unknown id")


def key_at(admin: User, path: str, offset: int) -> str:
    """The ``start_key`` that leads to what stands behind so many rows of the list."""
    model, order = LISTS[path]
    row = model.objects.filter(account=admin.account_id).order_by(f"-{order}", "-id")[offset]
    return Place(False, getattr(row, order), row.pk).write()


class Program:
    """Asks for pages of a list with a token, and how the database found them."""

    def __init__(self, admin: User, path: str, runs: int) -> None:
        account = admin.account_id.hex if admin.account_id else ""
        self.name = path
        self.address = f"/v2/accounts/{account}/{path}"
        self.client = Client(headers={"X-Auth-Token": issue_token(user=admin)})
        self.runs = runs

    def page(self, query: dict[str, str]) -> Any:
        answer = self.client.get(self.address, query)
        if answer.status_code != 200:
            raise RuntimeError(f"{self.address} {query}: {answer.content!r}")
        return answer

    def ask(self, name: str, query: dict[str, str], limit: float | None = None) -> Figure:
        statements = statements_of(partial(self.page, query))
        faults = [fault for statement in statements for fault in faults_of(statement)]
        taken = Taken([partial(self.page, query)] * self.runs)
        note = f"{taken}; {len(statements)} statements; {', '.join(faults) or 'by indexes'}"
        of = "page 1" if limit else ""
        return Figure(f"{self.name}: {name}, p50", taken.percentile(50), "ms", limit, of, note)


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
