"""What CDR files know of queues, where the switch's own events did not reach us.

They have whole seconds, a caller's last passage only, and offers by the agents' legs.
"""

from __future__ import annotations

from cdr.assembly.values import OfferFacts, VisitFacts
from switch import events as ev


def fill_from_report(visit: VisitFacts, report: ev.MemberEvent) -> None:
    """Add what is not known from better sources; run after those were read, in the order of the reports."""
    match report:
        case ev.PassageReported():
            visit.joined = visit.joined or report.joined
            if not visit.left:
                visit.cause = visit.cause or report.cause
                visit.cancel_reason = visit.cancel_reason or report.cancel_reason
                visit.left_epoch = visit.left_epoch or report.left_epoch
                visit.left = report.left_epoch * ev.MICROSECONDS
            _fill_answer(visit, report)
        case ev.OfferReported():
            _fill_offer(visit, report)


def _fill_answer(visit: VisitFacts, report: ev.PassageReported) -> None:
    """Who answered, by the caller's own CDR: an agent's leg behind a loopback knows nothing of queues."""
    if not report.agent_leg or visit.answer:
        return
    offer = next((offer for offer in visit.offers if offer.agent == report.agent), None)
    if offer is None:
        offer = OfferFacts(report.agent, report.answered_epoch * ev.MICROSECONDS)
        visit.offers.append(offer)
    offer.agent_leg, offer.outcome, offer.cause = report.agent_leg, "answered", ""
    offer.answered, offer.ended = report.answered_epoch * ev.MICROSECONDS, 0


def _fill_offer(visit: VisitFacts, report: ev.OfferReported) -> None:
    offer = _offer_of(visit, report)
    offer.agent_leg = offer.agent_leg or report.agent_leg
    if offer.outcome != "ringing":
        return
    offer.outcome = "answered" if report.answered else "failed"
    offer.cause = "" if report.answered else report.cause
    offer.answered, offer.ended = report.answered, report.ended
    if report.answered and not visit.left:
        visit.cause, visit.left = "Terminated", report.ended
        visit.left_epoch = visit.left_epoch or report.ended // ev.MICROSECONDS


def _offer_of(visit: VisitFacts, report: ev.OfferReported) -> OfferFacts:
    """The offer that this leg was made for: its own, else one of this agent at that time."""
    for offer in visit.offers:
        if offer.agent_leg == report.agent_leg:
            return offer
    for offer in visit.offers:
        if offer.agent == report.agent and abs(offer.offered - report.at) <= ev.MICROSECONDS:
            return offer
    visit.offers.append(OfferFacts(report.agent, report.at))
    return visit.offers[-1]
