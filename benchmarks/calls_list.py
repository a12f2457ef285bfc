"""The calls list at a million calls of one tenant on PostgreSQL, against the bare keyset query."""

from __future__ import annotations

import random
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.actors import actor_for
from accounts.models import User
from benchmarks.figures import Figure, run_benchmark, skipped
from benchmarks.many_calls import AGENTS, CALLERS, DAYS, QUEUES
from benchmarks.million import whole_calls
from benchmarks.taken import Taken
from ccportal.portal.calls import CallsView
from cdr.models import Call
from cdr.search import PAGE_SIZE, Cursor, Page, count_capped, matching, page_of
from tests.postgres import NoPostgreSQL

SCANS = re.compile(r"(Seq Scan on \w+|Scan(?: Backward)? using \w+|Bitmap Index Scan on \w+)")
BARE = """
SELECT * FROM cdr_call WHERE account_id = %s AND (started_at, id) < (%s, %s)
ORDER BY started_at DESC, id DESC LIMIT %s
"""
SYLLABLES = ("ber", "cor", "fin", "hol", "lin", "mar")
Chance = random.Random
Work = Callable[[], object]
Parameters = dict[str, str]


@dataclass(frozen=True)
class Question:
    """What is asked of the list; each run asks with other values."""

    name: str
    parameters: Callable[[Chance], Parameters]


def asked(**parameters: str) -> Callable[[Chance], Parameters]:
    return lambda chance: {"period": "all"} | parameters


def a_queue(chance: Chance) -> str:
    return f"{3000 + int(chance.random() ** 2 * QUEUES)}@default"


def three_queues(chance: Chance) -> str:
    return " ".join((a_queue(chance), "3001@default", "3040@default"))


def queue_and_agent(chance: Chance) -> Parameters:
    return {"queue": a_queue(chance), "agent": an_agent(chance)}


def an_agent(chance: Chance) -> str:
    return f"{1000 + int(chance.random() ** 2 * AGENTS)}"


def a_caller(chance: Chance) -> str:
    return f"010{chance.randrange(CALLERS) * 499 % 10**8:08d}"


def a_name(chance: Chance) -> str:
    return (
        Call.objects.filter(caller_name__gte=chance.choice("ABCDEFGHIJ"))
        .exclude(caller_name="")[chance.randrange(50)]
        .caller_name
    )


def a_day(chance: Chance) -> Parameters:
    day = (timezone.now() - timedelta(days=chance.randrange(1, DAYS))).date().isoformat()
    return {"from": day, "to": day}


def all_together(chance: Chance) -> Parameters:
    since = (timezone.now() - timedelta(days=90)).date().isoformat()
    return {
        "q": a_caller(chance)[:5],
        "from": since,
        "direction": "inbound",
        "outcome": "answered",
        "queue": a_queue(chance),
        "agent": an_agent(chance),
        "recorded": "yes",
        "review": "none",
        "talk_min": "0:20",
        "wait_max": "1:30",
        "length_min": "0:30",
    }


QUESTIONS = (
    Question("newest, 30 days", lambda chance: {}),
    Question("newest, all time", asked()),
    Question("one day", a_day),
    Question("direction", asked(direction="outbound")),
    Question("outcome", asked(outcome="no_agent")),
    Question("an outcome nobody had", asked(outcome="congestion")),
    Question("a direction that is not known", asked(direction="unknown")),
    Question("queue", lambda chance: {"period": "all", "queue": a_queue(chance)}),
    Question("three queues", lambda chance: {"period": "all", "queue": three_queues(chance)}),
    Question("agent", lambda chance: {"period": "all", "agent": an_agent(chance)}),
    Question("recorded", asked(recorded="yes")),
    Question("not recorded", asked(recorded="no")),
    Question("tag", lambda chance: {"period": "all", "tag": f"tag {chance.randrange(40)}"}),
    Question("not reviewed", asked(review="none")),
    Question("to be reviewed", asked(review="assigned")),
    Question("talk of five minutes", asked(talk_min="5:00", talk_max="6:00")),
    Question("the longest calls", asked(length_min="11:20")),
    Question("a wait that nobody had", asked(wait_min="1:31")),
    Question("a wait, talk and length", asked(wait_min="1:00", talk_max="0:30", length_max="2:00")),
    Question("queue and agent", lambda chance: {"period": "all", **queue_and_agent(chance)}),
    Question("number, exact", lambda chance: {"period": "all", "q": a_caller(chance)}),
    Question("number, first 7 digits", lambda chance: {"period": "all", "q": a_caller(chance)[:7]}),
    Question("number, first 3 digits", asked(q="010")),
    Question("last 4 digits", lambda chance: {"period": "all", "q": f"*{a_caller(chance)[-4:]}"}),
    Question("number nobody has", asked(q="01190001234")),
    Question("dialled number", lambda chance: {"period": "all", "q": f"0707006{chance.randrange(300):04d}"}),
    Question("name, 30 days", lambda chance: {"q": a_name(chance)}),
    Question("name", lambda chance: {"period": "all", "q": a_name(chance)}),
    Question("part of a name", lambda chance: {"period": "all", "q": a_name(chance)[3:9]}),
    Question("first name", lambda chance: {"period": "all", "q": a_name(chance).split()[0]}),
    Question("three letters of names", lambda chance: {"period": "all", "q": chance.choice(SYLLABLES)}),
    Question("name nobody has, 30 days", asked(period="30d", q="nobody at all")),
    Question("name nobody has, all time", asked(q="nobody at all")),
    Question("all filters together", all_together),
)  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls of the tenant (%(default)s)")
    parser.add_argument("--runs", type=int, default=40, help="times each question is asked (%(default)s)")
    parser.add_argument("--only", default="", help="ask only questions whose name contains this")
    parser.add_argument("--explain", action="store_true", help="print each question's plan")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with whole_calls(options.calls) as admin:
            yield from measure_list(admin, options)
    except NoPostgreSQL as missing:
        yield skipped("calls list", str(missing))


