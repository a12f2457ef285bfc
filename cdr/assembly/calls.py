"""A conversation in one line: where it came from, what became of it."""

from __future__ import annotations

from cdr.assembly.values import CallFacts, LegFacts, VisitFacts
from cdr.directions import direction_of, first_leg, reached_leg

QUEUE_OUTCOMES = {"BREAK_OUT": "abandoned", "TIMEOUT": "timed_out", "NO_AGENT_TIMEOUT": "no_agent"}
CAUSE_OUTCOMES = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "no_answer",
    "ORIGINATOR_CANCEL": "cancelled",
    "LOSE_RACE": "cancelled",
    "PICKED_OFF": "answered",
}


def assemble_call(legs: dict[str, LegFacts], visits: list[VisitFacts]) -> CallFacts | None:
    if not legs:
        return None
    root = first_leg(legs)
    reached = reached_leg(root, legs)
    offer = next((visit.answer for visit in visits if visit.answer), None)
    answering = legs.get(offer.agent_leg) if offer else reached
    hold = sum(leg.hold for leg in legs.values())
    running = any(not leg.ended for leg in legs.values())
    return CallFacts(
        root=root,
        answering=answering,
        direction=direction_of(root, reached, queued=bool(visits)),
        outcome="in_progress" if running else _outcome(root, reached, legs, visits),
        started=root.created,
        answered=root.answered,
        ended=0 if running else max(leg.ended for leg in legs.values()),
        queue=visits[0].queue if visits else "",
        agent=offer.agent if offer else "",
        wait=_wait(visits[0]) if visits else None,
        talk=max(_talk(root, legs) - hold, 0),
        hold=hold,
    )


def _wait(visit: VisitFacts) -> int | None:
    until = visit.answer.answered if visit.answer else visit.left
    return max(until - visit.joined, 0) if until else None


def _outcome(
    root: LegFacts, reached: LegFacts | None, legs: dict[str, LegFacts], visits: list[VisitFacts]
) -> str:
    if any(visit.answer for visit in visits):
        return "answered"
    others = [leg for leg in legs.values() if leg is not root and leg.direction == "outbound"]
    if any(leg.answered and not leg.is_loopback for leg in others):
        return "answered"
    if visits:
        return QUEUE_OUTCOMES.get(visits[-1].cancel_reason, "abandoned")
    if root.answered and reached is None:
        return "answered"
    return CAUSE_OUTCOMES.get(root.cause, "failed" if reached is None or not root.answered else "no_answer")


def _talk(root: LegFacts, legs: dict[str, LegFacts]) -> int:
    """How long somebody was on the other end: the answered times of the rung legs, each moment once."""
    spans = sorted(
        (leg.answered, leg.ended)
        for leg in legs.values()
        if leg is not root
        and leg.direction == "outbound"
        and leg.answered
        and leg.ended
        and not leg.is_loopback
    )
    total, reach = 0, 0
    for begin, end in spans:
        total += max(end - max(begin, reach), 0)
        reach = max(reach, end)
    return total
