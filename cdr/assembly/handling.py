"""What an agent did with a caller: how long they were on hold, and whether they were passed on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from cdr.assembly.values import LegFacts, OfferFacts, VisitFacts
from switch import events as ev

TRANSFERS = frozenset({"BLIND_TRANSFER", "ATTENDED_TRANSFER"})
# A caller's channel ends a moment after the agent's, without having gone anywhere.
WENT_ON = ev.MICROSECONDS


def tell_handling(visits: Collection[VisitFacts], legs: Mapping[str, LegFacts]) -> None:
    """Fill in what only the legs tell of the offers that were answered and are over."""
    for visit in visits:
        for offer in visit.offers:
            if offer.outcome == "answered" and offer.ended:
                offer.hold = _held(offer, visit, legs)
                offer.transferred = _passed_on(offer, visit, visits, legs)


def _held(offer: OfferFacts, visit: VisitFacts, legs: Mapping[str, LegFacts]) -> int:
    """The time in which caller or agent held the other, each moment once."""
    both = (legs.get(visit.session), legs.get(offer.agent_leg))
    spans = sorted(span for leg in both if leg for span in leg.holds)
    total, reach = 0, offer.answered
    for begin, end in spans:
        total += max(min(end, offer.ended) - max(begin, reach), 0)
        reach = max(reach, end)
    return total


def _passed_on(
    offer: OfferFacts, visit: VisitFacts, visits: Iterable[VisitFacts], legs: Mapping[str, LegFacts]
) -> bool:
    """Whether the agent's phone asked for a transfer, or the caller went on to somebody else."""
    agent = legs.get(offer.agent_leg)
    if agent and agent.variables.get("endpoint_disposition") in TRANSFERS:
        return True
    caller = legs.get(visit.session)
    if caller is None or (caller.ended and caller.ended < offer.ended + WENT_ON):
        return False
    return any(begin >= offer.answered for begin in _goings_on(offer, visit, visits, legs))


def _goings_on(
    offer: OfferFacts, visit: VisitFacts, visits: Iterable[VisitFacts], legs: Mapping[str, LegFacts]
) -> Iterator[int]:
    """When the caller joined another queue, and when other legs that outlived the agent's part were made."""
    yield from (other.joined for other in visits if other is not visit and other.session == visit.session)
    for leg in legs.values():
        outlived = not leg.ended or leg.ended > offer.ended + WENT_ON
        if leg.uuid not in (offer.agent_leg, visit.session) and leg.direction == "outbound" and outlived:
            yield leg.created
