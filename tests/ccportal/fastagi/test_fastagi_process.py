"""``manage.py fastagi`` as a real process: what its sessions told becomes calls."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Switch, SwitchKind
from cdr.models import Call
from tests import asterisk_captures as captured
from tests.agi_client import renumbered, tell
from tests.factories import make_account, make_switch

MANAGE = str(settings.BASE_DIR / "manage.py")
PATIENCE = 60.0
BORN = 1795178129
CALLS = 1000

pytestmark = pytest.mark.slow


@dataclass
class FastAgi:
    """The process, started anew at the same port as often as a test likes."""

    environment: dict[str, str]
    folder: Path
    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        command = [sys.executable, MANAGE, "fastagi", "--port", str(self.port)]
        with (self.folder / "fastagi.log").open("a") as log:
            process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)
        self.wait_for_port()

    def wait_for_port(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "fastagi.log").read_text())

    def kill(self) -> None:
        os.killpg(self.running[-1].pid, signal.SIGKILL)
        self.running[-1].wait()


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@pytest.fixture
def switch(transactional_db: None) -> Switch:
    return make_switch(account=make_account(), name="pbx", kind=SwitchKind.ASTERISK)


@pytest.fixture
def fastagi(switch: Switch, process_environment: dict[str, str], tmp_path: Path) -> Iterator[FastAgi]:
    environment = process_environment | {"CCPORTAL_DATA_DIR": str(tmp_path)}
    found = FastAgi(environment, tmp_path, free_port())
    yield found
    for process in found.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_calls(wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while Call.objects.count() < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert Call.objects.count() == wanted


def test_a_session_becomes_a_call_of_the_switchs_account(fastagi: FastAgi, switch: Switch) -> None:
    fastagi.start()
    for name in ("answer", "queue_abandoned"):
        for session in captured.sessions(name):
            tell(session, fastagi.port)
    wait_for_calls(2)
    answered = Call.objects.get(leg_uuid="1795178129.12")
    assert (answered.outcome, answered.caller_number, answered.account) == (
        "answered",
        "+74951234567",
        switch.account,
    )
    assert Call.objects.get(leg_uuid="1795178474.221").outcome == "abandoned"


def test_of_many_calls_that_end_at_once_none_is_lost_though_the_server_is_killed(
    fastagi: FastAgi, switch: Switch
) -> None:
    """Who was let go is kept; the row that Asterisk writes after each session brings the others."""
    master = fastagi.folder / "Master.csv"
    Switch.objects.filter(pk=switch.pk).update(cdr_source=str(master), time_zone="Europe/Moscow")
    master.touch()
    fastagi.start()
    ended = [f"{BORN}.{number}" for number in range(CALLS)]
    told = end_all_at_once(fastagi, master, ended)
    while len(told) < CALLS // 4:
        time.sleep(0.01)
    fastagi.kill()
    fastagi.start()
    wait_for_calls(CALLS)
    kept = set(
        Call.objects.filter(outcome="answered", dialed_number="100").values_list("leg_uuid", flat=True)
    )
    assert kept == set(ended)


def end_all_at_once(fastagi: FastAgi, master: Path, ended: list[str]) -> list[str]:
    """End the calls on twenty threads, as one Asterisk does: the session, then the CDR row, told or not."""
    (session,) = captured.sessions("answer")
    record = (captured.ASTERISK / "answer.cdr.csv").read_bytes().splitlines(keepends=True)[0]
    waiting, told, lock = list(ended), [], threading.Lock()

    def end() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                unique_id = waiting.pop()
            with contextlib.suppress(OSError):
                tell(renumbered(session, unique_id), fastagi.port)
            with lock, master.open("ab") as file:
                file.write(record.replace(b"1795178129.12", unique_id.encode()))
                told.append(unique_id)

    for _ in range(20):
        threading.Thread(target=end, daemon=True).start()
    return told