def measure_list(admin: User, options: Namespace) -> Iterator[Figure]:
    runs = options.runs
    middle = cursor_at(admin, options.calls // 2)
    floor = Taken([partial(read_bare, admin, middle)] * runs).percentile(50)
    yield Figure("bare keyset page, p50", floor, "ms", note=f"{options.calls:,} calls of the tenant, psycopg")
    deep = [partial(page, admin, {"period": "all"}, middle)] * runs
    yield percentiles("deep page", deep, floor, f"from call {options.calls // 2:,} on")
    for question in QUESTIONS:
        if options.only in question.name:
            yield ask(admin, question, options, floor)
    for name, parameters in (("count, all time", {"period": "all"}), ("count, 30 days", {})):
        yield percentiles(name, [partial(count, admin, parameters)] * runs, floor, "up to 10,001")
    yield from measure_page(admin, runs, floor)


def ask(admin: User, question: Question, options: Namespace, floor: float) -> Figure:
    asked = [question.parameters(Chance(run)) for run in range(options.runs)]
    found = len(page(admin, asked[0]).rows)
    note = f"{found} found; {plan(admin, asked[0], options.explain)}"
    return percentiles(question.name, [partial(page, admin, parameters) for parameters in asked], floor, note)


def percentiles(name: str, works: Sequence[Work], floor: float, note: str) -> Figure:
    taken = Taken(works)
    told = f"{taken}; {note}"
    return Figure(f"{name}, p95", taken.percentile(95), "ms", floor, "bare keyset page, p50", told)


def view_of(admin: User, parameters: Parameters) -> CallsView:
    """The page's own view, with its account and names read, as a person's request makes it."""
    request: Any = RequestFactory().get(
        "/calls/", {name: value.split() if name == "queue" else value for name, value in parameters.items()}
    )
    request.user, request.actor, request.session = admin, actor_for(admin), SessionStore()
    view = CallsView()
    view.setup(request)
    return view


def listed(admin: User, parameters: Parameters) -> Any:
    view = view_of(admin, parameters)
    return matching(view.rows(Call).select_related("user"), view.wanted)


def page(admin: User, parameters: Parameters, older: Cursor | None = None) -> Page[Call]:
    return page_of(listed(admin, parameters), older=older)


def count(admin: User, parameters: Parameters) -> int:
    return count_capped(listed(admin, parameters))


class Heard:
    """Keeps the statements about calls that pass through the connection."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def __call__(self, execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if 'FROM "cdr_call"' in sql:
            self.statements.append((sql, values))
        return execute(sql, values, many, context)


def plan(admin: User, parameters: Parameters, told: bool) -> str:
    """Name the scans by which the database answers."""
    heard = Heard()
    with connection.execute_wrapper(heard):
        page(admin, parameters)
    explained = "\n".join(explain(sql, values, told) for sql, values in heard.statements)
    if told:
        print(f"{parameters}\n{explained}\n")  # noqa: T201 - asked for by --explain
    return ", ".join(dict.fromkeys(SCANS.findall(explained)))


def explain(sql: str, values: Any, told: bool) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'ANALYZE ' if told else ''}{sql}", values)
        return "\n".join(row[0] for row in cursor.fetchall())


def cursor_at(admin: User, offset: int) -> Cursor:
    return Cursor.of(Call.objects.filter(account=admin.account_id)[offset])


def read_bare(admin: User, cursor: Cursor) -> None:
    with connection.cursor() as bare:
        bare.execute(BARE, [admin.account_id, cursor.started_at, cursor.id, PAGE_SIZE + 1])
        bare.fetchall()


def measure_page(admin: User, runs: int, floor: float) -> Iterator[Figure]:
    """The page, how many calls there are, and the drawer of one, as a person's requests make them."""
    client = Client()
    client.force_login(admin)
    newest = Call.objects.filter(account=admin.account_id)[0]
    for name, address in (
        ("whole page, 30 days", "/calls/"),
        ("its count", "/calls/count"),
        ("drawer of a call", f"/calls/{newest.pk}/drawer"),
    ):
        if (status := client.get(address).status_code) != 200:
            yield skipped(name, f"{address} answers {status}")
        else:
            yield percentiles(name, [partial(client.get, address)] * runs, floor, "signed in, HTML")


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
