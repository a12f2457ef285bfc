"""Quarter-hours of UTC, and the hours, days, weeks and months that they make in an account's zone.

Every zone of today is a whole number of quarter-hours away from UTC, and changes by one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = dt.timedelta(minutes=15)
QUARTER_SECONDS = 900
DAY = dt.timedelta(days=1)
MILLISECOND = dt.timedelta(milliseconds=1)


class Step(StrEnum):
    """How long the stretches are that figures are asked for by."""

    QUARTER_HOUR = "quarter_hour"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def quarter_of(moment: dt.datetime) -> dt.datetime:
    """The quarter-hour that a moment is in."""
    utc = moment.astimezone(dt.UTC)
    return utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)


@lru_cache(maxsize=100_000)
def start_of(moment: dt.datetime, step: Step, zone: ZoneInfo) -> dt.datetime:
    """When the stretch of the zone's clock and calendar began that a moment is in; weeks begin on Monday.

    An hour that a clock goes through twice is two. A day begins with its first moment, also where its
    midnight is left out.
    """
    if step is Step.QUARTER_HOUR:
        return quarter_of(moment)
    local = moment.astimezone(zone)
    if step is Step.HOUR:
        return local.replace(minute=0, second=0, microsecond=0).astimezone(dt.UTC)
    day = local.date()
    if step is Step.WEEK:
        day -= dt.timedelta(days=day.weekday())
    elif step is Step.MONTH:
        day = day.replace(day=1)
    return midnight(day, zone)


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


@lru_cache(maxsize=100_000)
def next_start(start: dt.datetime, step: Step, zone: ZoneInfo) -> dt.datetime:
    """When the stretch after the one that begins here does."""
    if step is Step.QUARTER_HOUR:
        return start + QUARTER
    if step is Step.HOUR:
        following = start + QUARTER
        while start_of(following, step, zone) == start:
            following += QUARTER
        return following
    day = start.astimezone(zone).date()
    if step is Step.WEEK:
        return midnight(day + dt.timedelta(days=7), zone)
    if step is Step.MONTH:
        return midnight((day.replace(day=28) + dt.timedelta(days=4)).replace(day=1), zone)
    return midnight(day + DAY, zone)


def starts_between(
    since: dt.datetime, until: dt.datetime, step: Step, zone: ZoneInfo
) -> Iterator[dt.datetime]:
    """Every stretch that has a part between the two moments."""
    start = start_of(since, step, zone)
    while start < until:
        yield start
        start = next_start(start, step, zone)


def split(begin: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, int]]:
    """The milliseconds between two moments by quarter-hour; together they are all of them."""
    quarter, told = quarter_of(begin), 0
    while quarter < end:
        following = quarter + QUARTER
        reached = (min(end, following) - begin) // MILLISECOND
        if reached > told:
            yield quarter, reached - told
        quarter, told = following, reached
