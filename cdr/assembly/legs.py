"""The legs of a conversation from their events."""

from __future__ import annotations

from collections.abc import Iterable

from cdr.assembly.values import LegFacts
from switch import events as ev
from switch.networks import NetworkRules, network_of

LOST = "LOST_TRACK"
RUNG = ("dialed_user", "dialed_domain")


def assemble_legs(events: Iterable[ev.Event], rules: NetworkRules) -> dict[str, LegFacts]:
    """Read the leg events in the order they happened; channels only spoken of have no leg."""
    legs: dict[str, LegFacts] = {}
    summaries: list[ev.LegSummarised] = []
    for event in events:
        if isinstance(event, ev.LegSummarised):
            summaries.append(event)
        elif isinstance(event, ev.LegEvent):
            channel = event.channel
            leg = legs.get(channel.uuid)
            if leg is None:
                leg = legs[channel.uuid] = LegFacts(channel.uuid, created=event.at)
            _read_channel(leg, channel)
            _read_event(leg, event)
    for summary in summaries:
        _read_summary(legs, summary)
    for leg in legs.values():
        leg.network = network_of(
            leg.channel_name, leg.direction, leg.profile, leg.context, leg.source, leg.variables, rules
        )
    return legs


def _read_channel(leg: LegFacts, channel: ev.Channel) -> None:
    if not leg.channel_name:
        leg.channel_name = channel.name
        leg.direction = channel.direction
        leg.destination = channel.destination
        leg.context = channel.context
        leg.source = channel.source
        leg.network_address = channel.network_address
        leg.first_caller_number = channel.caller_number
        leg.first_caller_name = channel.caller_name
    leg.created = channel.created or leg.created
    leg.ringing = channel.progress or channel.progress_media or leg.ringing
    leg.answered = channel.answered or leg.answered
    leg.bridged = leg.bridged or channel.bridged
    leg.caller_number = channel.caller_number or leg.caller_number
    leg.caller_name = channel.caller_name or leg.caller_name
    leg.callee_number = channel.callee_number or leg.callee_number
    leg.callee_name = channel.callee_name or leg.callee_name
    leg.final_destination = channel.destination or leg.final_destination
    leg.other_leg = channel.other_leg or leg.other_leg
    leg.read_codec = channel.read_codec or leg.read_codec
    leg.write_codec = channel.write_codec or leg.write_codec
    if channel.variables:
        leg.profile = channel.profile or leg.profile
        leg.variables |= _still_true(leg, channel)
        leg.originator = leg.originator or _originator(channel)


def _still_true(leg: LegFacts, channel: ev.Channel) -> dict[str, str]:
    """What a channel says of itself; whom a rung leg was to reach, it says truly only at first.

    A transfer that rings somebody else writes their name on the leg that was transferred.
    """
    known = bool(leg.variables) and leg.direction == "outbound"
    return {name: value for name, value in channel.variables.items() if not (known and name in RUNG)}


def _originator(channel: ev.Channel) -> str:
    named = channel.variables
    return named.get("originator") or named.get("originating_leg_uuid") or ""


def _read_event(leg: LegFacts, event: ev.LegEvent) -> None:
    match event:
        case ev.LegEnded():
            leg.ended = event.channel.hung_up or event.at
            leg.cause = event.cause
            leg.billsec = event.billsec
            leg.duration = event.duration
            leg.quality = event.quality
            _resume(leg, leg.ended)
        case ev.LegLost():
            leg.ended = leg.ended or event.at
            leg.cause = leg.cause or LOST
        case ev.LegAnswered():
            leg.answered = leg.answered or event.at
        case ev.LegHeld():
            leg.held_since = leg.held_since or event.at
        case ev.LegResumed():
            _resume(leg, event.at)


def _resume(leg: LegFacts, at: int) -> None:
    if leg.held_since:
        leg.holds.append((leg.held_since, max(at, leg.held_since)))
        leg.held_since = 0


def _read_summary(legs: dict[str, LegFacts], summary: ev.LegSummarised) -> None:
    """A line of a CDR file says something only of a leg whose end nobody told better."""
    channel = summary.channel
    leg = legs.setdefault(channel.uuid, LegFacts(channel.uuid, created=channel.created))
    if leg.ended:
        return
    known_begin, known_answer = leg.created, leg.answered
    _read_channel(leg, channel)
    leg.created, leg.answered = known_begin, known_answer or channel.answered
    leg.ended, leg.cause = channel.hung_up, summary.cause
    leg.billsec, leg.duration = summary.billsec, summary.duration
