"""Sessions, breaks and wrap-up from changes that come late, twice and in any order."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from queues.presence import Change, Presence, breaks_of, presence_of, sessions_of, spans_of, total

DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NEXT = DAY + dt.timedelta(days=1)


def at(clock: str, day: int = 0) -> dt.datetime:
    hour, _, rest = clock.partition(":")
    minute, _, second = rest.partition(":")
    return DAY + dt.timedelta(days=day, hours=int(hour), minutes=int(minute), seconds=int(second or 0))


def status(clock: str, value: str, day: int = 0) -> Change:
    return Change(at(clock, day), "status", value)


def state(clock: str, value: str, day: int = 0) -> Change:
    return Change(at(clock, day), "state", value)


WORK = [
    status("9:00", "Available"),
    state("9:10", "Receiving"),
    state("9:11", "In a queue call"),
    state("9:20", "Waiting"),
    status("10:00", "On Break"),
    status("10:15", "Available"),
    status("17:00", "Logged Out"),
]


def seen(changes: list[Change], wrap_up: int = 0) -> list[tuple[str, str, str]]:
    spans = spans_of(changes, DAY, NEXT, dt.timedelta(seconds=wrap_up))
    return [(span.presence.value, f"{span.start:%H:%M}", f"{span.end:%H:%M}") for span in spans]


def test_a_day_is_read_from_its_changes() -> None:
    assert seen(WORK, wrap_up=120) == [
        ("ready", "09:00", "09:10"),
        ("ringing", "09:10", "09:11"),
        ("call", "09:11", "09:20"),
        ("wrap_up", "09:20", "09:22"),
        ("ready", "09:22", "10:00"),
        ("break", "10:00", "10:15"),
        ("ready", "10:15", "17:00"),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_late_and_doubled_changes_make_the_same_day(seed: int) -> None:
    mixed = WORK * 2
    random.Random(seed).shuffle(mixed)
    assert seen(mixed, 120) == seen(WORK, 120)
    assert sessions_of(mixed, DAY, NEXT) == sessions_of(WORK, DAY, NEXT)


def test_a_session_goes_on_over_midnight() -> None:
    night = [status("22:00", "Available", -1), status("6:00", "Logged Out"), status("22:00", "Available")]
    first, second = sessions_of(night, DAY, NEXT)
    assert (first.start, first.end, first.open_start, first.open_end) == (DAY, at("6:00"), True, False)
    assert (second.start, second.end, second.open_end) == (at("22:00"), NEXT, True)


def test_a_restart_that_logs_out_ends_the_session() -> None:
    listed = [*WORK[:4], Change(at("9:30"), "status", "Logged Out")]
    assert [(one.start, one.end) for one in sessions_of(listed, DAY, NEXT)] == [(at("9:00"), at("9:30"))]


def test_on_demand_and_breaks_are_the_same_session() -> None:
    told = {"9:00": "Available (On Demand)", "9:30": "On Break", "9:40": "Available", "10:00": "Logged Out"}
    changes = [status(clock, value) for clock, value in told.items()]
    assert len(sessions_of(changes, DAY, NEXT)) == 1


def test_wrap_up_is_cut_by_the_next_call() -> None:
    changes = [*WORK[:4], state("9:20:30", "Receiving")]
    spans = spans_of(changes, DAY, at("10:00"), dt.timedelta(seconds=120))
    assert total(spans, Presence.WRAP_UP) == dt.timedelta(seconds=30)


def test_a_break_taken_while_talking_counts_as_break_from_then_on() -> None:
    changes = [*WORK[:3], status("9:15", "On Break"), state("9:20", "Waiting")]
    assert [(span.start, span.end) for span in breaks_of(changes, DAY, at("9:30"))] == [
        (at("9:15"), at("9:30"))
    ]
    assert seen(changes)[2] == ("call", "09:11", "09:20")


def test_who_logs_out_while_talking_still_talks() -> None:
    assert presence_of("Logged Out", "In a queue call") == Presence.CALL


def test_nothing_is_known_before_the_first_change() -> None:
    assert spans_of([], DAY, NEXT) == []
    assert spans_of([state("9:00", "Waiting")], DAY, NEXT) == []
