"""What a conversation was, as rows; ids follow from the switch's own, so equal facts give equal rows."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from accounts.models import Switch, digits_of
from accounts.routing import Route
from cdr.assembly import CallFacts, Conversation, LegFacts, OfferFacts, VisitFacts
from cdr.contributions import Offer, Visit
from cdr.models import AgentOffer, Call, Leg, QueueVisit
from database.bulk import Row, Table, as_json
from database.moments import moment
from switch.esl.wire import KEPT_VARIABLES

UNROUTED = Route()

CALLS = Table(
    Call,
    [
        "id",
        "account_id",
        "switch_id",
        "assigned",
        "leg_uuid",
        "started_at",
        "answered_at",
        "ended_at",
        "direction",
        "outcome",
        "hangup_cause",
        "caller_number",
        "caller_name",
        "caller_digits",
        "dialed_number",
        "dialed_digits",
        "callee_number",
        "callee_name",
        "callee_digits",
        "queue_name",
        "agent_name",
        "user_id",
        "device_id",
        "wait_ms",
        "talk_ms",
        "hold_ms",
        "duration_ms",
        "duration",
        "billsec",
        "leg_count",
        "recording_count",
    ],
)
LEGS = Table(
    Leg,
    [
        "id",
        "account_id",
        "switch_id",
        "call_id",
        "uuid",
        "direction",
        "channel_name",
        "network",
        "profile",
        "context",
        "gateway",
        "user_id",
        "device_id",
        "caller_number",
        "caller_name",
        "callee_number",
        "callee_name",
        "destination_number",
        "final_destination_number",
        "other_leg_uuid",
        "originator_uuid",
        "created_at",
        "ringing_at",
        "answered_at",
        "bridged_at",
        "ended_at",
        "hangup_cause",
        "sip_status",
        "duration_ms",
        "duration",
        "billsec",
        "hold_ms",
        "post_dial_delay_ms",
        "read_codec",
        "write_codec",
        "quality",
        "variables",
        "custom",
    ],
)
VISITS = Table(
    QueueVisit,
    [
        "id",
        "account_id",
        "switch_id",
        "call_id",
        "member_uuid",
        "session_uuid",
        "queue_name",
        "resumed",
        "caller_number",
        "caller_name",
        "destination_number",
        "agent_name",
        "agent_leg_uuid",
        "answered_number",
        "entered_system_at",
        "joined_at",
        "ring_at",
        "answered_at",
        "left_at",
        "joined_epoch",
        "left_epoch",
        "cause",
        "cancel_reason",
        "hangup_cause",
        "billsec",
        "wait_ms",
        "duration_ms",
    ],
)
OFFERS = Table(
    AgentOffer,
    [
        "id",
        "account_id",
        "switch_id",
        "call_id",
        "visit_id",
        "agent_name",
        "agent_leg_uuid",
        "outcome",
        "hangup_cause",
        "offered_at",
        "answered_at",
        "ended_at",
        "ring_ms",
        "talk_ms",
        "hold_ms",
        "wrap_up_ms",
        "transferred",
        "listed_at",
    ],
)


counted_of_visit = itemgetter(*map(VISITS.columns.index, Visit._fields))
counted_of_offer = itemgetter(*map(OFFERS.columns.index, Offer._fields))


@dataclass(slots=True)
class Rows:
    """The rows of a batch, a list a table; ``rests`` are the agents' wrap-ups in ms, by account and name."""

    calls: list[Row] = field(default_factory=list)
    legs: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)
    offers: list[Row] = field(default_factory=list)
    rests: Mapping[tuple[uuid.UUID, str], int] = field(default_factory=dict)

    def write_calls(self) -> None:
        """Calls first: whoever has a call's row has all of it."""
        CALLS.upsert(self.calls)

    def write_parts(self) -> None:
        LEGS.upsert(self.legs)
        VISITS.upsert(self.visits)
        OFFERS.upsert(self.offers)

    def counted_visits(self) -> list[Visit]:
        return [Visit._make(counted_of_visit(row)) for row in self.visits]

    def counted_offers(self) -> list[Offer]:
        return [Offer._make(counted_of_offer(row)) for row in self.offers]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a conversation is; ``assigned`` by an operator. ``custom`` are the variables it keeps."""

    account_id: uuid.UUID | None
    assigned: bool = False
    custom: Sequence[str] = ()


def span_ms(begin: int, end: int) -> int | None:
    return max(end - begin, 0) // 1000 if begin and end else None


def text(value: str, length: int = 255) -> str:
    return value[:length]


def add_rows(
    rows: Rows,
    switch: Switch,
    call_id: uuid.UUID,
    found: Conversation,
    owner: Owner,
    routes: Mapping[str, Route],
) -> None:
    """Append all rows of one conversation."""
    call = found.call
    if call is None:
        return
    shared = (owner.account_id, switch.pk)
    rows.calls.append(_call_row(call_id, shared, call, found, owner, routes))
    for leg in found.legs.values():
        rows.legs.append(_leg_row(switch, call_id, shared, leg, owner, routes.get(leg.uuid, UNROUTED)))
    answering: set[str] = set()
    for visit in found.visits:
        visit_id = uuid.uuid5(switch.pk, f"visit:{visit.member}:{visit.session}")
        rows.visits.append(_visit_row(visit_id, call_id, shared, visit, found.legs))
        counted: Counter[str] = Counter()
        for offer in visit.offers:
            counted[offer.agent] += 1
            offer_id = uuid.uuid5(visit_id, f"{counted[offer.agent]}:{offer.agent}")
            rest = rows.rests.get((owner.account_id, offer.agent), 0) if owner.account_id else 0
            is_listed = bool(offer.answered) and offer.agent not in answering
            listed = call.started if is_listed else 0
            rows.offers.append(_offer_row(offer_id, visit_id, call_id, shared, offer, rest, listed))
            answering |= {offer.agent} if is_listed else set()


def _call_row(
    call_id: uuid.UUID,
    shared: tuple[uuid.UUID | None, uuid.UUID],
    call: CallFacts,
    found: Conversation,
    owner: Owner,
    routes: Mapping[str, Route],
) -> Row:
    root, answering = call.root, call.answering
    route = _person(root, answering, routes)
    callee_number = _own_number(answering) if answering else ""
    callee_name = (answering.callee_name if answering else "") or root.callee_name
    return (
        call_id,
        *shared,
        owner.assigned,
        text(root.uuid),
        moment(call.started),
        moment(call.answered),
        moment(call.ended),
        call.direction,
        call.outcome,
        text(root.cause, 64),
        text(root.first_caller_number),
        text(root.first_caller_name),
        digits_of(root.first_caller_number),
        text(root.destination),
        digits_of(root.destination),
        text(callee_number),
        text(callee_name),
        digits_of(callee_number),
        text(call.queue),
        text(call.agent),
        route.user_id,
        route.device_id,
        call.wait // 1000 if call.wait is not None else None,
        call.talk // 1000,
        call.hold // 1000,
        span_ms(call.started, call.ended),
        root.duration,
        root.billsec,
        len(found.legs),
        len(found.takes),
    )


def _own_number(leg: LegFacts) -> str:
    return leg.first_caller_number if leg.direction == "inbound" else leg.destination


def _person(root: LegFacts, answering: LegFacts | None, routes: Mapping[str, Route]) -> Route:
    """The calling phone's owner, else the answering one's."""
    own = routes.get(root.uuid, UNROUTED)
    if own.user_id or own.device_id or answering is None:
        return own
    return routes.get(answering.uuid, UNROUTED)


def _leg_row(
    switch: Switch,
    call_id: uuid.UUID,
    shared: tuple[uuid.UUID | None, uuid.UUID],
    leg: LegFacts,
    owner: Owner,
    route: Route,
) -> Row:
    rung = leg.ringing or leg.answered
    return (
        leg_id(switch, leg.uuid),
        *shared,
        call_id,
        text(leg.uuid),
        text(leg.direction, 16),
        text(leg.channel_name),
        leg.network,
        text(leg.profile, 128),
        text(leg.context, 128),
        text(leg.variables.get("sip_gateway_name", ""), 128),
        route.user_id,
        route.device_id,
        text(leg.caller_number),
        text(leg.caller_name),
        text(leg.callee_number),
        text(leg.callee_name),
        text(leg.destination),
        text(leg.final_destination),
        text(leg.other_leg),
        text(leg.originator),
        moment(leg.created),
        moment(leg.ringing),
        moment(leg.answered),
        moment(leg.bridged),
        moment(leg.ended),
        text(leg.cause, 64),
        text(_sip_status(leg), 16),
        span_ms(leg.created, leg.ended),
        leg.duration,
        leg.billsec,
        leg.hold // 1000,
        span_ms(leg.created, rung) if leg.direction == "outbound" else None,
        text(leg.read_codec, 64),
        text(leg.write_codec, 64),
        as_json(leg.quality),
        as_json({name: leg.variables[name] for name in KEPT_VARIABLES if name in leg.variables}),
        as_json({name: leg.variables[name] for name in owner.custom if name in leg.variables}),
    )


def leg_id(switch: Switch, leg_uuid: str) -> uuid.UUID:
    return uuid.uuid5(switch.pk, f"leg:{leg_uuid}")


def _sip_status(leg: LegFacts) -> str:
    named = leg.variables
    return named.get("sip_term_status") or named.get("proto_specific_hangup_cause", "").removeprefix("sip:")


def _visit_row(
    visit_id: uuid.UUID,
    call_id: uuid.UUID,
    shared: tuple[uuid.UUID | None, uuid.UUID],
    visit: VisitFacts,
    legs: Mapping[str, LegFacts],
) -> Row:
    member = legs.get(visit.session)
    answer = visit.answer
    agent_leg = legs.get(answer.agent_leg) if answer else None
    until = answer.answered if answer else visit.left
    return (
        visit_id,
        *shared,
        call_id,
        text(visit.member),
        text(visit.session),
        text(visit.queue),
        visit.resumed,
        text(visit.caller_number),
        text(visit.caller_name),
        text(member.destination if member else ""),
        text(answer.agent if answer else ""),
        text(answer.agent_leg if answer else ""),
        text(agent_leg.destination if agent_leg else ""),
        moment(member.created) if member else None,
        moment(visit.joined),
        moment(visit.ring),
        moment(answer.answered) if answer else None,
        moment(visit.left),
        visit.joined_epoch or None,
        visit.left_epoch or None,
        text(visit.cause, 32),
        text(visit.cancel_reason, 32),
        text(member.cause if member else "", 64),
        member.billsec if member else None,
        span_ms(visit.joined, until),
        (span_ms(answer.answered, visit.left) or 0) if answer else 0,
    )


def _offer_row(
    offer_id: uuid.UUID,
    visit_id: uuid.UUID,
    call_id: uuid.UUID,
    shared: tuple[uuid.UUID | None, uuid.UUID],
    offer: OfferFacts,
    rest: int,
    listed: int,
) -> Row:
    rung_until = offer.answered or offer.ended
    return (
        offer_id,
        *shared,
        call_id,
        visit_id,
        text(offer.agent),
        text(offer.agent_leg),
        offer.outcome,
        text(offer.cause, 64),
        moment(offer.offered),
        moment(offer.answered),
        moment(offer.ended),
        span_ms(offer.offered, rung_until),
        span_ms(offer.answered, offer.ended),
        offer.hold // 1000,
        rest if offer.answered and offer.ended else 0,
        offer.transferred,
        moment(listed),
    )
