"""A conversation drawn on one clock that begins with its first leg: rows of spans, and the same as a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ccportal.portal.clock import between, duration
from ccportal.portal.rows import Names, other_party
from ccportal.portal.wording import cause_word, on_one_line
from cdr.models import AgentOffer, Call, Leg, OfferOutcome, QueueVisit

SHORTEST_MENU_MS = 1500
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
TICKS_AT_MOST = 9
WIDE_PIXELS_A_PERCENT = 5.0
NARROW_PIXELS_A_PERCENT = 3.2
PIXELS_A_LETTER = 6.2
LABEL_MARGIN_PIXELS = 12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOLD_EVENT = re.compile(r"\{(\d{1,17}),(\d{1,17})\}")


@dataclass(frozen=True)
class Span:
    """Part of a row, in percent of the whole; ``kind`` says how it is drawn."""

    kind: str
    left: float
    width: float
    label: str = ""
    told: str = ""

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
            yield Tick(f"{x:.3f}%", duration(index * step * 1000), bool(index % 2))


@dataclass
class Timeline:
    scale: Scale
    rows: list[TimelineRow] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)

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


def draw(evidence: Evidence, names: Names) -> Timeline:
    """Draw the caller's row, one per agent that was offered the call, one per other leg."""
    call = evidence.call
    timeline = Timeline(Scale(call.started_at, evidence.length_ms))
    timeline.rows.append(first_row(evidence, names, timeline.scale))
    timeline.rows += agent_rows(evidence, names, timeline.scale)
    timeline.rows += other_rows(evidence, names, timeline.scale)
    timeline.tell(happenings(evidence, names, timeline.scale))
    return timeline


def first_row(evidence: Evidence, names: Names, scale: Scale) -> TimelineRow:
    """The one who began it: ringing or a menu, waiting, talking, on hold."""
    call, end = evidence.call, evidence.end
    spans: list[Span] = []
    reached = call.started_at
    for visit in evidence.visits:
        spans += before_queue(call, reached, visit, scale)
        waited_until = visit.answered_at or visit.left_at or end
        words = f"waiting in {names.queue(visit.queue_name)} to {scale.at(waited_until)}"
        spans.append(scale.span("wait", visit.joined_at, waited_until, "Waiting", words))
        reached = max(reached, waited_until)
    talks = talk_stretches(evidence, names)
    if not evidence.visits:
        ringing_until = call.answered_at or (talks[0][0] if talks else end)
        spans.append(
            scale.span(
                "offer", call.started_at, ringing_until, "Ringing", f"rang to {scale.at(ringing_until)}"
            )
        )
        if call.answered_at and not talks:
            talks = [(call.answered_at, end, "")]
    for start, until, whom in talks:
        words = f"talking{' with ' + whom if whom else ''} from {scale.at(start)} to {scale.at(until)}"
        spans.append(scale.span("talk", start, until, f"With {whom}" if whom else "Talking", words))
    spans += hold_spans(evidence.legs, scale)
    party = other_party(call, names) if call.direction != "outbound" else None
    name = (
        party.shown
        if party
        else (str(call.user) if call.user else names.phone(call.caller_number) or "Caller")
    )
    return TimelineRow(name, spans, is_caller=True)


def before_queue(call: Call, since: datetime, visit: QueueVisit, scale: Scale) -> list[Span]:
    """A menu or announcement, when there was time for one."""
    if (between(since, visit.joined_at) or 0) < SHORTEST_MENU_MS:
        return []
    return [scale.span("ivr", since, visit.joined_at, "Menu", f"menu to {scale.at(visit.joined_at)}")]


def talk_stretches(evidence: Evidence, names: Names) -> list[tuple[datetime, datetime, str]]:
    """From when to when the first party talked, and with whom."""
    stretches = [
        (offer.answered_at, offer.ended_at or evidence.end, names.agent(offer.agent_name))
        for offer in evidence.offers
        if offer.answered_at
    ]
    stretches += [
        (leg.answered_at, leg.ended_at or evidence.end, leg_name(leg, names))
        for leg in other_legs(evidence)
        if leg.answered_at and leg.direction == "outbound"
    ]
    return sorted(stretches, key=lambda stretch: stretch[0])


def agent_rows(evidence: Evidence, names: Names, scale: Scale) -> Iterator[TimelineRow]:
    """One row per agent, in the order they were first offered the call."""
    by_agent: dict[str, list[Span]] = {}
    for offer in evidence.offers:
        by_agent.setdefault(offer.agent_name, []).extend(offer_spans(offer, evidence, scale))
    for name, spans in by_agent.items():
        yield TimelineRow(names.agent(name), spans)


def offer_spans(offer: AgentOffer, evidence: Evidence, scale: Scale) -> list[Span]:
    ended = offer.ended_at or evidence.end
    if offer.answered_at is None:
        is_over = offer.outcome == OfferOutcome.FAILED
        return [unanswered_span(offer.offered_at, ended, offer.hangup_cause if is_over else "", scale)]
    legs = [leg for leg in evidence.legs if leg.uuid == offer.agent_leg_uuid]
    return [*answered_spans(offer.offered_at, offer.answered_at, ended, scale), *hold_spans(legs, scale)]


