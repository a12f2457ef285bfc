"""With whom the one who began a conversation talked, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from ccportal.portal.rows import Names
from ccportal.portal.timeline import Evidence, leg_name, other_legs


@dataclass(frozen=True)
class Stretch:
    """``rang`` is when they were called, ``start`` when they talked with the caller."""

    whom: str
    rang: datetime
    start: datetime
    end: datetime
    agent: str = ""


def stretches_of(evidence: Evidence, names: Names) -> list[Stretch]:
    """Whoever is asked while another talks with the caller comes after that, or not at all."""
    found: list[Stretch] = []
    for stretch in sorted(answered(evidence, names), key=lambda each: each.start):
        reached = max([stretch.start, *(each.end for each in found)])
        if not found or reached < stretch.end:
            found.append(replace(stretch, start=reached))
    return found


def answered(evidence: Evidence, names: Names) -> Iterator[Stretch]:
    for offer in evidence.offers:
        if offer.answered_at:
            whom, end = names.agent(offer.agent_name), offer.ended_at or evidence.end
            yield Stretch(whom, offer.offered_at, offer.answered_at, end, offer.agent_name)
    for leg in other_legs(evidence):
        if leg.answered_at and leg.direction == "outbound":
            end = leg.ended_at or evidence.end
            yield Stretch(leg_name(leg, names), leg.created_at, leg.answered_at, end)


def transfers_of(evidence: Evidence, names: Names) -> list[tuple[Stretch, Stretch]]:
    """From whom to whom the caller was passed on; who waits in a queue between them was not."""
    joined = [visit.joined_at for visit in evidence.visits]
    return [
        (one, other)
        for one, other in pairwise(stretches_of(evidence, names))
        if one.whom != other.whom and not any(one.start < moment <= other.start for moment in joined)
    ]
