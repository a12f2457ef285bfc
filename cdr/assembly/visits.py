"""The passages through queues and the offers to agents in them.

The switch's own stamps are whole seconds: an event's time is taken where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdr.assembly.handling import tell_handling
from cdr.assembly.reported import fill_from_report
from cdr.assembly.values import LegFacts, OfferFacts, VisitFacts
from switch import events as ev


def assemble_visits(events: Iterable[ev.Event], legs: dict[str, LegFacts]) -> list[VisitFacts]:
    """Read the queue events in the order they happened; visits come in the order they were joined."""
    visits: dict[tuple[str, str], VisitFacts] = {}
    reports: list[tuple[VisitFacts, ev.MemberEvent]] = []
    for event in events:
        if isinstance(event, ev.MemberEvent):
            visit = visits.setdefault((event.member, event.session), VisitFacts(event.member, event.session))
            if isinstance(event, (ev.PassageReported, ev.OfferReported)):
                reports.append((visit, event))
            _read(visit, event)
    for visit, report in reports:
        fill_from_report(visit, report)
    for visit in visits.values():
        _settle(visit, legs)
    tell_handling(visits.values(), legs)
    return sorted(visits.values(), key=lambda visit: (visit.joined, visit.member))


def _read(visit: VisitFacts, event: ev.MemberEvent) -> None:
    visit.queue = event.queue or visit.queue
    visit.caller_number = event.caller_number or visit.caller_number
    visit.caller_name = event.caller_name or visit.caller_name
    visit.joined_epoch = event.joined_epoch or visit.joined_epoch
    match event:
        case ev.QueueJoined():
            visit.joined = event.at
            visit.resumed = event.resumed
        case ev.QueueLeft():
            visit.left = event.at
            visit.left_epoch = event.left_epoch
            visit.cause = event.cause
            visit.cancel_reason = event.cancel_reason
            if event.agent_leg:
                _connect(visit, event.agent, event.agent_leg, event.called_epoch, event.answered_epoch, 0)
        case ev.AgentOffered():
            visit.offers.append(OfferFacts(event.agent, event.at))
        case ev.OfferFailed():
            offer = _open_offer(visit, event.agent, event.called_epoch or event.aborted_epoch, event.at)
            offer.outcome, offer.cause, offer.ended = "failed", event.cause, event.at
        case ev.AgentConnected():
            _connect(visit, event.agent, event.agent_leg, event.called_epoch, event.answered_epoch, event.at)
        case ev.AgentReleased():
            offer = _connect(visit, event.agent, event.agent_leg, event.called_epoch, event.answered_epoch, 0)
            offer.ended = event.at


def _open_offer(visit: VisitFacts, agent: str, called_epoch: int, at: int) -> OfferFacts:
    """The offer that this agent has not answered for yet, else one whose beginning nobody told us."""
    for offer in visit.offers:
        if offer.agent == agent and offer.outcome == "ringing":
            return offer
    offer = OfferFacts(agent, called_epoch * ev.MICROSECONDS or at)
    visit.offers.append(offer)
    return offer


def _connect(
    visit: VisitFacts, agent: str, agent_leg: str, called_epoch: int, answered_epoch: int, at: int
) -> OfferFacts:
    """The offer that this agent's leg answered; its own event knows the moment better than an epoch does."""
    offer = next((offer for offer in visit.offers if offer.agent_leg == agent_leg), None)
    if offer is None:
        offer = _open_offer(visit, agent, called_epoch, at or answered_epoch * ev.MICROSECONDS)
        offer.agent_leg = agent_leg
        offer.outcome = "answered"
    offer.answered = at or offer.answered or answered_epoch * ev.MICROSECONDS
    return offer


def _settle(visit: VisitFacts, legs: dict[str, LegFacts]) -> None:
    """Fill from the legs what the queue's own events left open."""
    visit.offers.sort(key=lambda offer: (offer.offered, offer.agent))
    visit.joined = visit.joined or visit.joined_epoch * ev.MICROSECONDS or _first_moment(visit, legs)
    _find_agent_legs(visit, legs)
    if not visit.left and visit.answer and visit.answer.agent_leg in legs:
        visit.left = legs[visit.answer.agent_leg].ended
        visit.left_epoch = visit.left_epoch or visit.left // ev.MICROSECONDS
    if not visit.left and not visit.answer and visit.session in legs:
        visit.left = legs[visit.session].ended
    for offer in visit.offers:
        leg = legs.get(offer.agent_leg)
        if offer.outcome == "ringing" and (visit.left or (leg and leg.ended)):
            offer.outcome, offer.cause = "failed", leg.cause if leg else ""
            offer.ended = (leg.ended if leg else 0) or visit.left
        elif offer.outcome == "answered" and not offer.ended:
            offer.ended = visit.left or (leg.ended if leg else 0)


def _first_moment(visit: VisitFacts, legs: dict[str, LegFacts]) -> int:
    if visit.offers:
        return visit.offers[0].offered
    session = legs.get(visit.session)
    return session.created if session else visit.left


def _find_agent_legs(visit: VisitFacts, legs: dict[str, LegFacts]) -> None:
    """Give each offer that named no leg the first one that was made for it."""
    taken = {offer.agent_leg for offer in visit.offers}
    made = sorted(
        (
            leg
            for leg in legs.values()
            if leg.is_agent and leg.variables.get("cc_member_uuid") == visit.member and leg.uuid not in taken
        ),
        key=lambda leg: (leg.created, leg.uuid),
    )
    for offer in visit.offers:
        if not offer.agent_leg:
            found = next(
                (leg for leg in made if leg.variables.get("cc_agent") == offer.agent and _fits(leg, offer)),
                None,
            )
            if found:
                offer.agent_leg = found.uuid
                made.remove(found)


def _fits(leg: LegFacts, offer: OfferFacts) -> bool:
    earliest = offer.offered - ev.MICROSECONDS
    return earliest <= leg.created and (not offer.ended or leg.created <= offer.ended)
