"""A conversation in one line: where it came from, what became of it."""

from __future__ import annotations

from cdr.assembly.values import CallFacts, LegFacts, VisitFacts
from cdr.directions import direction_of, first_leg, reached_leg

QUEUE_OUTCOMES = {
    "BREAK_OUT": "abandoned",
    "TIMEOUT": "timed_out",
    "NO_AGENT_TIMEOUT": "no_agent",
    "EXIT_WITH_KEY": "exited",
}
CAUSE_OUTCOMES = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "no_answer",
    "ORIGINATOR_CANCEL": "cancelled",
    "LOSE_RACE": "cancelled",
}


def assemble_call(legs: dict[str, LegFacts], visits: list[VisitFacts]) -> CallFacts | None:
    if not legs:
        return None
    root = first_leg(legs)
    reached = reached_leg(root, legs)
    shown = shown_of(visits)
    offer = shown.answer if shown else None
    answering = legs.get(offer.agent_leg) if offer else _answering(root, reached, legs)
    hold = sum(leg.hold for leg in legs.values())
    running = any(not leg.ended for leg in legs.values())
    return CallFacts(
        root=root,
        answering=answering,
        direction=direction_of(root, reached, queued=bool(visits)),
        outcome="in_progress" if running else _outcome(root, answering, legs, visits),
        started=root.created,
        answered=root.answered,
        ended=0 if running else max(leg.ended for leg in legs.values()),
        queue=shown.queue if shown else "",
        agent=offer.agent if offer else "",
        wait=wait_of(visits, shown) if shown else None,
        talk=max(_talk(root, legs) - hold, 0),
        hold=hold,
    )


def _answering(root: LegFacts, reached: LegFacts | None, legs: dict[str, LegFacts]) -> LegFacts | None:
    """The far end that was rung, unless somebody else called in and took the call over."""
    if reached is not None and not reached.answered:
        takers = [
            leg for leg in legs.values() if leg is not root and leg.direction == "inbound" and leg.bridged
        ]
        return min(takers, key=lambda leg: (leg.bridged, leg.uuid), default=reached)
    return reached


def shown_of(visits: list[VisitFacts]) -> VisitFacts | None:
    """The visit that an agent ended, else the last one."""
    return next((visit for visit in visits if visit.answer), visits[-1] if visits else None)


def wait_of(visits: list[VisitFacts], shown: VisitFacts) -> int | None:
    """All the waiting up to that visit's end."""
    total = 0
    for visit in visits[: visits.index(shown) + 1]:
        until = visit.answer.answered if visit.answer else visit.left
        if not until:
            return None
        total += max(until - visit.joined, 0)
    return total


def _outcome(
    root: LegFacts, answering: LegFacts | None, legs: dict[str, LegFacts], visits: list[VisitFacts]
) -> str:
    if any(visit.answer for visit in visits) or (answering is not None and answering.answered):
        return "answered"
    others = [leg for leg in legs.values() if leg is not root and leg.direction == "outbound"]
    if any(leg.answered and not leg.is_loopback for leg in others):
        return "answered"
    if visits:
        return QUEUE_OUTCOMES.get(visits[-1].cancel_reason, "abandoned")
    if root.answered and answering is None:
        return "answered"
    return CAUSE_OUTCOMES.get(root.cause, "failed" if answering is None or not root.answered else "no_answer")


def _talk(root: LegFacts, legs: dict[str, LegFacts]) -> int:
    """How long somebody was on the other end, each moment once.

    A leg that was rung counts from its answer; one that called in to take the call over, from its bridge.
    """
    others = [leg for leg in legs.values() if leg is not root and leg.ended and not leg.is_loopback]
    begins = [(leg.answered if leg.direction == "outbound" else leg.bridged, leg.ended) for leg in others]
    spans = sorted((begin, end) for begin, end in begins if begin)
    total, reach = 0, 0
    for begin, end in spans:
        total += max(end - max(begin, reach), 0)
        reach = max(reach, end)
    return total
