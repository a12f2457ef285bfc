"""Which agents had a call, from when to when, as the switch stamped it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cdr.models import AgentOffer, Leg, OfferOutcome


@dataclass(frozen=True)
class Turn:
    """One agent's time on the phone; ``ended`` is None while it lasts."""

    agent: str
    began: datetime
    ended: datetime | None


def turns_of(call_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Turn]]:
    """The turns of calls, in the order they were offered: from the later answer to the earlier end.

    Queue and agent's leg tell both. The queue looks at its agents ten times a second, so that its end comes
    late; its start is the bridge's.
    """
    offers = list(
        AgentOffer.objects.filter(
            call__in=call_ids, outcome=OfferOutcome.ANSWERED, answered_at__isnull=False
        ).order_by("offered_at", "pk")
    )
    uuids = {offer.agent_leg_uuid for offer in offers} - {""}
    legs = {(leg.switch_id, leg.uuid): leg for leg in Leg.objects.filter(uuid__in=uuids)} if uuids else {}
    found: dict[uuid.UUID, list[Turn]] = {}
    for offer in offers:
        leg = legs.get((offer.switch_id, offer.agent_leg_uuid))
        found.setdefault(offer.call_id, []).append(turn_of(offer, leg))
    return found


def turn_of(offer: AgentOffer, leg: Leg | None) -> Turn:
    answers = [at for at in (offer.answered_at, leg and leg.answered_at) if at]
    ends = [at for at in (offer.ended_at, leg and leg.ended_at) if at]
    return Turn(offer.agent_name.partition("@")[0], max(answers), min(ends, default=None))
