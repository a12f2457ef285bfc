"""The statistics pages at 30 days, 50 queues and 500 agents on PostgreSQL, the sums filled in directly."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Role, User
from benchmarks.databases import migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from cdr.buckets import DAY, QUARTER, midnight
from cdr.contributions import AGENT_SUMS, QUEUE_SUMS, Key
from cdr.figure_tables import Span
from cdr.models import AgentFigures, FiguresMark, QueueFigures
from cdr.rollups import AGENTS, QUEUES, beginning
from database.bulk import Row
from queues.models import Agent, Queue
from tests.postgres import NoPostgreSQL

WORKED = range(32, 72)  # the quarter-hours of a day, 8:00 to 18:00
PAGES = {
    "queues, 30 days": "/statistics/?period=30d",
    "queues, one day by quarter-hour": "/statistics/?period=yesterday&by=quarter_hour",
    "agents, 30 days": "/statistics/agents/?period=30d",
    "agents, one day by hour": "/statistics/agents/?period=yesterday&by=hour",
}
DAILY = "SELECT queue_name, sum(offered) FROM cdr_queuefigures WHERE span = 'day' GROUP BY 1"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=365, help="days of sums (%(default)s)")
    parser.add_argument("--queues", type=int, default=50)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--calls", type=int, default=10_000_000, help="calls behind the sums (%(default)s)")
    parser.add_argument("--runs", type=int, default=40, help="how often each page is asked for (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database("postgresql"):
            admin = fill(options)
            yield from measure_pages(admin, options)
    except NoPostgreSQL as missing:
        yield skipped("statistics page", str(missing))


def fill(options: Namespace) -> User:
    """Write the sums of so many calls, spread evenly; no row of a call stands behind them."""
    account = Account.objects.create(name="Measured", country="KR", time_zone="Asia/Seoul")
    queues = [f"{3000 + number}@default" for number in range(options.queues)]
    agents = [f"{1000 + number}" for number in range(options.agents)]
    Queue.objects.bulk_create(Queue(account=account, name=name) for name in queues)
    Agent.objects.bulk_create(Agent(account=account, name=name) for name in agents)
    FiguresMark.objects.create(account=account, zone="Asia/Seoul", complete=True)
    today = timezone.now().astimezone(account.zone).date()
    per_day = max(options.calls // options.days, 1)
    for back in range(options.days):
        start = midnight(today - back * DAY, account.zone)
        write_day(account, start, queues, agents, per_day)
    with connection.cursor() as cursor:
        for model in (QueueFigures, AgentFigures):
            cursor.execute(f'VACUUM ANALYZE "{model._meta.db_table}"')
    admin: User = User.objects.create_user(
        "admin@measured.example", None, account=account, username="admin", role=Role.ADMIN
    )
    return admin


@transaction.atomic
def write_day(account: Account, start: datetime, queues: list[str], agents: list[str], calls: int) -> None:
    moments = [(Span.DAY, start, len(WORKED))]
    moments += [(Span.QUARTER, start + number * QUARTER, 1) for number in WORKED]
    share = {"queues": calls / len(queues) / len(WORKED), "agents": calls / len(agents) / len(WORKED)}
    QUEUES.upsert(
        [
            (
                *beginning(span, Key(account.pk, name, at)),
                60_000,
                *numbers(QUEUE_SUMS, share["queues"] * times),
            )
            for span, at, times in moments
            for name in queues
        ]
    )
    AGENTS.upsert(
        [
            (*beginning(span, Key(account.pk, name, at)), *numbers(AGENT_SUMS, share["agents"] * times))
            for span, at, times in moments
            for name in agents
        ]
    )


def numbers(columns: tuple[str, ...], calls: float) -> Row:
    return [round(calls * 20_000 if name.endswith("_ms") else calls) for name in columns]


def measure_pages(admin: User, options: Namespace) -> Iterator[Figure]:
    client = Client()
    client.force_login(admin)
    floor = percentile([bare() for _ in range(options.runs)], 50)
    rows = QueueFigures.objects.count(), AgentFigures.objects.count()
    note = f"{rows[0]:,} + {rows[1]:,} sums of {options.calls:,} calls; no rows of calls; whole HTML page"
    for name, address in PAGES.items():
        client.get(address)
        taken = [milliseconds(client, address) for _ in range(options.runs)]
        told = f"p50 {percentile(taken, 50):.3g} ms; {note}"
        yield Figure(f"{name}, p95", percentile(taken, 95), "ms", floor, "one sum over all days, p50", told)


def milliseconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    if (status := client.get(address).status_code) != 200:
        raise RuntimeError(f"{address} answers {status}")
    return (time.perf_counter() - began) * 1000


def bare() -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(DAILY)
        cursor.fetchall()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
