"""The channels of an Asterisk's conversation: the caller's, and those that it was put through to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdr.assembly.asterisk_told import HANGUP_EXTENSION, HANGUP_PLACES, Told
from cdr.assembly.values import LegFacts, OfferFacts, VisitFacts
from switch import events as ev
from switch.asterisk.causes import cause_of
from switch.asterisk.ids import created_at
from switch.networks import NetworkRules, asterisk_network_of

PEER = re.compile(r"\A[^/]*/(.*?)(?:-[^-]*)?\Z", re.DOTALL)


def caller_leg(told: Told, rules: NetworkRules) -> LegFacts:
    """The caller's channel."""
    rows, reports, first = told.own_rows, told.own_reports, told.own_rows[:1]
    leg = LegFacts(told.root_id, direction="inbound")
    leg.created = created_at(leg.uuid) or min((row.started for row in rows), default=0) or _earliest(told)
    leg.channel_name = _first([*(row.channel for row in first), *(report.channel for report in reports)])
    leg.context = _first([*(row.context for row in first), *(report.context for report in reports)])
    leg.profile = peer_of(leg.channel_name)
    leg.caller_number = _first(
        [told.variable("CALLERID(num)"), *(row.caller_number for row in first)]
        + [report.caller_number for report in reports]
        + [line.fields[1] for line in told.lines if line.verb == "ENTERQUEUE" and len(line.fields) > 1]
    )
    leg.caller_name = _first([told.variable("CALLERID(name)"), *(row.caller_name for row in first)])
    leg.first_caller_number, leg.first_caller_name = leg.caller_number, leg.caller_name
    leg.destination = _destination(told)
    leg.final_destination = rows[-1].destination if rows else leg.destination
    leg.answered = min((row.answered for row in rows if row.answered), default=0) or _hinted_answer(told)
    leg.ended = told.ended
    leg.duration = rows[0].duration if len(rows) == 1 else _whole_span(leg.created, leg.ended)
    leg.billsec = sum(row.billsec for row in rows) if rows else _whole_span(leg.answered, leg.ended)
    leg.cause = cause_of(told.variable("HANGUPCAUSE"), rows[-1].disposition if rows else "")
    code = _first([*(row.account_code for row in first), *(report.account_code for report in reports)])
    leg.variables = {"accountcode": code} if code else {}
    leg.network = asterisk_network_of(leg.profile, leg.context, leg.direction, rules)
    return leg


def _whole_span(begin: int, end: int) -> int | None:
    if not end:
        return None
    return (end - begin) // ev.MICROSECONDS if begin else 0


def _first(texts: Sequence[str]) -> str:
    return next((text for text in texts if text), "")


def _earliest(told: Told) -> int:
    return min(event.at for event in [*told.reports, *told.rows, *told.lines])


def peer_of(channel: str) -> str:
    """``PJSIP/trunk-0000001a`` is a channel of the peer ``trunk``."""
    found = PEER.match(channel)
    return found[1] if found else ""


def _destination(told: Told) -> str:
    """What was dialled; in ``h`` only a variable that the dialplan set before can tell."""
    stated = told.variable("DNID")
    rows = [row.destination for row in told.own_rows if row.destination != HANGUP_EXTENSION]
    asked = [told.variable("CDR(dst)"), *(report.extension for report in told.own_reports)]
    return _first([stated, *rows, *(each for each in asked if each not in HANGUP_PLACES)])


def _hinted_answer(told: Told) -> int:
    """When the far end answered, from how long it was talked to until the hangup."""
    talk = told.longest("ANSWEREDTIME")
    return told.ended - talk if talk and told.ended else 0


