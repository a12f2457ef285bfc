"""How long after an event was read its rows can be seen, at a steady rate of calls."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from accounts.models import Account, Switch
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.sender import running_switch
from cdr.models import Call, IngestPosition
from switch.journal import Journal
from tests.postgres import NoPostgreSQL

LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 600
Look = tuple[float, int]


class Arrival(NamedTuple):
    """A batch of the journal, and when it was read in seconds since the epoch."""

    batch: int
    at: float
    events: int


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=4000, help="how many queue calls (%(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="calls that begin each second (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with (
            migrated_database(options.database) as url,
            running_switch(options.calls, options.rate) as address,
        ):
            account = Account.objects.create(name="Measured", country="KR")
            switch = Switch.objects.create(
                account=account,
                name="measured",
                host=address.host,
                port=address.port,
                password=address.password,
            )
            looks, ended_well = follow(switch, url)
            yield from measure_delays(switch, options, looks, ended_well)
    except NoPostgreSQL as missing:
        yield skipped("socket to row", str(missing))


def follow(switch: Switch, url: str) -> tuple[list[Look], bool]:
    """Run a listener to its end, and look all the time how far its rows are."""
    command = [
        sys.executable,
        str(Path(settings.BASE_DIR) / "manage.py"),
        "esl_listener",
        "--once",
        "--switch",
        switch.name,
    ]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "ccportal.settings", "DATABASE_URL": url}
    looks: list[Look] = []
    until = time.monotonic() + PATIENCE_SECONDS
    with subprocess.Popen(command, env=environment) as listener:  # noqa: S603 - our own command line
        while listener.poll() is None and time.monotonic() < until:
            looks.append(look(switch))
            time.sleep(LOOK_SECONDS)
        listener.terminate()
    looks.append(look(switch))
    return looks, listener.returncode == 0


def look(switch: Switch) -> Look:
    found = IngestPosition.objects.filter(switch=switch).values_list("batch", flat=True).first()
    return time.time(), found or 0


def measure_delays(
    switch: Switch, options: Namespace, looks: Sequence[Look], ended_well: bool
) -> Iterator[Figure]:
    with Journal.follow(settings.DATA_DIR / "journal", switch.pk.hex) as journal:
        arrivals = [
            Arrival(batch.id, batch.received_at, len(batch.bodies))
            for batch in journal.read(0, sys.maxsize, sys.maxsize)
            if batch.kind == "events"
        ]
    delays = delays_of(arrivals, looks)
    stored = Call.objects.filter(ended_at__isnull=False).count()
    events = sum(arrival.events for arrival in arrivals)
    note = f"{stored:,} of {options.calls:,} calls, {events:,} events at {options.rate:g} calls/s"
    note += "" if ended_well else "; the listener did not end well"
    commit = milliseconds_of_commit(switch)
    name = f"read to row, {options.database}"
    for percent in (50, 99):
        yield Figure(
            f"{name}, p{percent}", percentile(delays, percent) * 1000, "ms", commit, "commit of one row", note
        )


def delays_of(arrivals: Sequence[Arrival], looks: Sequence[Look]) -> list[float]:
    """For each event the seconds from when it was read until a look saw its batch in the database."""
    delays: list[float] = []
    remaining = iter(looks)
    seen_at, position = next(remaining)
    for arrival in arrivals:
        while position < arrival.batch:
            seen_at, position = next(remaining)
        delays += [seen_at - arrival.at] * arrival.events
    return delays


def milliseconds_of_commit(switch: Switch) -> float:
    taken = []
    for _ in range(50):
        began = time.perf_counter()
        Switch.objects.filter(pk=switch.pk).update(last_heard_at=None)
        taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 50)


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
