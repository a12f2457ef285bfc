"""A conversation on one clock that begins with its first leg: rows of spans, and what they are made from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ccportal.portal.clock import between, duration
from ccportal.portal.rows import Names, name_told
from ccportal.portal.wording import on_one_line
from cdr.models import AgentOffer, Call, Leg, QueueVisit

TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
TICKS_AT_MOST = 9
LAST_TICK = 96  # percent: words in the middle would stick out
WIDE_PIXELS_A_PERCENT = 5.0
NARROW_PIXELS_A_PERCENT = 3.2
PIXELS_A_LETTER = 6.2
LABEL_MARGIN_PIXELS = 12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOLD_EVENT = re.compile(r"\{(\d{1,17}),(\d{1,17})\}")


@dataclass(frozen=True)
class Span:
    """Part of a row, in percent of the whole; ``kind`` says how it is drawn, ``after`` stands behind it."""

    kind: str
    left: float
    width: float
    label: str = ""
    told: str = ""
    after: str = ""

    @property
    def x(self) -> str:
        return f"{self.left:.3f}%"

    @property
    def w(self) -> str:
        return f"{max(self.width, 0.35):.3f}%"

    @property
    def end(self) -> str:
        return f"{self.left + self.width:.3f}%"

    @property
    def is_roomy(self) -> bool:
        """Whether the label fits inside on a wide page."""
        return self.width * WIDE_PIXELS_A_PERCENT >= self.label_pixels

    @property
    def is_tight(self) -> bool:
        """Whether the label does not fit inside on a phone."""
        return self.width * NARROW_PIXELS_A_PERCENT < self.label_pixels

    @property
    def label_pixels(self) -> float:
        return len(self.label) * PIXELS_A_LETTER + LABEL_MARGIN_PIXELS

    @property
    def fits_after(self) -> bool:
        """Whether words find room to its right rather than to its left."""
        return self.left + self.width < 75

    @property
    def fits_before(self) -> bool:
        """Whether words find room to its left."""
        return self.left * WIDE_PIXELS_A_PERCENT >= self.label_pixels


@dataclass(frozen=True)
class TimelineRow:
    name: str
    spans: list[Span]
    is_caller: bool = False

    @property
    def told(self) -> str:
        return f"{self.name}: " + "; ".join(span.told for span in self.spans if span.told)


@dataclass(frozen=True)
class Happening:
    """One line of the list: when, since the call's first second, and what."""

    offset_ms: int
    what: str

    @property
    def at(self) -> str:
        return duration(self.offset_ms)


@dataclass(frozen=True)
class Tick:
    x: str
    label: str
    is_minor: bool
    is_last: bool


@dataclass
class Scale:
    """Moments to percent of the conversation."""

    start: datetime
    total_ms: int

    def percent(self, moment: datetime) -> float:
        offset = between(self.start, moment) or 0
        return min(100.0, max(0.0, 100 * offset / self.total_ms))

    def span(self, kind: str, start: datetime, end: datetime, label: str = "", told: str = "") -> Span:
        left = self.percent(start)
        return Span(kind, left, self.percent(end) - left, label, told)

    def offset(self, moment: datetime) -> int:
        return max(0, between(self.start, moment) or 0)

    def at(self, moment: datetime) -> str:
        return duration(self.offset(moment))

    def ticks(self) -> Iterator[Tick]:
        seconds = self.total_ms / 1000
        step = next((step for step in TICK_STEPS_S if seconds / step <= TICKS_AT_MOST), TICK_STEPS_S[-1])
        for index in range(int(seconds // step) + 1):
            x = 100 * index * step * 1000 / self.total_ms
            yield Tick(f"{x:.3f}%", duration(index * step * 1000), bool(index % 2), x > LAST_TICK)


@dataclass
class Timeline:
    scale: Scale
    rows: list[TimelineRow] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)

    def tell(self, more: Iterable[Happening]) -> None:
        """Add what else happened, where it belongs."""
        self.happenings = sorted([*self.happenings, *more], key=lambda item: item.offset_ms)

    @property
    def kinds(self) -> set[str]:
        """What is drawn at all, for the legend."""
        return {span.kind for row in self.rows for span in row.spans}

    @property
    def ticks(self) -> list[Tick]:
        return list(self.scale.ticks())


@dataclass(frozen=True)
class Evidence:
    """The rows a conversation is drawn from."""

    call: Call
    legs: list[Leg]
    visits: list[QueueVisit]
    offers: list[AgentOffer]
    now: datetime
    sound_until: datetime | None = None

    @property
    def first_leg(self) -> Leg | None:
        return next((leg for leg in self.legs if leg.uuid == self.call.leg_uuid), None)

    @property
    def end(self) -> datetime:
        """When the last of it was over; of a call that goes on, now."""
        known = [leg.ended_at for leg in self.legs if leg.ended_at] + [self.call.ended_at or self.now]
        return max(known)

    @property
    def length_ms(self) -> int:
        """How much is drawn: the conversation, and sound that sticks out at its end."""
        return max(1000, between(self.call.started_at, max(self.end, self.sound_until or self.end)) or 0)


def other_legs(evidence: Evidence) -> list[Leg]:
    """Legs that are neither the first nor an agent's: a switch gives one who calls and one who is called
    the same moment.
    """
    drawn = {offer.agent_leg_uuid for offer in evidence.offers} | {evidence.call.leg_uuid}
    others = [leg for leg in evidence.legs if leg.uuid not in drawn]
    return sorted(others, key=lambda leg: (leg.created_at, leg.direction == "outbound"))


def leg_name(leg: Leg, names: Names) -> str:
    """The far end of a leg: who was called on one of ours, who called on one from outside."""
    if leg.direction == "outbound":
        number = leg.destination_number or leg.callee_number
        return (
            name_told(leg.callee_name)
            or (str(leg.user) if leg.user else "")
            or names.phone(on_one_line(number))
        )
    return name_told(leg.caller_name) or names.phone(on_one_line(leg.caller_number)) or "Leg"


def holds_of(leg: Leg) -> list[tuple[datetime, datetime]]:
    """Spans on hold, from the leg's ``hold_events``: ``{{start,end},{start,end}}`` in epoch microseconds."""
    text = str(leg.variables.get("hold_events", ""))
    spans = [
        (EPOCH + timedelta(microseconds=int(a)), EPOCH + timedelta(microseconds=int(b)))
        for a, b in HOLD_EVENT.findall(text)
    ]
    return [(start, end) for start, end in spans if leg.created_at <= start < end]
