"""Times and durations as people read them, in the account's zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

HOUR_SECONDS = 3600
MINUTE_SECONDS = 60


def duration(ms: int | None) -> str:
    """0:09, 12:31, 1:02:03; nothing for nothing."""
    if ms is None:
        return ""
    hours, rest = divmod(round(ms / 1000), HOUR_SECONDS)
    minutes, seconds = divmod(rest, MINUTE_SECONDS)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def between(start: datetime | None, end: datetime | None) -> int | None:
    """Milliseconds from start to end."""
    if start is None or end is None:
        return None
    return (end - start) // timedelta(milliseconds=1)


def clock_time(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def clock_time_seconds(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}" if moment else ""


def day_and_time(moment: datetime | None, zone: tzinfo) -> str:
    """Fri 20 Nov, 14:02:11."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b, %H:%M:%S}"


def whole(moment: datetime, zone: tzinfo) -> str:
    """Fri 20 Nov 2026, 14:02:11 KST."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def day_heading(day: date, today: date) -> str:
    """Today, Fri 20 Nov; the year only when it is another."""
    name = f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")
    nearness = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}
    return nearness.get(day, "") + name


def zone_name(zone: ZoneInfo, now: datetime) -> str:
    """Asia/Seoul, UTC+9."""
    return "UTC" if zone.key == "UTC" else f"{zone.key}, {zone_offset(zone, now)}"


def zone_offset(zone: ZoneInfo, now: datetime) -> str:
    """UTC+9, UTC+5:30, or UTC alone."""
    offset = now.astimezone(zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / MINUTE_SECONDS)
    hours, rest = divmod(abs(minutes), MINUTE_SECONDS)
    if not minutes:
        return "UTC"
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def ago(moment: datetime, now: datetime) -> str:
    """4 s ago, 9 min ago, 3 h ago, 12 days ago."""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "day"), (HOUR_SECONDS, "h"), (MINUTE_SECONDS, "min")):
        count = seconds // size
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{seconds} s ago"
