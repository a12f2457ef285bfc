"""From a batch of events to calls, legs, queue visits and offers: any order, any number of times, same rows.

1. Events that name a leg in common make a group; it joins the conversations that already know its legs.
2. What is kept of those is read, new events are added, and each conversation is assembled anew.
3. What their rows add to the figures is taken out before they are rewritten, and put in as they are written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import Account, Switch
from accounts.routing import LegFacts as RoutedLeg
from accounts.routing import Route, Router
from cdr import evidence
from cdr.assembly import Conversation, LegFacts, assemble
from cdr.conversations import IN_ROOM, ROOM, Groups, keys_of
from cdr.evidence import Events
from cdr.models import AgentOffer, Call, CallAlias, Leg, QueueVisit
from cdr.rollups import Change, lock_calls
from cdr.rows import Owner, Rows, add_rows
from database.bulk import Row, chunks
from queues.models import Agent
from switch import events as ev
from switch.networks import NetworkRules


@dataclass(frozen=True, slots=True)
class Touched:
    """A conversation that this batch told something new of; ``id`` is the call's where there is a call."""

    id: uuid.UUID
    is_new: bool
    account_id: uuid.UUID | None
    conversation: Conversation
    routes: Mapping[str, Route]

    @property
    def call_id(self) -> uuid.UUID | None:
        return self.id if self.conversation.call else None


@dataclass(slots=True)
class Ingested:
    """What a batch changed: conversations, and ids that went into older ones (``retire`` them last)."""

    touched: list[Touched] = field(default_factory=list)
    absorbed: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    figures: Change = field(default_factory=Change)


@dataclass(slots=True)
class _Group:
    """One conversation while it is put together."""

    id: uuid.UUID
    keys: list[str]
    events: Events
    is_new: bool
    conversation: Conversation


def rules_of(switch: Switch) -> NetworkRules:
    return NetworkRules(frozenset(switch.offnet_profiles), frozenset(switch.offnet_contexts))


def ingest(switch: Switch, events: Iterable[ev.Event]) -> Ingested:
    """Write what the events tell; the transaction around it keeps others from the switch's conversations."""
    groups, heard = _group(events)
    if not heard:
        return Ingested()
    known = evidence.find(switch, _names(groups, heard))
    if evidence.NOWHERE in known.values():
        return ingest(switch, _without_forgotten(heard, known))
    result = Ingested()
    found = _join_known(switch, groups, heard, known, result)
    _write(switch, found, result)
    return result


def _group(events: Iterable[ev.Event]) -> tuple[Groups, dict[str, list[ev.Event]]]:
    """The events by any one of their keys; which keys belong together is the groups' to say."""
    groups = Groups()
    heard: dict[str, list[ev.Event]] = {}
    for event in events:
        key = groups.join(keys_of(event))
        if key:
            heard.setdefault(key, []).append(event)
    return groups, heard


def _without_forgotten(heard: Mapping[str, list[ev.Event]], known: Mapping[str, uuid.UUID]) -> list[ev.Event]:
    """The events that name no leg of a call that was removed: what comes late of it is not kept."""
    forgotten = {key for key, id_ in known.items() if id_ == evidence.NOWHERE}
    return [event for events in heard.values() for event in events if forgotten.isdisjoint(keys_of(event))]


def _names(groups: Groups, heard: Mapping[str, list[ev.Event]]) -> list[str]:
    """Every name under which something may be known, also rooms that wait to learn of a leg."""
    members = [key for keys in groups.members().values() for key in keys]
    return members + [IN_ROOM + key for key in members if not key.startswith(ROOM)]


def _join_known(
    switch: Switch,
    groups: Groups,
    heard: Mapping[str, list[ev.Event]],
    known: Mapping[str, uuid.UUID],
    result: Ingested,
) -> list[_Group]:
    first_key: dict[uuid.UUID, str] = {}
    for key, id_ in known.items():
        if not key.startswith(IN_ROOM):
            groups.join((first_key.setdefault(id_, key), key))
    new: dict[str, list[ev.Event]] = {}
    for key, some in heard.items():
        new.setdefault(groups.find(key), []).extend(some)
    kept = evidence.load(set(known.values()))
    rooms = {id_ for key, id_ in known.items() if key.startswith(IN_ROOM)}
    rules = rules_of(switch)
    found = []
    for name, keys in groups.members().items():
        ids = {known[key] for key in keys if key in known}
        group = _put_together(switch, ids, keys, new.get(name, []), kept, rules, result)
        if group:
            found.append(group)
            rooms.discard(group.id)
    return found + [
        _Group(id_, [], kept[id_], False, assemble(kept[id_].values(), rules)) for id_ in rooms if id_ in kept
    ]