def leg_spans(leg: Leg, evidence: Evidence, scale: Scale) -> list[Span]:
    ended = leg.ended_at or evidence.end
    if leg.answered_at is None:
        return [unanswered_span(leg.created_at, ended, leg.hangup_cause if leg.ended_at else "", scale)]
    return [*answered_spans(leg.created_at, leg.answered_at, ended, scale), *hold_spans([leg], scale)]


def unanswered_span(start: datetime, end: datetime, cause: str, scale: Scale) -> Span:
    """Someone who was rung and did not answer; without a cause it rings still."""
    rang = duration(between(start, end))
    if not cause:
        return scale.span("offer", start, end, "Ringing", f"rings since {scale.at(start)}")
    words = f"{cause_word(cause)}, {rang}"
    return scale.span("missed", start, end, words, f"rang from {scale.at(start)}, {words}")


def answered_spans(start: datetime, answered: datetime, end: datetime, scale: Scale) -> list[Span]:
    rang = f"rang from {scale.at(start)} for {duration(between(start, answered))}"
    talked = f"talked from {scale.at(answered)} to {scale.at(end)}"
    return [
        scale.span("offer", start, answered, "", rang),
        scale.span("talk", answered, end, f"Talk {duration(between(answered, end))}", talked),
    ]


def other_legs(evidence: Evidence) -> list[Leg]:
    """Legs that are neither the first nor an agent's."""
    drawn = {offer.agent_leg_uuid for offer in evidence.offers} | {evidence.call.leg_uuid}
    return [leg for leg in evidence.legs if leg.uuid not in drawn]


def other_rows(evidence: Evidence, names: Names, scale: Scale) -> Iterator[TimelineRow]:
    for leg in other_legs(evidence):
        yield TimelineRow(leg_name(leg, names), leg_spans(leg, evidence, scale))


def leg_name(leg: Leg, names: Names) -> str:
    """The far end of a leg: who was called on one of ours, who called on one from outside."""
    if leg.direction == "outbound":
        number = leg.destination_number or leg.callee_number
        return (
            on_one_line(leg.callee_name)
            or (str(leg.user) if leg.user else "")
            or names.phone(on_one_line(number))
        )
    return on_one_line(leg.caller_name) or names.phone(on_one_line(leg.caller_number)) or "Leg"


def hold_spans(legs: Iterable[Leg], scale: Scale) -> list[Span]:
    return [
        scale.span(
            "hold", start, end, "", f"on hold from {scale.at(start)} for {duration(between(start, end))}"
        )
        for leg in legs
        for start, end in holds_of(leg)
    ]


def holds_of(leg: Leg) -> list[tuple[datetime, datetime]]:
    """Spans on hold, from the leg's ``hold_events``: ``{{start,end},{start,end}}`` in epoch microseconds."""
    text = str(leg.variables.get("hold_events", ""))
    spans = [
        (EPOCH + timedelta(microseconds=int(a)), EPOCH + timedelta(microseconds=int(b)))
        for a, b in HOLD_EVENT.findall(text)
    ]
    return [(start, end) for start, end in spans if leg.created_at <= start < end]


def happenings(evidence: Evidence, names: Names, scale: Scale) -> Iterator[Happening]:
    """What happened, one sentence each."""
    call = evidence.call
    yield Happening(
        0, f"{other_party(call, names).shown} {'is called' if call.direction == 'outbound' else 'calls'}"
    )
    for visit in evidence.visits:
        yield Happening(scale.offset(visit.joined_at), f"Waits in {names.queue(visit.queue_name)}")
    for offer in evidence.offers:
        yield from offer_happenings(offer, names, scale)
    for leg in other_legs(evidence):
        yield from leg_happenings(leg, names, scale)
    for leg in evidence.legs:
        for start, end in holds_of(leg):
            yield Happening(scale.offset(start), f"On hold for {duration(between(start, end))}")
    if call.ended_at:
        yield Happening(
            scale.offset(call.ended_at), f"Over: {cause_word(call.hangup_cause).lower() or 'ended'}"
        )


def offer_happenings(offer: AgentOffer, names: Names, scale: Scale) -> Iterator[Happening]:
    agent = names.agent(offer.agent_name)
    yield Happening(scale.offset(offer.offered_at), f"{agent} rings")
    if offer.answered_at:
        yield Happening(scale.offset(offer.answered_at), f"{agent} answers")
    elif offer.ended_at:
        yield Happening(
            scale.offset(offer.ended_at), f"{agent} did not take it: {cause_word(offer.hangup_cause).lower()}"
        )


def leg_happenings(leg: Leg, names: Names, scale: Scale) -> Iterator[Happening]:
    who = leg_name(leg, names)
    yield Happening(
        scale.offset(leg.created_at), f"{who} {'rings' if leg.direction == 'outbound' else 'calls'}"
    )
    if leg.answered_at:
        yield Happening(scale.offset(leg.answered_at), f"{who} answers")
    elif leg.ended_at:
        yield Happening(
            scale.offset(leg.ended_at), f"{who} did not answer: {cause_word(leg.hangup_cause).lower()}"
        )
