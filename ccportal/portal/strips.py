"""A day as a strip: what an agent did from hour to hour, as blocks on one scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ccportal.portal.presence import BARS, IN_WORDS
from queues.presence import Presence, Span, total

FIRST_HOUR, LAST_HOUR = 8, 18
HOUR = timedelta(hours=1)
THIN, THICK = (6, 4), (3, 10)


@dataclass(frozen=True)
class Hours:
    """The stretch that strips show."""

    start: datetime
    end: datetime
    label: str
    ticks: Sequence[str]


@dataclass(frozen=True)
class Block:
    css: str
    x: str
    width: str
    y: int
    height: int


@dataclass(frozen=True)
class Strip:
    blocks: Sequence[Block]
    words: str


def hours_of(spans: Iterable[Sequence[Span]], day: datetime, until: datetime, zone: ZoneInfo) -> Hours:
    """From eight to six, or as much more as was worked; hours are counted, also on the day that has 25."""
    every = [span for some in spans for span in some]
    first = min([(span.start - day) // HOUR for span in every] + [FIRST_HOUR])
    last = max([-((day - span.end) // HOUR) for span in every] + [LAST_HOUR])
    start, end = day + first * HOUR, day + last * HOUR
    step = 2 if last - first > LAST_HOUR - FIRST_HOUR else 1
    ticks = [f"{(day + hour * HOUR).astimezone(zone):%H}" for hour in range(first, last + 1, step)]
    label = f"{start.astimezone(zone):%H} to {end.astimezone(zone):%H}"
    return Hours(start, end, label.replace("to 00", "to 24"), ticks)


def strip_of(spans: Sequence[Span], hours: Hours, zone: ZoneInfo) -> Strip:
    whole = hours.end - hours.start
    blocks = [
        Block(
            BARS[span.presence],
            f"{max(span.start - hours.start, timedelta()) / whole:.2%}",
            f"{max(span.length / whole, 0.001):.2%}",
            *(THICK if span.presence == Presence.CALL else THIN),
        )
        for span in spans
        if span.presence in BARS
    ]
    words = [
        f"{IN_WORDS[presence]} {hours_and_minutes(time)}"
        for presence in IN_WORDS
        if (time := total(spans, presence))
    ]
    return Strip(blocks, ", ".join(words) or "not logged in")


def hours_and_minutes(time: timedelta) -> str:
    hours, minutes = divmod(time // timedelta(minutes=1), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