def _put_together(
    switch: Switch,
    ids: set[uuid.UUID],
    keys: list[str],
    new: Sequence[ev.Event],
    kept: Mapping[uuid.UUID, Events],
    rules: NetworkRules,
    result: Ingested,
) -> _Group | None:
    """One conversation from all that is known; None when the batch tells nothing new of it."""
    parts = sorted((kept[id_] for id_ in ids if id_ in kept), key=_beginning)
    oldest = sorted((id_ for id_ in ids if id_ in kept), key=lambda id_: (_beginning(kept[id_]), id_))
    events: Events = {}
    for part in parts:
        events |= part
    before = len(events)
    for event in new:
        events.setdefault(event.identity, event)
    if len(ids) == 1 and len(events) == before:
        return None
    conversation = assemble(events.values(), rules)
    id_ = oldest[0] if oldest else _new_id(switch, conversation, keys)
    result.absorbed |= dict.fromkeys(oldest[1:], id_)
    return _Group(id_, keys, events, not oldest, conversation)


def _beginning(events: Events) -> int:
    return min(event.at for event in events.values())


def _new_id(switch: Switch, conversation: Conversation, keys: list[str]) -> uuid.UUID:
    name = conversation.call.root.uuid if conversation.call else min(keys)
    return uuid.uuid5(switch.pk, f"call:{name}")


def _write(switch: Switch, groups: Sequence[_Group], result: Ingested) -> None:
    routes = _route(switch, groups)
    owners = _owners(groups, routes, result.absorbed)
    rows = Rows(rests=_rests(groups, owners))
    keys: dict[str, uuid.UUID] = {}
    for group in groups:
        add_rows(rows, switch, group.id, group.conversation, owners[group.id], routes)
        keys |= {key: group.id for key in group.keys if key not in group.conversation.legs}
        keys |= {IN_ROOM + leg: group.id for leg in group.conversation.joined_legs}
        result.touched.append(
            Touched(group.id, group.is_new, owners[group.id].account_id, group.conversation, routes)
        )
    rows.write_calls()
    lock_calls(result.absorbed)
    result.figures.take_out([*(group.id for group in groups), *result.absorbed])
    rows.write_parts()
    result.figures.put_in_rows(rows.counted_visits(), rows.counted_offers())
    evidence.keep(switch, {group.id: group.events for group in groups}, keys)
    _remove_stale_offers([group.id for group in groups if not group.is_new], rows)
    provisional = [group.id for group in groups if group.conversation.is_provisional and not group.is_new]
    _remove_stale(Leg, provisional, rows.legs)
    _remove_stale(QueueVisit, provisional, rows.visits)


def _rests(groups: Iterable[_Group], owners: Mapping[uuid.UUID, Owner]) -> dict[tuple[uuid.UUID, str], int]:
    """The wrap-up in milliseconds that agents who are set up here have after a call."""
    offers = [
        (group, offer) for group in groups for visit in group.conversation.visits for offer in visit.offers
    ]
    accounts = {owners[group.id].account_id for group, _ in offers}
    agents = Agent.objects.filter(
        managed=True, account__in=accounts - {None}, name__any_of={offer.agent for _, offer in offers}
    )
    told = agents.values_list("account_id", "name", "wrap_up_time") if offers else ()
    return {(account, name): seconds * 1000 for account, name, seconds in told}


def _route(switch: Switch, groups: Iterable[_Group]) -> dict[str, Route]:
    legs = [_routed(leg) for group in groups for leg in group.conversation.legs.values()]
    router = Router.load(switch, legs)
    return {leg.uuid: router.route(leg) for leg in legs}


