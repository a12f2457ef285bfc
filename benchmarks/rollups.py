"""Kept figures against a count of all rows, after two switches told calls late, doubled and shuffled."""

from __future__ import annotations

import multiprocessing
import random
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from accounts.actors import actor_for
from accounts.models import Account, Role, Switch, User
from benchmarks.databases import VENDORS, migrated_database, use
from benchmarks.figures import Figure, run_benchmark, skipped
from benchmarks.typed_calls import TypedCalls
from ccportal import pipeline
from cdr.assign import assign
from cdr.models import AgentFigures, AgentOffer, Call, QueueFigures, QueueVisit
from cdr.rollups import counted
from tests.cdr import naive
from tests.postgres import NoPostgreSQL

FIRST_AT = 1_792_454_400_000_000  # 20 October 2026: the zones below change their clocks soon after
ZONES = ("Europe/Berlin", "America/Havana")
SECONDS_APART = 13  # 200,000 calls are a month
PORTION = 1_000
LATE, DOUBLED, STATUSES = 0.03, 0.05, 0.2
MOVED, REMOVED = 10, 6


@dataclass(frozen=True)
class Told:
    """What one switch tells: its share of the calls."""

    url: str
    switch: uuid.UUID
    given_to: uuid.UUID
    operator: uuid.UUID
    numbers: range


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=20_000, help="how many queue calls (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database(options.database) as url:
            yield from measure_all(url, options)
    except NoPostgreSQL as missing:
        yield skipped("figures against a count", str(missing))


def measure_all(url: str, options: Namespace) -> Iterator[Figure]:
    accounts = [Account.objects.create(name=zone, time_zone=zone, country="KR") for zone in ZONES]
    began = time.perf_counter()
    events = tell(told_by_switches(url, accounts, options.calls))
    told = time.perf_counter() - began
    began = time.perf_counter()
    cells = sum(compared(account) for account in accounts)
    counting = time.perf_counter() - began
    rows = f"{Call.objects.count():,} calls with {QueueVisit.objects.count():,} visits"
    note = f"{rows} and {AgentOffer.objects.count():,} offers are left, none of the sums is another"
    yield Figure("sums equal to a count of the rows", cells, "sums", cells, "all sums", note)
    note = f"{events:,} typed events by two switches, {told:.0f} s; the count took {counting:.0f} s"
    yield Figure("told and written meanwhile", options.calls / told, "calls/s", note=note)


def told_by_switches(url: str, accounts: list[Account], calls: int) -> list[Told]:
    operator: User = User.objects.create_user("o@measured.example", None, username="o", role=Role.OPERATOR)
    switches = [Switch.objects.create(account=accounts[0], name=f"measured {n}") for n in range(2)]
    return [
        Told(url, switch.pk, accounts[1].pk, operator.pk, range(first, calls, len(switches)))
        for first, switch in enumerate(switches)
    ]


def tell(shares: list[Told]) -> int:
    """Let each switch have a process of its own; SQLite has one writer, so they take turns there."""
    if connection.vendor == "sqlite":
        return sum(map(tell_share, shares))
    connection.close()
    with multiprocessing.get_context("spawn").Pool(len(shares)) as processes:
        return sum(processes.map(tell_elsewhere, shares, chunksize=1))


def tell_elsewhere(share: Told) -> int:
    use(share.url)
    return tell_share(share)


def tell_share(share: Told) -> int:
    """Apply the share's events in portions, some of them late, twice or both, and change some calls."""
    switch = Switch.objects.get(pk=share.switch)
    calls = TypedCalls(FIRST_AT, SECONDS_APART)
    chance = random.Random(share.numbers.start)  # noqa: S311 - not for secrets
    events, late = 0, list[bytes]()
    for start in range(0, len(share.numbers), PORTION):
        new = events_of(calls, share.numbers[start : start + PORTION], switch.pk, chance)
        held = set(chance.sample(range(len(new)), int(len(new) * LATE)))
        now = [body for place, body in enumerate(new) if place not in held] + late
        twice = chance.sample(now, int(len(now) * DOUBLED))
        late = [new[place] for place in sorted(held)] + twice[::3]
        events += apply(switch, now + twice, chance)
        change_some(share, chance)
    return events + apply(switch, late, chance)


def events_of(calls: TypedCalls, numbers: range, core: uuid.UUID, chance: random.Random) -> list[bytes]:
    told = [body for number in numbers for body in calls.call(number, str(core))]
    return told + [calls.status(number, str(core)) for number in numbers if chance.random() < STATUSES]


def apply(switch: Switch, bodies: list[bytes], chance: random.Random) -> int:
    chance.shuffle(bodies)
    applied = pipeline.apply_bodies(switch, bodies, kind="control")
    if applied.malformed:
        raise RuntimeError(f"{applied.malformed} events could not be read or written")
    return len(bodies)


def change_some(share: Told, chance: random.Random) -> None:
    """Give some calls, of either switch, to the other account, and remove some."""
    operator = actor_for(User.objects.get(pk=share.operator))
    assign(some_calls(chance, MOVED), Account.objects.get(pk=share.given_to), operator)
    removed = some_calls(chance, REMOVED)
    with counted(removed):
        Call.objects.filter(pk__in=removed).delete()


def some_calls(chance: random.Random, number: int) -> list[uuid.UUID]:
    first = uuid.UUID(int=chance.getrandbits(128))
    return list(Call.objects.filter(pk__gte=first).order_by("pk").values_list("pk", flat=True)[:number])


def compared(account: Account) -> int:
    """How many sums were compared with a count of the rows; it is an error if any differs."""
    kept = naive.stored(QueueFigures, account), naive.stored(AgentFigures, account)
    rows = naive.queue_figures(account), naive.agent_figures(account)
    wrong = [
        (place, stored.get(place), told.get(place))
        for stored, told in zip(kept, rows, strict=True)
        for place in stored.keys() | told.keys()
        if stored.get(place) != told.get(place)
    ]
    if wrong:
        raise RuntimeError(f"{len(wrong)} rows of sums are not the count of their rows: {wrong[:3]}")
    return sum(len(cells) for stored in kept for cells in stored.values())


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
