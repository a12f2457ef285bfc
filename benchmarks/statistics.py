"""The statistics pages at 30 days, 50 queues and 500 agents on PostgreSQL, the sums filled in directly."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec

from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Switch, User
from benchmarks.databases import migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.many_calls import AGENTS, QUEUES, insert
from benchmarks.many_calls import fill as fill_calls
from cdr.buckets import DAY, midnight
from cdr.contributions import AGENT_SUMS, QUEUE_SUMS
from cdr.models import AgentFigures, FiguresMark, QueueFigures
from queues.live_rows import AgentNow
from queues.models import Agent
from tests.postgres import NoPostgreSQL

P = ParamSpec("P")
WORKED = 40  # quarter-hours of a day, from 8:00 on
STARTS = (
    "SELECT 'quarter' AS span, day + interval '8 hours' + n * interval '15 minutes' AS at, 1 AS times"  # noqa: S608
    f" FROM days, generate_series(0, {WORKED - 1}) AS n UNION ALL SELECT 'day', day, {WORKED}"
    " FROM days"
)
SOURCE = (
    "(WITH days AS (SELECT %(first)s::timestamptz + n * interval '1 day' AS day"  # noqa: S608 - our own words
    f" FROM generate_series(0, %(days)s - 1) AS n), starts AS ({STARTS})"
    " SELECT span, at, name, %(calls)s::float * times AS calls"
    " FROM starts, (SELECT name FROM {names} WHERE account_id = %(account)s) AS named) AS told"
)
TIMES = (QueueFigures, "queue_name", QUEUE_SUMS), (AgentFigures, "agent_name", AGENT_SUMS)


@dataclass(frozen=True)
class Asked:
    """A page, and the sums behind it: of a table, by whom and by which moments, in a span of its days."""

    name: str
    address: str
    table: str
    grouped: str
    columns: tuple[str, ...]
    span: str
    days: int

    def statements(self) -> list[str]:
        sums = ", ".join(f"sum({column})" for column in self.columns)
        where = "account_id = %s AND span = %s AND begins_at >= %s AND begins_at < %s"
        return [
            f"SELECT {column}, {sums} FROM {self.table} WHERE {where} GROUP BY 1"  # noqa: S608 - our own names
            for column in (self.grouped, "begins_at")
        ]


PAGES = (
    Asked(
        "queues, 30 days", "/statistics/?period=30d", "cdr_queuefigures", "queue_name", QUEUE_SUMS, "day", 30
    ),
    Asked(
        "queues, one day by quarter-hour",
        "/statistics/?period=yesterday&by=quarter_hour",
        *("cdr_queuefigures", "queue_name", QUEUE_SUMS, "quarter", 1),
    ),
    Asked(
        "agents, 30 days",
        "/statistics/agents/?period=30d",
        *("cdr_agentfigures", "agent_name", AGENT_SUMS, "day", 30),
    ),
    Asked(
        "agents, 30 days, by occupancy, page 5",
        "/statistics/agents/?period=30d&sort=-occupancy&page=5",
        *("cdr_agentfigures", "agent_name", AGENT_SUMS, "day", 30),
    ),
    Asked(
        "agents, one day by hour",
        "/statistics/agents/?period=yesterday&by=hour",
        *("cdr_agentfigures", "agent_name", AGENT_SUMS, "quarter", 1),
    ),
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=120, help="days of sums (%(default)s)")
    parser.add_argument("--calls", type=int, default=10_000_000, help="calls behind the sums (%(default)s)")
    parser.add_argument("--rows", type=int, default=200_000, help="how many of them as rows (%(default)s)")
    parser.add_argument("--runs", type=int, default=40, help="how often each page is asked for (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database("postgresql"):
            admin = fill_calls(options.rows)
            fill_sums(account_of(admin), options)
            yield from measure_pages(admin, options)
    except NoPostgreSQL as missing:
        yield skipped("statistics page", str(missing))


def account_of(admin: User) -> Account:
    if admin.account is None:
        raise TypeError("The administrator has no account.")
    return admin.account


def fill_sums(account: Account, options: Namespace) -> None:
    """Write the sums of all calls, spread evenly, and what every agent does at this moment."""
    FiguresMark.objects.update_or_create(
        account=account, defaults={"zone": account.zone.key, "complete": True}
    )
    today = timezone.now().astimezone(account.zone).date()
    per_day = options.calls / options.days / WORKED
    for model, column, sums in TIMES:
        names, number = ("queues_queue", QUEUES) if model is QueueFigures else ("queues_agent", AGENTS)
        asked = {
            "account": account.pk,
            "first": midnight(today - (options.days - 1) * DAY, account.zone),
            "days": options.days,
            "calls": per_day / number,
        }
        columns = {"account_id": "%(account)s", "span": "span", "begins_at": "at", column: "name"}
        columns |= {name: f"ceil(calls * {20_000 if name.endswith('_ms') else 1})" for name in sums}
        insert(model, {"id": "gen_random_uuid()"} | columns, SOURCE.format(names=names), asked)
    switch = Switch.objects.get(name="measured")
    since = timezone.now() - timedelta(hours=3)
    AgentNow.objects.bulk_create(
        AgentNow(
            account=account, switch=switch, agent_name=agent.name, status="Available", status_since=since
        )
        for agent in Agent.objects.filter(account=account)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def measure_pages(admin: User, options: Namespace) -> Iterator[Figure]:
    client = Client()
    client.force_login(admin)
    rows = QueueFigures.objects.count() + AgentFigures.objects.count()
    note = f"{rows:,} sums of {options.calls:,} calls, {options.rows:,} of them as rows; the whole HTML page"
    for asked in PAGES:
        page = [clocked(get, client, asked.address) for _ in range(options.runs + 1)][1:]
        bare = [clocked(read, admin, asked) for _ in range(options.runs + 1)][1:]
        wall, own = ([each[which] for each in page] for which in (0, 1))
        limit = percentile([each[0] for each in bare], 50)
        told = f"p50 {percentile(wall, 50):.3g} ms; {note}"
        yield Figure(
            f"{asked.name}, p95", percentile(wall, 95), "ms", limit, "the same sums by SQL, p50", told
        )
        told = f"p50 {percentile(own, 50):.3g} ms of this process; PostgreSQL's own is not in it"
        yield Figure(f"{asked.name}, CPU time, p95", percentile(own, 95), "ms", note=told)


def clocked(work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> tuple[float, float]:
    """Milliseconds that passed, and those of them that this process worked."""
    began, worked = time.perf_counter(), time.process_time()
    work(*args, **kwargs)
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000


def get(client: Client, address: str) -> None:
    if (status := client.get(address).status_code) != 200:
        raise RuntimeError(f"{address} answers {status}")


def read(admin: User, asked: Asked) -> None:
    """Ask for the sums that the page needs, by name and by moment, and do nothing with them."""
    until = timezone.now()
    since = until - asked.days * DAY
    values = [admin.account_id, asked.span, since, until]
    with connection.cursor() as cursor:
        for statement in asked.statements():
            cursor.execute(statement, values)
            cursor.fetchall()


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