def _routed(leg: LegFacts) -> RoutedLeg:
    return RoutedLeg(
        uuid=leg.uuid,
        direction=leg.direction,
        variables=leg.variables,
        destination=leg.destination,
        caller_number=leg.first_caller_number,
    )


def _owners(
    groups: Sequence[_Group], routes: Mapping[str, Route], absorbed: Mapping[uuid.UUID, uuid.UUID]
) -> dict[uuid.UUID, Owner]:
    """Whose each conversation is: as an operator said, else the first leg's account, else any leg's."""
    said = _assigned([group.id for group in groups if not group.is_new], absorbed)
    chosen = {group.id: said.get(group.id) or _account_of(group, routes) for group in groups}
    chosen |= _accounts_of_rooms(groups, chosen)
    wanted = {account for account in chosen.values() if account}
    custom = dict(Account.objects.filter(pk__in=wanted).values_list("pk", "custom_variables"))
    return {
        id_: Owner(account, id_ in said, custom.get(account, ()) if account else ())
        for id_, account in chosen.items()
    }


def _assigned(
    ids: Sequence[uuid.UUID], absorbed: Mapping[uuid.UUID, uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID | None]:
    found: dict[uuid.UUID, uuid.UUID | None] = {}
    for some in chunks([*ids, *absorbed]):
        assigned = (
            Call.objects.filter(id__any_of=some, assigned=True).order_by().values_list("pk", "account_id")
        )
        found |= {absorbed.get(id_, id_): account for id_, account in assigned}
    return found


def _account_of(group: _Group, routes: Mapping[str, Route]) -> uuid.UUID | None:
    call = group.conversation.call
    if call is None:
        return None
    legs = sorted(
        group.conversation.legs.values(), key=lambda leg: (leg is not call.root, leg.created, leg.uuid)
    )
    return next((account for leg in legs if (account := routes[leg.uuid].account_id)), None)


def _accounts_of_rooms(
    groups: Sequence[_Group], chosen: Mapping[uuid.UUID, uuid.UUID | None]
) -> dict[uuid.UUID, uuid.UUID | None]:
    """A conference belongs to the account of the first known call that entered it."""
    joined = {group.id: group.conversation.joined_legs for group in groups if group.conversation.joined_legs}
    if not joined:
        return {}
    legs = {leg for some in joined.values() for leg in some}
    stored = Call.objects.filter(legs__uuid__in=legs).values_list("legs__uuid", "account_id")
    accounts = dict(stored) | {leg: chosen[group.id] for group in groups for leg in group.conversation.legs}
    return {id_: next(filter(None, map(accounts.get, some)), None) for id_, some in joined.items()}


def _remove_stale_offers(call_ids: Sequence[uuid.UUID], rows: Rows) -> None:
    """Offers that were two while we knew half of them and turned out to be one."""
    current = [row[0] for row in rows.offers]
    for some in chunks(call_ids):
        old = AgentOffer.objects.filter(call__id__any_of=some).order_by().values_list("pk", flat=True)
        stale = set(old) - set(current)
        AgentOffer.objects.filter(pk__in=stale).delete()


def _remove_stale(model: type[Leg | QueueVisit], call_ids: Sequence[uuid.UUID], rows: Sequence[Row]) -> None:
    """Rows of calls whose legs and visits may prove to be others."""
    current = [row[0] for row in rows]
    for some in chunks(call_ids):
        old = model._default_manager.filter(call__in=some).values_list("pk", flat=True)
        model._default_manager.filter(pk__in=set(old) - set(current)).delete()


def retire(result: Ingested) -> None:
    """Remove calls that went into others, whose ids go on resolving."""
    absorbed = result.absorbed
    for old, new in absorbed.items():
        CallAlias.objects.filter(call=old).update(call=new)
        Call.objects.filter(pk=old).delete()
    CallAlias.objects.bulk_create(
        [CallAlias(id=old, call_id=new) for old, new in absorbed.items()], ignore_conflicts=True
    )
    evidence.retire(absorbed)


def split(events: Iterable[ev.Event]) -> list[list[ev.Event]]:
    """The events of each conversation apart."""
    groups, heard = _group(events)
    apart: dict[str, list[ev.Event]] = {}
    for key, some in heard.items():
        apart.setdefault(groups.find(key), []).extend(some)
    return list(apart.values())
