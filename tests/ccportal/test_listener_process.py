"""The listener as a real process at a real socket: killed, stopped, and without its database."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from accounts.models import Switch
from cdr import evidence
from cdr.models import Call, ConnectionGap, EventCount, Evidence, Leg, QueueVisit
from switch.esl.captures import MICROSECONDS, CapturedEvent, load_capture
from switch.esl.filters import EventFilter
from switch.esl.rejuvenate import Rejuvenator
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch, Tape, Terms, captured_tape
from switch.esl.subscription import WHAT_MATTERS
from switch.esl.translate import Translator
from switch.journal import Journal
from tests import captures
from tests.factories import make_account, make_switch
from tests.postgres import Cluster

DATA = Path(captures.__file__).parent / "data" / "freeswitch"
MANAGE = str(settings.BASE_DIR / "manage.py")
PATIENCE = 90.0
Identity = tuple[str, int]

pytestmark = pytest.mark.slow


@dataclass
class Processes:
    """Listeners started by a test; none outlives it."""

    environment: dict[str, str]
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[str]:
        log = (self.folder / "listener.log").open("a")
        command = [sys.executable, MANAGE, "esl_listener", "--switch", "pbx", *options]
        process = subprocess.Popen(
            command, env=self.environment, stderr=log, stdout=log, text=True, start_new_session=True
        )
        log.close()
        self.running.append(process)
        return process

    @property
    def log(self) -> str:
        return (self.folder / "listener.log").read_text()

    @property
    def journal_folder(self) -> Path:
        return self.folder / "journal"


@contextmanager
def processes_in(folder: Path, environment: dict[str, str]) -> Iterator[Processes]:
    processes = Processes(environment | {"CCPORTAL_DATA_DIR": str(folder)}, folder)
    try:
        yield processes
    finally:
        for process in processes.running:
            end_group(process)


def end_group(process: subprocess.Popen[str]) -> None:
    """End a listener and the applier that may outlive it for a moment."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: is_gone(process.pid))


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def processes(process_environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    with processes_in(tmp_path, process_environment) as made:
        yield made


def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def new_calls(names: tuple[str, ...], number: int, over_seconds: float, began: float) -> list[Played]:
    """Calls that happen now, spread over some seconds, each event due when it says it happened."""
    tellers = [Rejuvenator(load_capture(DATA / f"{name}.jsonl.gz")) for name in names]
    played: list[Played] = []
    sequence = 1
    for place in range(number):
        teller = tellers[place % len(tellers)]
        at = int((began + 1 + place * over_seconds / number) * MICROSECONDS)
        for event in teller.call(at, seed=place, core="run", first_sequence=sequence):
            captured = CapturedEvent(event.body, event.name, event.subclass, event.at)
            played.append(Played(max(event.at / MICROSECONDS - began, 0), captured))
        sequence += teller.sequences
    return sorted(played, key=lambda one: one.due)


def on_time(tape: list[Played], began: float) -> Tape:
    """The tape with every event due at the very moment it tells, whenever playing begins."""
    late = time.time() - began
    for played in tape:
        yield replace(played, due=played.due - late)


def identities(bodies: list[bytes]) -> set[Identity]:
    translate = Translator().translate
    return {event.identity for event in map(translate, bodies) if event is not None}


def wanted(tape: list[Played]) -> list[bytes]:
    matters = EventFilter()
    matters.subscribe(WHAT_MATTERS.words.split())
    return [played.event.body for played in tape if matters.wants(played.event)]


def journaled(folder: Path, switch: Switch) -> list[bytes]:
    with Journal.follow(folder, switch.pk.hex) as journal:
        batches = journal.read(0, limit_batches=10**6, limit_bytes=10**12)
        return [body for batch in batches if batch.kind == "events" for body in batch.bodies]


def play_captures(*names: str) -> Tape:
    return captured_tape(load_capture(DATA / f"{name}.jsonl.gz") for name in names)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backend", ["native", "python_esl"])
def test_every_captured_call_arrives(processes: Processes, backend: str) -> None:
    if backend == "python_esl" and importlib.util.find_spec("ESL") is None:
        pytest.skip("python-ESL is not installed: pip install ccportal[esl]")
    names = captures.names()
    with BackgroundSwitch(ReplaySwitch(play_captures(*names), Terms(speed=0))) as played:
        make_switch(make_account(), "pbx", port=played.port)
        listener = processes.start("--once", "--backend", backend)
        assert listener.wait(PATIENCE) == 0, processes.log
    truth = captures.index()
    assert set(Leg.objects.values_list("uuid", flat=True)) == {
        leg["uuid"] for call in truth.values() for leg in call["legs"]
    }
    assert QueueVisit.objects.count() == sum(len(call["queue_visits"]) for call in truth.values())
    assert not EventCount.objects.exists()
    assert "ClueCon" not in processes.log


@pytest.mark.django_db(transaction=True)
def test_kill_at_random_moments_loses_only_recorded_windows(processes: Processes) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    names = ("queue_answered", "queue_abandoned", "fail_busy", "queue_hold", "onnet_offnet")
    switch_row = make_switch(make_account(), "pbx", port=0)
    began = time.time() + 10
    tape = new_calls(names, 500, 25.0, began)
    switch = ReplaySwitch(on_time(tape, began), Terms(speed=1, forever=True))
    with BackgroundSwitch(switch) as played:
        Switch.objects.update(port=played.port)
        listener = processes.start("--once")
        until(lambda: switch.played)
        while switch.played < len(tape) * 0.6:
            moment = time.monotonic() + chance.uniform(0.2, 4.0)
            until(lambda moment=moment: time.monotonic() > moment)  # type: ignore[misc]
            listener.kill()
            listener.wait()
            listener = processes.start("--once")
            before = processes.log.count("connected")
            until(lambda before=before: processes.log.count("connected") > before)  # type: ignore[misc]
        until(lambda: switch.played == len(tape))
    assert listener.wait(PATIENCE) == 0, processes.log
    kept = journaled(processes.journal_folder, switch_row)
    windows = [
        (gap.started_at.timestamp(), gap.ended_at.timestamp() if gap.ended_at else time.time())
        for gap in ConnectionGap.objects.all()
    ]
    assert_rows_hold(kept)
    missing = identities(wanted(tape)) - identities(kept)
    by_identity = {identity: played for played in tape for identity in identities([played.event.body])}
    outside = [
        by_identity[one].event.at
        for one in missing
        if not any(start <= by_identity[one].event.at / MICROSECONDS <= end for start, end in windows)
    ]
    assert not outside, f"seed {seed}: {len(outside)} of {len(missing)} lost outside of {windows}"
    assert len(kept) > len(wanted(tape)) / 8


def assert_rows_hold(bodies: list[bytes]) -> None:
    """Everything journaled is in the rows, once."""
    created = {
        json.loads(body)["Unique-ID"] for body in bodies if b'"Event-Name":"CHANNEL_CREATE"' in body[:40]
    }
    ended = {
        json.loads(body)["Unique-ID"]
        for body in bodies
        if b'"Event-Name":"CHANNEL_HANGUP_COMPLETE"' in body[:60]
    }
    assert created <= set(Leg.objects.values_list("uuid", flat=True))
    assert ended <= set(Leg.objects.exclude(ended_at=None).values_list("uuid", flat=True))
    told = [event.identity for row in Evidence.objects.all() for event in evidence.unpack(bytes(row.events))]
    assert len(told) == len(set(told))
    assert Call.objects.count() == len(set(Call.objects.values_list("leg_uuid", flat=True)))


@pytest.mark.django_db(transaction=True)
def test_sigterm_keeps_what_was_read_and_the_gap_is_closed_after(processes: Processes) -> None:
    row = make_switch(make_account(), "pbx", port=0)
    tape = new_calls(("queue_hold", "fail_busy"), 40, 4.0, time.time())
    switch = ReplaySwitch(iter(tape), Terms(speed=1, forever=True))
    with BackgroundSwitch(switch) as played:
        Switch.objects.update(port=played.port)
        listener = processes.start()
        until(lambda: switch.played > len(tape) / 3)
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(15) == 0, processes.log
        assert not Switch.objects.get().listener
        again = processes.start("--once")
        until(lambda: processes.log.count("connected") >= 2 and switch.played == len(tape))
    assert again.wait(PATIENCE) == 0, processes.log
    assert ConnectionGap.objects.filter(reason="the listener was stopped").get().ended_at is not None
    assert_rows_hold(journaled(processes.journal_folder, row))


@pytest.mark.django_db(transaction=True)
def test_a_second_listener_stands_by_and_takes_over(processes: Processes) -> None:
    make_switch(make_account(), "pbx", port=0)
    switch = ReplaySwitch(play_captures("fail_busy"), Terms(speed=0, wait_for=2, forever=True))
    with BackgroundSwitch(switch) as played:
        Switch.objects.update(port=played.port)
        first = processes.start()
        until(lambda: "connected" in processes.log)
        processes.start("--once")
        until(lambda: "standing by" in processes.log)
        assert processes.log.count("connected") == 1
        first.kill()
        first.wait()
        until(lambda: processes.log.count("connected") == 2)
        assert "taking over" in processes.log


@pytest.fixture
def own_cluster(postgres_cluster: Cluster) -> Cluster:
    name = f"listener{random.SystemRandom().randrange(10**9)}"
    with psycopg.connect(postgres_cluster.url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    os.environ["CCPORTAL_TEST_DATABASE"] = postgres_cluster.url_of(name)
    return postgres_cluster


def manage(environment: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, MANAGE, *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_its_database_the_listener_goes_on_reading(own_cluster: Cluster, tmp_path: Path) -> None:
    url = os.environ.pop("CCPORTAL_TEST_DATABASE")
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ccportal.settings"}
    with processes_in(tmp_path, environment) as processes:
        manage(processes.environment, "migrate", "-v0")
        tape = new_calls(("queue_answered", "queue_hold"), 200, 15.0, time.time())
        switch = ReplaySwitch(iter(tape), Terms(speed=1))
        with BackgroundSwitch(switch) as played:
            manage(processes.environment, "create_switch", "pbx", "--port", str(played.port))
            listener = processes.start("--once")
            until(lambda: count(url, "cdr_leg") > 5)
            own_cluster.stop()
            until(lambda: switch.played > len(tape) / 2)
            before = switch.played
            until(lambda: switch.played >= min(before + 2000, len(tape)))
            own_cluster.start()
            assert listener.wait(PATIENCE) == 0, processes.log
        assert processes.log.count("database is away") == 1
        assert processes.log.count("database is back") == 1
        assert count(url, "cdr_leg") == 400
        assert count(url, "cdr_leg WHERE ended_at IS NOT NULL") == 400
        assert count(url, "cdr_connectiongap WHERE ended_at IS NOT NULL") == 0


def count(url: str, what: str) -> int:
    with psycopg.connect(url) as database:
        row = database.execute(f"SELECT count(*) FROM {what}").fetchone()
        assert row is not None
        return int(row[0])
