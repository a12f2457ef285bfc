"""What happened in a conversation, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from ccportal.portal.clock import between, duration
from ccportal.portal.rows import Names, other_party
from ccportal.portal.stretches import transfers_of
from ccportal.portal.timeline import Evidence, Happening, Scale, holds_of, leg_name, other_legs
from ccportal.portal.wording import cause_word, on_one_line
from cdr.models import AgentOffer, Leg


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
    for one, other in transfers_of(evidence, names):
        yield Happening(scale.offset(one.end), f"{one.whom} transfers the call to {other.whom}")
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
    called = names.phone(on_one_line(leg.destination_number))
    begins = f"{who} rings" if leg.direction == "outbound" else f"{who} calls {called}".rstrip()
    yield Happening(scale.offset(leg.created_at), begins)
    if leg.answered_at and leg.direction == "outbound":
        yield Happening(scale.offset(leg.answered_at), f"{who} answers")
    elif leg.ended_at and not leg.answered_at:
        yield Happening(
            scale.offset(leg.ended_at), f"{who} did not answer: {cause_word(leg.hangup_cause).lower()}"
        )