def other_legs(told: Told, root: LegFacts, visits: list[VisitFacts], rules: NetworkRules) -> list[LegFacts]:
    """The channels that the first one was put through to, and those with rows of their own."""
    legs = [_rung_leg(row, visits) for row in told.own_rows if row.other_channel]
    legs += [_agent_leg(offer, visit) for visit in visits for offer in visit.offers if offer.agent_leg]
    if not told.own_rows:
        legs += _hinted_leg(told)
    legs += [_linked_leg(row) for row in told.rows if row.unique_id != root.uuid]
    distinct: dict[str, LegFacts] = {}
    for leg in legs:
        known = distinct.setdefault(leg.uuid, leg)
        if known is not leg:
            known.channel_name = known.channel_name or leg.channel_name
            known.destination = known.destination or leg.destination
    names = {leg.channel_name for leg in distinct.values() if leg.uuid.startswith(f"{root.uuid};")}
    found = [leg for leg in distinct.values() if leg.direction == "outbound" or leg.channel_name not in names]
    for leg in found:
        leg.originator = leg.other_leg = root.uuid
        leg.profile = peer_of(leg.channel_name)
        leg.network = asterisk_network_of(leg.profile, leg.context, leg.direction, rules)
    return found


def _rung_leg(row: ev.AsteriskCdr, visits: list[VisitFacts]) -> LegFacts:
    answered = row.disposition == "ANSWERED"
    offer = _offer_during(row, visits) if answered and row.application == "Queue" else None
    name = offer.agent_leg if offer and offer.agent_leg else f"{row.unique_id};{row.other_channel}"
    leg = LegFacts(name, direction="outbound", channel_name=row.other_channel, created=row.started)
    leg.caller_number, leg.caller_name = row.caller_number, row.caller_name
    leg.destination = leg.callee_number = _rung_number(row)
    if offer:
        leg.created, leg.answered, leg.ended = offer.offered, offer.answered, offer.ended or row.at
    else:
        leg.answered, leg.ended = row.answered if answered else 0, row.at
        leg.billsec, leg.duration = row.billsec, row.duration
    leg.bridged = leg.answered
    leg.cause = cause_of("", row.disposition)
    return leg


def _rung_number(row: ev.AsteriskCdr) -> str:
    """The last part of ``PJSIP/trunk/5551234,20,tT``; of several phones, the one of this channel."""
    if row.application != "Dial":
        return peer_of(row.other_channel)
    targets = row.application_data.split(",")[0].split("&")
    peer = peer_of(row.other_channel)
    target = next((each for each in targets if len(targets) == 1 or f"/{peer}" in each), targets[0])
    return target.rsplit("/", 1)[-1].partition("@")[0]


def _offer_during(row: ev.AsteriskCdr, visits: list[VisitFacts]) -> OfferFacts | None:
    offers = [offer for visit in visits for offer in visit.offers if offer.outcome == "answered"]
    near = [offer for offer in offers if row.started <= offer.answered <= row.at + ev.MICROSECONDS]
    return near[-1] if near else None


def _agent_leg(offer: OfferFacts, visit: VisitFacts) -> LegFacts:
    leg = LegFacts(offer.agent_leg, direction="outbound", created=offer.offered, answered=offer.answered)
    leg.bridged, leg.ended = offer.answered, offer.ended
    leg.caller_number = visit.caller_number
    return leg


def _hinted_leg(told: Told) -> list[LegFacts]:
    """Whom the last Dial reached, as far as FastAGI knows."""
    name = told.variable("DIALEDPEERNAME")
    if not name:
        return []
    leg = LegFacts(f"{told.root_id};{name}", direction="outbound", channel_name=name)
    leg.answered = leg.bridged = _hinted_answer(told)
    leg.ended = told.ended
    dialed = told.longest("DIALEDTIME")
    leg.created = told.ended - dialed if dialed and told.ended else created_at(told.root_id)
    leg.destination = leg.callee_number = told.variable("DIALEDPEERNUMBER").rsplit("/", 1)[-1]
    leg.cause = "NORMAL_CLEARING" if leg.answered else ""
    return [leg]


def _linked_leg(row: ev.AsteriskCdr) -> LegFacts:
    leg = LegFacts(row.unique_id, direction="inbound", channel_name=row.channel)
    leg.created, leg.answered, leg.ended = row.started, row.answered, row.at
    leg.caller_number, leg.caller_name = row.caller_number, row.caller_name
    leg.first_caller_number, leg.first_caller_name = leg.caller_number, leg.caller_name
    leg.destination = leg.final_destination = row.destination
    leg.billsec, leg.duration, leg.context = row.billsec, row.duration, row.context
    leg.cause = cause_of("", row.disposition)
    return leg
