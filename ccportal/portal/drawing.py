"""Drawing a conversation: the caller's row, one per agent that was offered the call, one per other leg."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from ccportal.portal.clock import between, duration
from ccportal.portal.happenings import happenings
from ccportal.portal.rows import Names, other_party
from ccportal.portal.stretches import Stretch, stretches_of, transfers_of
from ccportal.portal.timeline import (
    WIDE_PIXELS_A_PERCENT,
    Evidence,
    Scale,
    Span,
    Timeline,
    TimelineRow,
    holds_of,
    leg_name,
    other_legs,
)
from ccportal.portal.wording import cause_word
from cdr.models import AgentOffer, Call, Leg, OfferOutcome, QueueVisit

SHORTEST_MENU_MS = 1500


def draw(evidence: Evidence, names: Names) -> Timeline:
    """Draw the caller's row, one per agent that was offered the call, one per other leg."""
    call = evidence.call
    timeline = Timeline(Scale(call.started_at, evidence.length_ms))
    timeline.rows.append(first_row(evidence, names, timeline.scale))
    timeline.rows += agent_rows(evidence, names, timeline.scale)
    timeline.rows += other_rows(evidence, names, timeline.scale)
    timeline.tell(happenings(evidence, names, timeline.scale))
    timeline.transfers = [
        f"{timeline.scale.percent(one.end):.3f}%" for one, _ in transfers_of(evidence, names)
    ]
    return timeline


def first_row(evidence: Evidence, names: Names, scale: Scale) -> TimelineRow:
    """The one who began it: ringing or a menu, waiting, talking, on hold."""
    talks = stretches_of(evidence, names)
    call = evidence.call
    spans = queue_spans(evidence, names, scale) if evidence.visits else [ringing(evidence, talks, scale)]
    if call.answered_at and not talks and not evidence.visits:
        talks = [Stretch("", call.answered_at, call.answered_at, evidence.end)]
    spans += passing_spans(evidence, names, scale)
    spans += [talk_span(talk, scale) for talk in talks]
    spans += hold_spans(evidence.legs, scale)
    return TimelineRow(beginner(call, names), spans, is_caller=True)


def beginner(call: Call, names: Names) -> str:
    """Who began the conversation."""
    if call.direction != "outbound":
        return other_party(call, names).shown
    return str(call.user) if call.user else names.phone(call.caller_number) or "Caller"


def queue_spans(evidence: Evidence, names: Names, scale: Scale) -> list[Span]:
    """Waiting in queues, and what was before it."""
    spans: list[Span] = []
    reached = evidence.call.started_at
    for visit in evidence.visits:
        spans += before_queue(reached, visit, scale)
        waited_until = visit.answered_at or visit.left_at or evidence.end
        words = f"waiting in {names.queue(visit.queue_name)} to {scale.at(waited_until)}"
        spans.append(scale.span("wait", visit.joined_at, waited_until, "Waiting", words))
        reached = max(reached, waited_until, visit.left_at or evidence.end)
    return spans


def ringing(evidence: Evidence, talks: list[Stretch], scale: Scale) -> Span:
    call = evidence.call
    until = call.answered_at or (talks[0].start if talks else evidence.end)
    return scale.span("offer", call.started_at, until, "Ringing", f"rang to {scale.at(until)}")


def passing_spans(evidence: Evidence, names: Names, scale: Scale) -> list[Span]:
    """The caller hears it ring while being passed on."""
    return [
        scale.span("offer", max(one.end, other.rang), other.start)
        for one, other in transfers_of(evidence, names)
        if max(one.end, other.rang) < other.start
    ]


def talk_span(talk: Stretch, scale: Scale) -> Span:
    words = f"talking{' with ' + talk.whom if talk.whom else ''}"
    words += f" from {scale.at(talk.start)} to {scale.at(talk.end)}"
    return scale.span("talk", talk.start, talk.end, f"With {talk.whom}" if talk.whom else "Talking", words)


def before_queue(since: datetime, visit: QueueVisit, scale: Scale) -> list[Span]:
    """A menu or announcement, when there was time for one."""
    if (between(since, visit.joined_at) or 0) < SHORTEST_MENU_MS:
        return []
    return [scale.span("ivr", since, visit.joined_at, "Menu", f"menu to {scale.at(visit.joined_at)}")]


def agent_rows(evidence: Evidence, names: Names, scale: Scale) -> Iterator[TimelineRow]:
    """One row per agent, in the order they were first offered the call."""
    by_agent: dict[str, list[Span]] = {}
    for offer in evidence.offers:
        by_agent.setdefault(offer.agent_name, []).extend(offer_spans(offer, evidence, scale))
    handed = {one.agent: other.whom for one, other in transfers_of(evidence, names) if one.agent}
    for name, spans in by_agent.items():
        yield TimelineRow(names.agent(name), uncrowded(told_transfer(spans, handed.get(name, ""))))


def told_transfer(spans: list[Span], whom: str) -> list[Span]:
    """Say behind the last talk to whom the caller was passed on."""
    talks = [index for index, span in enumerate(spans) if span.kind == "talk"]
    if whom and talks:
        spans[talks[-1]] = replace(spans[talks[-1]], after=f"Transferred to {whom}")
    return spans


def uncrowded(spans: list[Span]) -> list[Span]:
    """Leave words out that would stand behind a span, and over the next one."""
    begins = sorted(span.left for span in spans)
    return [
        replace(span, label="") if span.kind == "missed" and crowds(span, begins) else span for span in spans
    ]


def crowds(span: Span, begins: list[float]) -> bool:
    end = span.left + span.width
    room = next((left for left in begins if left > span.left), None)
    return room is not None and end + span.label_pixels / WIDE_PIXELS_A_PERCENT > room


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


def other_rows(evidence: Evidence, names: Names, scale: Scale) -> Iterator[TimelineRow]:
    lines = Counter(names.agent(offer) for offer in {offer.agent_name for offer in evidence.offers})
    for leg in other_legs(evidence):
        name = leg_name(leg, names)
        lines[name] += 1
        line = f", line {lines[name]}" if lines[name] > 1 else ""
        yield TimelineRow(name + line, leg_spans(leg, evidence, scale))


def hold_spans(legs: Iterable[Leg], scale: Scale) -> list[Span]:
    return [
        scale.span(
            "hold", start, end, "", f"on hold from {scale.at(start)} for {duration(between(start, end))}"
        )
        for leg in legs
        for start, end in holds_of(leg)
    ]
