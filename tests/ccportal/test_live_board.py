"""From the switch's socket to the rows of the board, whatever happens to the connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from django.utils import timezone

from accounts.models import Switch
from ccportal.listener.live import LiveKeeper
from ccportal.pipeline import apply_mixed
from queues.live import LiveRows, Scene
from queues.live_rows import AgentNow, LiveMark, LiveSwitch, WaitingCaller
from queues.models import AgentChange
from switch.esl.captures import CapturedEvent, label_event
from switch.esl.connection import Address
from switch.esl.native import NativeConnection
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch, Terms
from switch.journal import Journal
from switch.queue_board import AgentState, Caller
from tests import captures, factories
from tests.switch.test_queue_board import SCENARIOS

SPEED = 40.0
IN_TIME = 2.0

pytestmark = pytest.mark.timing


def tape(name: str) -> Iterator[Played]:
    events = [label_event(body) for body in captures.bodies(name)]
    first = events[0].at
    latest = 0.0
    for event in events:
        latest = max(latest, (event.at - first) / 1_000_000)
        yield Played(latest, event)


@contextmanager
def playing(name: str, **terms: Any) -> Iterator[tuple[ReplaySwitch, Address]]:
    switch = ReplaySwitch(tape(name), Terms(speed=SPEED, forever=True, **terms))
    with BackgroundSwitch(switch) as background:
        yield switch, Address("127.0.0.1", background.port)


def rows() -> tuple[list[Any], dict[str, Any]]:
    callers = WaitingCaller.objects.values_list("queue_name", "member_uuid", "session_uuid", "caller_number")
    agents = AgentNow.objects.exclude(status="").values_list("agent_name", "status", "state")
    return sorted(callers), {name: (status, state or "Waiting") for name, status, state in agents}


def listed(switch: ReplaySwitch) -> tuple[list[Any], dict[str, Any]]:
    queues = switch.answers.queues
    callers = [
        (row["queue"], row["uuid"], row["session_uuid"], row["cid_number"])
        for row in list(queues.members.values())
        if row["state"] in ("Waiting", "Trying")
    ]
    return sorted(callers), {name: (row["status"], row["state"]) for name, row in queues.agents.items()}


def until(true: Callable[[], bool], step: Callable[[], object], patience: float = IN_TIME) -> bool:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            return False
        step()
    return True


class Ear:
    """What the reader does, one step at a time."""

    def __init__(self, row: Switch, address: Address, journal: Journal) -> None:
        self.keeper, self.address = LiveKeeper(row.pk.hex, row.name, address, journal), address
        self.connection: NativeConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.end()

    def connect(self) -> None:
        self.connection = NativeConnection.open(self.address)
        self.connection.subscribe()
        self.keeper.connected()

    def cut(self) -> None:
        assert self.connection is not None
        self.connection.close()
        self.connection = None
        self.keeper.disconnected()

    def end(self) -> None:
        if self.connection is not None:
            self.cut()
        self.keeper.stop()

    def step(self) -> None:
        if self.connection is not None:
            self.keeper.offer(self.connection.recv(0.02))
        self.keeper.step(0.0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path, "a" * 32) as journal:
        yield journal


@pytest.fixture
def row(db: None) -> Switch:
    return factories.make_switch(factories.make_account("Hanbit Care"))


def over(switch: ReplaySwitch, name: str) -> Callable[[], bool]:
    return lambda: switch.played >= len(captures.bodies(name))


@pytest.mark.parametrize("name", ["queue_busy_then_second", "queue_abandoned_resume", "agent_status"])
def test_rows_follow_the_switch_and_end_as_its_lists(name: str, row: Switch, journal: Journal) -> None:
    with playing(name) as (switch, address), Ear(row, address, journal) as ear:
        ear.connect()
        assert until(over(switch, name), ear.step, 10.0)
        assert until(lambda: rows() == listed(switch), ear.step)


@pytest.mark.parametrize("name", SCENARIOS[::3])
def test_rows_are_right_within_two_seconds_of_a_reconnect(name: str, row: Switch, journal: Journal) -> None:
    with playing(name) as (switch, address), Ear(row, address, journal) as ear:
        ear.connect()
        half = len(captures.bodies(name)) // 2
        assert until(lambda: switch.played >= half // 2, ear.step, 10.0)
        ear.cut()
        assert until(lambda: switch.played >= half + half // 2, ear.step, 10.0)
        ear.connect()
        assert until(lambda: rows() == listed(switch), ear.step)
        assert until(over(switch, name), ear.step, 10.0)
        assert until(lambda: rows() == listed(switch), ear.step)


def test_a_new_listener_finds_those_who_came_and_went_without_one(row: Switch, journal: Journal) -> None:
    LiveRows(row).write(scene(caller("gone")), stamp())
    with playing("queue_answered", wait_for=9) as (switch, address), Ear(row, address, journal) as ear:
        switch.answers.queues.follow(joined())
        ear.connect()
        assert until(lambda: rows() == listed(switch) and bool(rows()[0]), ear.step)
        ear.cut()
        assert until(lambda: not LiveSwitch.objects.get().connected, ear.step)
    assert not LiveSwitch.objects.get().connected


def test_who_came_a_moment_before_a_cut_and_left_in_it_is_gone_at_once(row: Switch, journal: Journal) -> None:
    with playing("queue_answered", wait_for=9) as (switch, address), Ear(row, address, journal) as ear:
        switch.answers.queues.follow(joined())
        ear.connect()
        assert until(lambda: bool(rows()[0]), ear.step)
        ear.keeper.offer([joined().body])
        ear.keeper.step(0.0)
        ear.cut()
        switch.answers.queues.members.clear()
        ear.connect()
        assert until(lambda: not rows()[0], ear.step)


def joined() -> CapturedEvent:
    name = "queue_answered"
    return next(
        event for event in map(label_event, captures.bodies(name)) if b"member-queue-start" in event.body
    )


def caller(member: str = "m1", queue: str = "3000@default") -> Caller:
    return Caller(queue, member, "s1", "01058400500", "Kim", 1_795_000_000_000_000, ("1001",))


def scene(*callers: Caller, agents: tuple[AgentState, ...] = ()) -> Scene:
    return Scene(callers, agents)


def stamp() -> Any:
    return timezone.now()


def test_a_write_without_news_leaves_the_version_alone(row: Switch) -> None:
    live = LiveRows(row)
    assert live.write(scene(caller()), stamp())
    version = LiveMark.objects.get().version
    assert not live.write(scene(caller()), stamp())
    assert LiveMark.objects.get().version == version
    assert live.write(scene(), stamp())
    assert LiveMark.objects.get().version == version + 1


def test_rows_of_a_shared_switch_go_to_the_only_account_that_knows_the_queue(db: None) -> None:
    ours, theirs = factories.make_account("Ours"), factories.make_account("Theirs")
    factories.make_queue(ours, "3000@ours")
    for account in (ours, theirs):
        factories.make_queue(account, "3000@both")
    shared = factories.make_switch(None)
    LiveRows(shared).write(scene(caller("a", "3000@ours"), caller("b", "3000@both")), stamp())
    assert dict(WaitingCaller.objects.values_list("member_uuid", "account_id")) == {"a": ours.pk, "b": None}
    assert [mark.account_id for mark in LiveMark.objects.all()] == [ours.pk]


def test_a_change_that_only_the_lists_told_is_history_once(row: Switch, journal: Journal) -> None:
    assert row.account
    factories.make_agent(row.account, "1001")
    LiveRows(row).write(scene(agents=(AgentState("1001", "Available", 1_000_000),)), stamp())
    with playing("queue_answered", wait_for=9) as (switch, address):
        switch.answers.queues.agent("1001")["last_status_change"] = "1795178268"
        with Ear(row, address, journal) as ear:
            ear.connect()
            assert until(lambda: rows()[1].get("1001") == ("Logged Out", "Waiting"), ear.step)
        for _ in range(2):
            apply_mixed(row, [("control", batch.bodies) for batch in journal.read(0)], journal="", batch=0)
    assert list(AgentChange.objects.values_list("agent_name", "value")) == [("1001", "Logged Out")]


def test_texts_of_a_phone_line_are_kept_as_short_as_the_columns(row: Switch) -> None:
    long = Caller("q" * 300, "m", "s", "9" * 300, "\x00\ud800" + "n" * 300, 1)
    LiveRows(row).write(scene(long), stamp())
    assert len(WaitingCaller.objects.get().caller_name) == 255
