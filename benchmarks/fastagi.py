"""What a FastAGI server holds out: connections that say nothing, and many calls that end at once."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from django.conf import settings

from accounts.models import Account, Switch, SwitchKind
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.processes import resident_megabytes
from ccportal.demo.stage import free_port
from cdr.models import Call
from tests import asterisk_captures as captured
from tests.agi_client import renumbered, tell
from tests.postgres import NoPostgreSQL

AT_ONCE = 50
FIRST_ID = 1_795_000_000
PATIENCE_SECONDS = 300
SOON_SECONDS = 1.0
TOLD_BEFORE = 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--idle", type=int, default=10_000, help="connections that say nothing (%(default)s)")
    parser.add_argument("--calls", type=int, default=1000, help="calls that end at once (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database(options.database) as url:
            account = Account.objects.create(name="Measured")
            Switch.objects.create(account=account, name="pbx", kind=SwitchKind.ASTERISK)
            with fastagi_server(url) as (port, pid):
                yield from hold_out_silence(options.idle, port, pid)
                yield from end_at_once(options.calls, port)
    except NoPostgreSQL as missing:
        yield skipped("FastAGI", str(missing))


def hold_out_silence(count: int, port: int, pid: int) -> Iterator[Figure]:
    alone = resident_megabytes(pid)
    allow_files(count)
    with ExitStack() as idle:
        for _ in range(count):
            idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        took = one_call(0, port)
        beside = resident_megabytes(pid)
    note = f"beside {count:,} connections that say nothing"
    yield Figure("the next honest call", took, "s", SOON_SECONDS, "at most", note)
    yield Figure("memory of the server then", beside, "MB", alone, "without them")


def end_at_once(count: int, port: int) -> Iterator[Figure]:
    asked = len(tell(captured.sessions("answer")[0], port))
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        waits = list(crowd.map(lambda number: one_call(number, port), range(1, count + 1)))
    ended = time.monotonic() - began
    while (rows := Call.objects.count()) < count + TOLD_BEFORE:
        if time.monotonic() > began + PATIENCE_SECONDS:
            raise RuntimeError(f"{count + TOLD_BEFORE - rows} calls have no row")
        time.sleep(0.05)
    note = f"{AT_ONCE} at a time, each is asked {asked} times, from one process"
    yield Figure(f"{count:,} calls end", ended, "s", SOON_SECONDS, "a second", note)
    yield Figure("a channel held back, p99", percentile(waits, 99), "s", SOON_SECONDS, "at most")
    yield Figure("all of them are rows after", time.monotonic() - began, "s")


def one_call(number: int, port: int) -> float:
    """Hold the captured session for a call of its own; return how long the channel waited."""
    began = time.monotonic()
    tell(renumbered(captured.sessions("answer")[0], f"{FIRST_ID}.{number}"), port, seconds=60.0)
    return time.monotonic() - began


@contextmanager
def fastagi_server(url: str) -> Iterator[tuple[int, int]]:
    """The server as the Procfile starts it; yields its port and process id."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ccportal-bench-agi-") as folder:
        environment = os.environ | {
            "DATABASE_URL": url,
            "CCPORTAL_SECRET_KEY": settings.SECRET_KEY,
            "CCPORTAL_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        }
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "fastagi", "--port", str(port)]
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own
        try:
            wait_for(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(30)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise RuntimeError("the FastAGI server did not start")


def allow_files(count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 1024, hard), hard))


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
