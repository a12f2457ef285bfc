from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from switch.backoff import Backoff, Watchdog
from switch.errors import CloseReason, UnsafeValue
from switch.esl.connection import Address, backend
from switch.esl.session import Connected, Disconnected, EventSession, NotConnected, Received
from tests.switch.fake_switch import FakeSwitch, event_frame, notice_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b'{"Event-Name":"HEARTBEAT"}'


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def switch() -> Iterator[FakeSwitch]:
    with FakeSwitch() as fake:
        yield fake


@pytest.fixture
def session(switch: FakeSwitch, clock: Clock) -> Iterator[EventSession]:
    made = make_session(switch.address, clock)
    yield made
    made.close()


def make_session(address: Address, clock: Clock) -> EventSession:
    return EventSession(
        address,
        backend("native"),
        backoff=Backoff(random=random.Random(1)),
        watchdog=Watchdog(clock.now),
        wait=clock.wait,
        clock=clock,
        monotonic=clock,
    )


def until_bodies(session: EventSession) -> list[bytes]:
    while not isinstance(happening := session.step(5.0), Received) or not happening.bodies:
        assert isinstance(happening, Received | Connected)
    return happening.bodies


def test_connects_and_receives(switch: FakeSwitch, session: EventSession, clock: Clock) -> None:
    assert session.step(1.0) == Connected(1000.0)
    switch.client().send(event_frame(BODY))
    assert session.step(5.0) == Received([BODY])


def test_nothing_in_time_is_received_nothing(session: EventSession) -> None:
    session.step(1.0)
    assert session.step(0.01) == Received([])


def test_a_lost_connection_tells_the_window_and_is_made_again(
    switch: FakeSwitch, session: EventSession, clock: Clock
) -> None:
    session.step(1.0)
    client = switch.client()
    client.send(event_frame(BODY))
    clock.now = 1007.0
    assert until_bodies(session) == [BODY]
    clock.now = 1012.0
    client.send(notice_frame(b"The system is being shut down.\n"))
    client.end()
    lost = session.step(5.0)
    assert lost == Disconnected(1007.0, 1012.0, CloseReason.SHUTDOWN, "The system is being shut down.")
    assert session.step(60.0) == Connected(clock.now)
    assert 1012.25 <= clock.now <= 1012.5
    switch.client().send(event_frame(b"{}"))
    assert until_bodies(session) == [b"{}"]


def test_silence_for_two_and_a_half_heartbeats_is_a_lost_connection(
    session: EventSession, clock: Clock
) -> None:
    session.step(1.0)
    clock.now = 1050.0
    assert session.step(0.001) == Received([])
    clock.now = 1050.1
    lost = session.step(0.001)
    assert lost == Disconnected(1000.0, 1050.1, CloseReason.SILENT, "no heartbeat")
    assert isinstance(session.step(60.0), Connected)


def test_half_an_event_is_no_silence(switch: FakeSwitch, session: EventSession, clock: Clock) -> None:
    session.step(1.0)
    assert session.source is not None
    before = session.source.heard()
    clock.now = 1049.0
    switch.client().send(event_frame(BODY)[:10])
    while session.source.heard() == before:
        assert session.step(0.01) == Received([])
    assert session.last_heard == 1049.0
    clock.now = 1090.0
    assert session.step(0.001) == Received([])


def test_attempts_are_spaced_and_never_given_up(clock: Clock) -> None:
    with FakeSwitch() as gone:
        session = make_session(gone.address, clock)
    attempts = []
    for _ in range(12):
        happening = session.step(60.0)
        assert isinstance(happening, NotConnected)
        assert happening.error
        attempts.append(clock.now)
    gaps = [after - before for before, after in pairwise(attempts)]
    assert 0.25 <= gaps[0] <= 0.5
    assert all(15.0 <= gap <= 30.0 for gap in gaps[6:])


def test_a_step_waits_no_longer_than_asked(clock: Clock) -> None:
    with FakeSwitch() as gone:
        session = make_session(gone.address, clock)
    session.step(1.0)
    before = clock.now
    assert isinstance(session.step(0.1), NotConnected)
    assert clock.now == before + 0.1


def test_what_can_never_work_is_raised(switch: FakeSwitch, clock: Clock) -> None:
    with pytest.raises(UnsafeValue):
        make_session(Address("127.0.0.1", switch.port, "a\nb"), clock).step(1.0)


def test_delays_double_with_jitter_up_to_the_longest() -> None:
    backoff = Backoff(random=random.Random(7))
    delays = [backoff.next_delay() for _ in range(10)]
    bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert len(set(delays)) == len(delays)
    backoff.reset()
    assert backoff.next_delay() <= 0.5
