"""How old a live board is that many people watch, and what watching costs, through the real web server."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Role, Switch, User
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from ccportal.demo.stage import free_port
from queues.live import LiveRows, Scene
from queues.models import Agent, Queue
from switch.queue_board import AgentState, Caller
from tests.postgres import NoPostgreSQL

EVERY_SECONDS = 1.0
CHANGE_SECONDS = 0.5
QUEUES, AGENTS, CALLERS = 20, 100, 15
STAMP = re.compile(rb"Stamp (\d{6})")
CORES = 2
TICKS = os.sysconf("SC_CLK_TCK")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--watchers", type=int, default=200, help="how many watch (%(default)s)")
    parser.add_argument("--seconds", type=int, default=20, help="how long, each time (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database(options.database) as url:
            account, rows = fill()
            cookies = [sign_in(account, number) for number in range(options.watchers)]
            connection.close()
            with web_server(url) as (port, process):
                yield from watch(options, account, rows, cookies, port, process.pid)
    except NoPostgreSQL as missing:
        yield skipped("live board", str(missing))


def watch(
    options: Namespace, account: Account, rows: LiveRows, cookies: list[str], port: int, pid: int
) -> Iterator[Figure]:
    seen = Seen()
    crowd = Crowd(port, account.pk.hex, cookies, seen)
    crowd.run(3.0)
    quiet = cost(pid, lambda: crowd.run(options.seconds), options.seconds)
    seen.staleness.clear()
    seen.taken.clear()
    with changing(rows, seen):
        busy = cost(pid, lambda: crowd.run(options.seconds), options.seconds)
    what = f"{options.watchers} watchers, each asks every {EVERY_SECONDS:g} s"
    note = f"{what}; {AGENTS} agents, a change every {CHANGE_SECONDS} s; {len(seen.staleness):,} changes seen"
    yield Figure("written to seen, p95", percentile(seen.staleness, 95), "s", 2.0, "at most", note)
    yield Figure("written to seen, slowest", max(seen.staleness), "s", 2.0, "at most")
    yield Figure("an answer, p95", percentile(seen.taken, 95) * 1000, "ms")
    yield Figure("web server, changing board", busy, "cores", CORES, "the machine")
    yield Figure("web server, nothing changes", quiet, "cores", CORES, "the machine")


@dataclass
class Seen:
    """What the watchers saw, and when it had been written."""

    written: dict[int, float] = field(default_factory=dict)
    staleness: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)


@dataclass
class Crowd:
    """Watchers that ask as the page's script does, each on a connection of its own."""

    port: int
    account: str
    cookies: list[str]
    seen: Seen

    def run(self, seconds: float) -> None:
        asyncio.run(self._run(seconds))

    async def _run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        count = len(self.cookies)
        await asyncio.gather(
            *(
                self._watch(cookie, EVERY_SECONDS * place / count, until)
                for place, cookie in enumerate(self.cookies)
            )
        )

    async def _watch(self, cookie: str, first: float, until: float) -> None:
        await asyncio.sleep(first)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        tag, last, due = "", 0, time.monotonic()
        while due < until:
            asked = time.monotonic()
            writer.write(request(self.account, cookie, tag))
            status, headers, body = await read_answer(reader)
            self.seen.taken.append(time.monotonic() - asked)
            if status not in (200, 304):
                raise RuntimeError(f"the web server answered {status}")
            if status == 200:
                tag = headers["etag"]
                last = self._look(body, last)
            due += EVERY_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.close()

    def _look(self, body: bytes, last: int) -> int:
        """Note how old each change is that shows for the first time here."""
        newest = max(map(int, STAMP.findall(body)), default=0)
        now = time.monotonic()
        written = self.seen.written
        self.seen.staleness += [
            now - written[change] for change in range(last + 1, newest + 1) if last and change in written
        ]
        return newest or last


def request(account: str, cookie: str, tag: str) -> bytes:
    held = f"If-None-Match: {tag}\r\n" if tag else ""
    head = f"GET /queues/live?account={account} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f"{head}Cookie: {settings.SESSION_COOKIE_NAME}={cookie}\r\n{held}\r\n".encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status = int((await reader.readline()).split()[1])
    headers: dict[str, str] = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0))) if status != 304 else b""
    return status, headers, body


@contextmanager
def changing(rows: LiveRows, seen: Seen) -> Iterator[None]:
    """Change the board all the time, as a listener does."""
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.wait(CHANGE_SECONDS):
            number += 1
            seen.written[number] = time.monotonic()
            rows.write(scene(number), timezone.now())
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def scene(number: int) -> Scene:
    now = time.time_ns() // 1000
    callers = [
        Caller(
            f"30{place:02}@default",
            f"member {place}",
            "s",
            f"0105555{place:04}",
            f"Caller {place}",
            now - 10**6,
        )
        for place in range(CALLERS)
    ]
    newest = Caller("3000@default", f"stamp {number}", "s", "", f"Stamp {number:06}", now - 10**9)
    queues = tuple(f"30{place:02}@default" for place in range(QUEUES))
    states = ("In a queue call", "Waiting", "Receiving")
    agents = [
        AgentState(
            f"{1000 + place}",
            "Available",
            10**15,
            states[(place + number) % 3],
            now,
            0,
            queues[place % 7 :: 7],
        )
        for place in range(AGENTS)
    ]
    return Scene([newest, *callers], agents)


def fill() -> tuple[Account, LiveRows]:
    account = Account.objects.create(name="Measured", country="KR", time_zone="Asia/Seoul")
    switch = Switch.objects.create(account=account, name="measured")
    Queue.objects.bulk_create(Queue(account=account, name=f"30{place:02}@default") for place in range(QUEUES))
    Agent.objects.bulk_create(Agent(account=account, name=f"{1000 + place}") for place in range(AGENTS))
    rows = LiveRows(switch)
    rows.write(scene(0), timezone.now())
    return account, rows


def sign_in(account: Account, number: int) -> str:
    """A session as signing in makes it."""
    user = User(
        account=account,
        role=Role.ADMIN,
        username=f"watcher{number}",
        name=f"Watcher {number}",
        email=f"{number}@{uuid.uuid4().hex}.example",
    )
    user.set_unusable_password()
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.PasswordBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@contextmanager
def web_server(url: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The web server as the Procfile starts it, with one process and four threads."""
    port = free_port()
    granian = str(Path(sys.executable).parent / "granian")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    size = ["--workers", "1", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    command = [granian, "--interface", "wsgi", *where, *size, "ccportal.wsgi:application"]
    environment = os.environ | {
        "DATABASE_URL": url,
        "CCPORTAL_SECRET_KEY": settings.SECRET_KEY,
        "CCPORTAL_DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
    }
    process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)  # noqa: S603 - our own command
    try:
        wait_for(port)
        yield port, process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            asked = HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/robots.txt")
            asked.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            asked.close()
            return


def cost(pid: int, work: Callable[[], object], seconds: float) -> float:
    """How many cores a process and its children took while something was done."""
    before = used(pid)
    work()
    return (used(pid) - before) / seconds


def used(pid: int) -> float:
    """The processor's seconds of a process and those below it."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
