"""A call's passages through queues, and who was offered it, in words."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from ccportal.portal.clock import between, clock_time_seconds, duration
from ccportal.portal.rows import Names
from ccportal.portal.timeline import Evidence
from ccportal.portal.wording import cause_word, offer_state
from cdr.models import AgentOffer, QueueVisit


def visit_of(visit: QueueVisit, evidence: Evidence, names: Names, zone: ZoneInfo) -> dict[str, Any]:
    offers = [offer for offer in evidence.offers if offer.visit_id == visit.pk]
    return {
        "queue": names.queue(visit.queue_name),
        "joined": clock_time_seconds(visit.joined_at, zone),
        "wait": duration(visit.wait_ms),
        "end": visit_end(visit),
        "resumed": visit.resumed,
        "offers": [offer_of(offer, names, zone) for offer in offers],
    }


def offer_of(offer: AgentOffer, names: Names, zone: ZoneInfo) -> dict[str, Any]:
    rang = (
        between(offer.offered_at, offer.answered_at or offer.ended_at)
        if offer.ring_ms is None
        else offer.ring_ms
    )
    return {
        "agent": names.agent(offer.agent_name),
        "state": offer_state(offer.outcome, offer.hangup_cause),
        "offered": clock_time_seconds(offer.offered_at, zone),
        "rang": duration(rang),
        "talk": duration(offer.talk_ms),
    }


def visit_end(visit: QueueVisit) -> str:
    """How the queue's care ended, in words."""
    if visit.answered_at:
        return "Answered"
    if visit.left_at is None:
        return "Still waiting"
    words = {
        "BREAK_OUT": "Gave up",
        "TIMEOUT": "Timed out",
        "NO_AGENT_TIMEOUT": "No agent",
        "EXIT_WITH_KEY": "Left by a key",
    }
    return words.get(visit.cancel_reason, cause_word(visit.cancel_reason or visit.cause))
