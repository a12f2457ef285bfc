"""From the events of one conversation to what it was: a pure function of the set of events.

Whatever order they came in, doubled or in pieces: the same set gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdr.assembly.asterisk import assemble_asterisk
from cdr.assembly.calls import assemble_call
from cdr.assembly.legs import assemble_legs
from cdr.assembly.takes import assemble_takes
from cdr.assembly.values import CallFacts, Conversation, LegFacts, OfferFacts, Take, VisitFacts
from cdr.assembly.visits import assemble_visits
from switch import events as ev
from switch.cdrs.report import REPORTED
from switch.networks import NetworkRules

__all__ = [
    "CallFacts",
    "Conversation",
    "LegFacts",
    "OfferFacts",
    "Take",
    "VisitFacts",
    "assemble",
]


def _moment(event: ev.Event) -> tuple[int, bool, str, int]:
    """In time; at one moment a CDR first, so that what the switch itself said then wins."""
    return (event.at, not event.core.startswith(REPORTED), event.core, event.sequence)


def assemble(events: Iterable[ev.Event], rules: NetworkRules) -> Conversation:
    """Assemble one conversation from all that is known of it; doubled events are counted once."""
    distinct = {event.identity: event for event in events}
    if any(isinstance(event, ev.AsteriskEvent) for event in distinct.values()):
        return assemble_asterisk(distinct.values(), rules)
    ordered = sorted(distinct.values(), key=_moment)
    legs = assemble_legs(ordered, rules)
    visits = assemble_visits(ordered, legs)
    return Conversation(
        legs=legs,
        visits=visits,
        takes=assemble_takes(ordered, visits),
        call=assemble_call(legs, visits),
        joined_legs=tuple(event.leg for event in ordered if isinstance(event, ev.ConferenceJoined)),
    )
