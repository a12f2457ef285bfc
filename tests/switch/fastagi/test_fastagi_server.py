"""The FastAGI server at a real socket, with peers that are anything but an Asterisk."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from switch import events as ev
from switch.fastagi.server import Caller, FastAgiServer, Limits
from tests import asterisk_captures as captured
from tests.agi_client import tell

SOON = 1.0
HONEST = captured.sessions("answer")[0]

pytestmark = pytest.mark.timing


@dataclass
class Running:
    """A server on a thread of its own."""

    limits: Limits
    reports: list[ev.AgiReported] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    slow: float = 0.0
    port: int = 0
    server: FastAgiServer | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _ready: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Running:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def keep(self, caller: Caller, report: ev.AgiReported) -> None:
        await asyncio.sleep(self.slow)
        self.callers.append(caller)
        self.reports.append(report)

    def _run(self) -> None:
        self.server = FastAgiServer(self.keep, self.limits)
        listening = self._loop.run_until_complete(self.server.listen("127.0.0.1", 0))
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        listening.close()
        for connection in list(self.server.open):
            connection.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)


@pytest.fixture
def running() -> Iterator[Running]:
    with Running(Limits(sessions=50, silent_seconds=0.5, seconds=1.0)) as server:
        yield server


def honest_call_is_answered(running: Running) -> None:
    """The next call is kept, within a second."""
    before, begun = len(running.reports), time.monotonic()
    tell(HONEST, running.port)
    assert time.monotonic() - begun < SOON
    assert running.reports[before:][-1].unique_id == "1795178129.12"


@pytest.mark.parametrize("name", captured.names())
def test_a_captured_session_is_kept_and_closed(running: Running, name: str) -> None:
    for session in captured.sessions(name):
        tell(session, running.port)
    kept = [(report.unique_id, report.variables) for report in running.reports]
    assert kept == [(report.unique_id, report.variables) for report in captured.reports(name)]


def test_the_socket_is_closed_after_the_report_is_kept(running: Running) -> None:
    running.slow = 0.2
    tell(HONEST, running.port)
    assert len(running.reports) == 1


def test_a_caller_is_told_by_address_and_script(running: Running) -> None:
    tell(captured.sessions("hangup_handler")[1], running.port)
    assert running.callers == [Caller("127.0.0.1", "hangup_handler")]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff\xfe\x00" * 100 + b"\n\n",
        b"agi_x: " + b"y" * 100_000,
        b"agi_request: agi://x\nagi_uniqueid: nonsense\n\n",
        HONEST.greeting + b"HANGUP\n" * 20,
    ],
    ids=["nothing", "http", "invalid utf-8", "endless line", "no id", "only hangups"],
)
def test_after_a_hostile_session_the_next_call_is_answered(running: Running, said: bytes) -> None:
    with running.connect() as peer:
        peer.sendall(said)
    honest_call_is_answered(running)


def test_while_a_peer_is_silent_others_are_answered(running: Running) -> None:
    with running.connect(), running.connect() as half:
        half.sendall(HONEST.greeting[:50])
        honest_call_is_answered(running)


def test_a_silent_peer_is_dropped(running: Running) -> None:
    with running.connect() as peer:
        begun = time.monotonic()
        assert peer.recv(1) == b""
        assert time.monotonic() - begun < 2 * SOON


def test_a_peer_that_goes_silent_later_is_dropped_and_what_it_told_is_kept(running: Running) -> None:
    with running.connect() as peer:
        peer.sendall(HONEST.greeting)
        nonce = peer.recv(1000).decode().split()[-1]
        peer.sendall(f"200 result=1 ({nonce})\n".encode())
        while peer.recv(1000):
            pass
    assert [report.unique_id for report in running.reports] == ["1795178129.12"]


def test_with_no_room_left_the_silent_ones_make_some(running: Running) -> None:
    with ExitStack() as idle:
        for _ in range(120):
            idle.enter_context(running.connect())
        honest_call_is_answered(running)


def test_a_report_that_cannot_be_kept_does_not_hold_the_call() -> None:
    class Full(Running):
        async def keep(self, caller: Caller, report: ev.AgiReported) -> None:
            raise OSError("no space left")

    with Full(Limits()) as running:
        begun = time.monotonic()
        tell(HONEST, running.port)
        assert time.monotonic() - begun < SOON
        assert running.server is not None
        assert running.server.counts.failed == 1
