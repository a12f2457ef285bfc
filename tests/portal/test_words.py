"""How times, numbers and states are told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ccportal.portal import clock, wording
from ccportal.portal.period import read_period
from cdr.models import CallDirection, Outcome
from recordings.models import Finding, Origin, State

ARABIC_DIGITS = "\u0660\u0661\u0660"
SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ms", "told"), [(None, ""), (0, "0:00"), (9_400, "0:09"), (751_000, "12:31"), (3_723_000, "1:02:03")]
)
def test_durations(ms: int | None, told: str) -> None:
    assert clock.duration(ms) == told


def test_a_moment_is_told_in_the_zone_of_the_account() -> None:
    assert clock.whole(NOW, SEOUL) == "Sat 21 Nov 2026, 01:00:00 KST"


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Asia/Seoul", "Asia/Seoul, UTC+9"),
        ("Asia/Kolkata", "Asia/Kolkata, UTC+5:30"),
        ("America/New_York", "America/New_York, UTC\N{MINUS SIGN}5"),
        ("UTC", "UTC"),
    ],
)
def test_zones_are_named_with_their_offset(zone: str, told: str) -> None:
    assert clock.zone_name(ZoneInfo(zone), NOW) == told


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2026, 11, 20), "Today, Fri 20 Nov"),
        (date(2026, 11, 19), "Yesterday, Thu 19 Nov"),
        (date(2026, 11, 1), "Sun 1 Nov"),
        (date(2025, 11, 1), "Sat 1 Nov 2025"),
    ],
)
def test_day_headings(day: date, told: str) -> None:
    assert clock.day_heading(day, date(2026, 11, 20)) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("01058400500", "010-5840-0500"),
        ("+821058400500", "010-5840-0500"),
        ("+493055570142", "+49 30 55570142"),
        ("1001", "1001"),
        ("anonymous", "anonymous"),
        ("<b>", "<b>"),
        ("9" * 255, "9" * 255),
        (ARABIC_DIGITS, ARABIC_DIGITS),
    ],
)
def test_numbers_are_grouped_only_when_they_are_numbers(number: str, told: str) -> None:
    assert wording.phone(number, "KR") == told


def test_a_title_has_one_line_and_one_direction() -> None:
    assert wording.on_one_line("a\r\n b\u202ec\x00") == "a b c"


def test_sizes() -> None:
    assert [wording.size(count) for count in (44, 2048, 3_565_158)] == ["44 bytes", "2.0 KB", "3.4 MB"]


def test_every_state_has_its_words() -> None:
    from ccportal.portal import takes

    assert set(takes.MARKS) == set(takes.SENTENCES) == set(State)
    assert set(takes.FINDINGS) == set(Finding)
    assert set(takes.ORIGINS) == set(Origin)
    assert set(wording.OUTCOMES) == set(Outcome)
    assert set(wording.DIRECTION_ICONS) == set(CallDirection)


def test_today_begins_at_midnight_of_the_account() -> None:
    period = read_period("today", "", "", SEOUL, NOW)
    assert (period.since, period.until) == (datetime(2026, 11, 20, 15, tzinfo=UTC), None)


def test_yesterday_has_an_end() -> None:
    period = read_period("yesterday", "", "", SEOUL, NOW)
    assert (period.since, period.until) == (
        datetime(2026, 11, 19, 15, tzinfo=UTC),
        datetime(2026, 11, 20, 15, tzinfo=UTC),
    )


def test_days_chosen_by_hand_are_both_in_and_in_any_order() -> None:
    period = read_period("", "2026-11-05", "2026-11-03", SEOUL, NOW)
    assert (period.until or NOW) - (period.since or NOW) == timedelta(days=3)
    assert period.label == "3 Nov 2026 to 5 Nov 2026"


@pytest.mark.parametrize("first", ["2026-02-30", "yesterday", "9999-12-31", "0001-01-01", "", "\x00"])
def test_what_is_no_day_does_not_break_the_page(first: str) -> None:
    assert read_period("custom", first, first, SEOUL, NOW).key == "custom"


def test_an_unknown_preset_is_the_usual_one() -> None:
    assert read_period("century", "", "", SEOUL, NOW).key == "30d"
