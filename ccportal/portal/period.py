"""The stretch of time a list is about: a preset, or days chosen by hand, in the account's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date

DAYS = {"7d": 7, "30d": 30, "90d": 90}
PRESETS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "all": "All time",
}
CUSTOM = "custom"
DEFAULT = "30d"
EARLIEST, LATEST = date(1970, 1, 2), date(9000, 1, 1)


@dataclass(frozen=True)
class Period:
    """``since`` is in, ``until`` is out; ``first`` and ``last`` are both in."""

    key: str
    label: str
    since: datetime | None = None
    until: datetime | None = None
    first: date | None = None
    last: date | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As an address says it; what is usual is not said."""
        days = [(name, day.isoformat()) for name, day in (("from", self.first), ("to", self.last)) if day]
        return days if self.key in (DEFAULT, CUSTOM) else [("period", self.key), *days]


def read_period(key: str, first: str, last: str, zone: ZoneInfo, now: datetime) -> Period:
    """Read a preset or the first and last day; what cannot be read is the last 30 days."""
    if key == CUSTOM or (not key and (first or last)):
        return custom_period(read_date(first), read_date(last), zone)
    return preset_period(key if key in PRESETS else DEFAULT, zone, now.astimezone(zone).date())


def read_date(text: str) -> date | None:
    """Read a day that every zone and database can tell."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and EARLIEST <= day <= LATEST else None


def preset_period(key: str, zone: ZoneInfo, today: date) -> Period:
    label = PRESETS[key]
    if key == "all":
        return Period(key, label)
    if key == "yesterday":
        return Period(key, label, midnight(today - timedelta(days=1), zone), midnight(today, zone))
    back = timedelta(days=DAYS.get(key, 1) - 1)
    return Period(key, label, since=midnight(today - back, zone))


def custom_period(first: date | None, last: date | None, zone: ZoneInfo) -> Period:
    if first and last and last < first:
        first, last = last, first
    since = midnight(first, zone) if first else None
    until = midnight(last + timedelta(days=1), zone) if last else None
    return Period(CUSTOM, custom_label(first, last), since, until, first, last)


def custom_label(first: date | None, last: date | None) -> str:
    if first and last:
        return short(first) if first == last else f"{short(first)} to {short(last)}"
    if first:
        return f"From {short(first)}"
    return f"Until {short(last)}" if last else "Any day"


def short(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def read_moment(text: str) -> datetime | None:
    """Read an exact moment with its offset from UTC; nothing else names one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and EARLIEST <= moment.date() <= LATEST else None


def period_between(since: datetime | None, until: datetime | None) -> Period:
    """The stretch between two moments, as a figure is of."""
    told = " to ".join(f"{short(at.date())} {at:%H:%M}" for at in (since, until) if at)
    return Period(CUSTOM, told or "Any time", since, until)
