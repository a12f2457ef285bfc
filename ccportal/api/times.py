"""Times as the API writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

UNIX_EPOCH_IN_GREGORIAN_SECONDS = 62_167_219_200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_OF_QUARTER = 15 * 60 * 1_000_000
MOST_QUARTERS = 4096
LENGTH_WITHOUT_OFFSET = 23
FIRST_DAY, LAST_DAY = EPOCH, datetime(2100, 1, 1, tzinfo=UTC)
WHOLE_SECONDS = re.compile(r"-?[0-9]{1,12}", re.ASCII)


def iso(moment: datetime) -> str:
    """``2026-11-20T13:11:24.123Z``."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def local(moment: datetime, zone: ZoneInfo) -> str:
    """``2026-11-20 14:11:24.123+01:00``."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")


class LocalClock:
    """Writes very many moments as ``local`` does: a zone's time is worked out once a quarter of an hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.quarters: dict[int, tuple[str, int, str]] = {}

    def read(self, since_epoch: int) -> str:
        """Write microseconds since 1970."""
        quarter, rest = divmod(since_epoch, MICROSECONDS_OF_QUARTER)
        hour, minute, offset = self.quarters.get(quarter) or self.quarter(quarter)
        milliseconds = rest // 1000
        second = milliseconds // 1000
        return f"{hour}{minute + second // 60:02d}:{second % 60:02d}.{milliseconds % 1000:03d}{offset}"

    def quarter(self, number: int) -> tuple[str, int, str]:
        """What the times of a quarter begin with, its first minute, and the offset they end with."""
        written = local(from_microseconds(number * MICROSECONDS_OF_QUARTER), self.zone)
        if len(self.quarters) >= MOST_QUARTERS:
            self.quarters.clear()
        found = self.quarters[number] = written[:14], int(written[14:16]), written[LENGTH_WITHOUT_OFFSET:]
        return found


@cache
def clock_of(zone: ZoneInfo) -> LocalClock:
    return LocalClock(zone)


@cache
def changes_of(zone: ZoneInfo) -> tuple[str, str]:
    """When a zone's clocks change, and its offsets before the first change and after each, as SQL arrays."""
    day = timedelta(days=1)
    moments, offsets = [], [written_offset(FIRST_DAY, zone)]
    at = FIRST_DAY
    while at < LAST_DAY:
        if written_offset(at + day, zone) != offsets[-1]:
            moments.append(change_between(at, at + day, zone).isoformat())
            offsets.append(written_offset(at + day, zone))
        at += day
    return f"{{{','.join(moments)}}}", f"{{{','.join(offsets)}}}"


def change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which a zone's clocks change between two moments."""
    old = written_offset(before, zone)
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        before, after = (middle, after) if written_offset(middle, zone) == old else (before, middle)
    return after


def written_offset(moment: datetime, zone: ZoneInfo) -> str:
    return local(moment, zone)[LENGTH_WITHOUT_OFFSET:]


def unix_seconds(moment: datetime) -> int:
    return (moment - EPOCH) // SECOND


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(value: int) -> datetime:
    """Raise OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=value)


def read_span(text: str) -> tuple[datetime, datetime]:
    """Return the first moment a time names and the first one after it.

    Gregorian seconds (unix + 62167219200) are told from unix seconds by magnitude: the smallest of the
    first is the year 3940 as the second. A second is all of it; ISO 8601 is exact, UTC without an offset.
    Raise ValueError for anything else.
    """
    if WHOLE_SECONDS.fullmatch(text):
        start = second_from(int(text))
        return start, start + SECOND
    moment = datetime.fromisoformat(text)
    start = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return start, start + MICROSECOND


def second_from(number: int) -> datetime:
    unix = number - UNIX_EPOCH_IN_GREGORIAN_SECONDS if number >= UNIX_EPOCH_IN_GREGORIAN_SECONDS else number
    return EPOCH + timedelta(seconds=unix)
