"""Queue calls from a real journal into a real database, against what database and decoder could do."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts.models import Account, Switch
from benchmarks import stored_rows
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, run_benchmark, skipped
from benchmarks.journals import OVERLAPPING, WHOLE, fill_journal, passes
from benchmarks.processes import resident_megabytes
from ccportal import pipeline
from ccportal.listener.applier import BATCH_BYTES
from cdr.models import Call
from switch.esl.wire import WireDecoder
from switch.journal import Journal
from tests.postgres import NoPostgreSQL

DECODED_AT_MOST = 20_000


@dataclass
class Run:
    """How long ingest took for so many calls, and the memory it held after each pass."""

    calls: int
    events: int = 0
    seconds: float = 0.0
    passes: int = 0
    memory: list[float] = field(default_factory=list)

    @property
    def calls_per_second(self) -> float:
        return self.calls / self.seconds


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=6000, help="how many queue calls (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")
    parser.add_argument(
        "--order",
        choices=(WHOLE, OVERLAPPING),
        default=WHOLE,
        help="calls one after another, or overlapping as they come at 200 calls/s (%(default)s)",
    )
    parser.add_argument(
        "--pass-bytes", type=int, default=BATCH_BYTES, help="bodies applied in one transaction (%(default)s)"
    )


def measure(options: Namespace) -> Iterator[Figure]:
    folder = settings.DATA_DIR / "journal"
    fill_journal(folder, options.order, options.calls)
    try:
        with migrated_database(options.database):
            yield from measure_ingest(options, folder)
    except NoPostgreSQL as missing:
        yield skipped("ingest into PostgreSQL", str(missing))


def measure_ingest(options: Namespace, folder: Path) -> Iterator[Figure]:
    switch = make_switch()
    with Journal.follow(folder, options.order) as journal:
        run = ingest(switch, journal, options)
        bodies = first_bodies(journal)
    if (stored := Call.objects.filter(ended_at__isnull=False).count()) != options.calls:
        raise RuntimeError(f"{options.calls} calls were told, and {stored} are in the database")
    name = f"ingest into {options.database}, {options.order} calls"
    told = run.events / run.calls
    read = stored_rows.seconds_to_write(stored_rows.READ_BY_PEOPLE, run.passes)
    everything = stored_rows.seconds_to_write(stored_rows.ALL, run.passes)
    heard = seconds_to_hear(bodies) * run.events / len(bodies)
    decoded = seconds_to_decode(bodies) * run.events / len(bodies)
    note = f"{run.calls:,} calls of {told:.0f} events in {run.passes} transactions, {run.seconds:.1f} s"
    upsert = "COPY and upsert" if options.database == "postgresql" else "executemany upsert"
    yield Figure(name, run.calls_per_second, "calls/s", run.calls / read, f"{upsert} of their rows", note)
    yield Figure(name, run.calls_per_second, "calls/s", run.calls / everything, f"{upsert}, evidence too")
    yield Figure(
        name, run.calls_per_second, "calls/s", run.calls / heard, "translate the bodies, no database"
    )
    yield Figure(name, run.calls_per_second, "calls/s", run.calls / decoded, "decode the needed fields only")
    yield Figure("memory at the end", run.memory[-1], "MB", early(run.memory), "after a tenth of the way")


def make_switch() -> Switch:
    account = Account.objects.create(name="Measured", country="KR")
    return Switch.objects.create(account=account, name="measured")


def ingest(switch: Switch, journal: Journal, options: Namespace) -> Run:
    """Apply the whole journal as the listener's applier does."""
    run = Run(options.calls)
    began = time.perf_counter()
    for batches in passes(journal, options.pass_bytes):
        bodies = [body for batch in batches for body in batch.bodies]
        pipeline.apply_bodies(switch, bodies, journal=journal.identity, batch=batches[-1].id)
        run.events += len(bodies)
        run.passes += 1
        run.memory.append(resident_megabytes())
    run.seconds = time.perf_counter() - began
    return run


def early(memory: list[float]) -> float:
    return memory[len(memory) // 10]


def first_bodies(journal: Journal) -> list[bytes]:
    bodies: list[bytes] = []
    for batch in journal.read(0):
        bodies += batch.bodies
        if len(bodies) >= DECODED_AT_MOST:
            break
    return bodies


def seconds_to_hear(bodies: list[bytes]) -> float:
    began = time.perf_counter()
    pipeline.hear(bodies)
    return time.perf_counter() - began


def seconds_to_decode(bodies: list[bytes]) -> float:
    decode = WireDecoder().decode
    began = time.perf_counter()
    for body in bodies:
        decode(body)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
