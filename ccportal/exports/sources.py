"""Which rows an export has: what was asked for, among what who asked sees now."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict

from accounts.access import Action
from accounts.actors import actor_for, actor_for_api_key
from accounts.models import Account
from accounts.tenancy import Actor, M, TenantQuerySet, TenantView
from ccportal.api.filters import period
from ccportal.api.pages import Keyset, Place
from ccportal.exports.kinds import KINDS, kind_of
from ccportal.portal.calls import labelled_agents
from ccportal.portal.filters import Filters
from ccportal.portal.recordings import Filters as RecordingFilters
from ccportal.portal.searching import counted_by, wanted_by
from cdr.models import Call
from cdr.search import count_capped, matching
from queues.models import Agent
from recordings.exports import Export, ExportFormat, ExportKind
from recordings.models import Recording

LIST, FILTERS, IDS, RECORDINGS, AUDIO = "list", "filters", "ids", "recordings", "audio"
MOST_IDS = 1000


class NotAllowed(Exception):
    """Who asked may not have it any more."""


class Asked(TenantView):
    """Reads rows as who asked for an export."""

    def __init__(self, account: Account, actor: Actor) -> None:
        self.account = account
        self.asking = actor

    @property
    def actor(self) -> Actor:
        return self.asking

    def rows(self, model: type[M]) -> TenantQuerySet[M]:
        return self.visible(model).filter(account=self.account)


def asked_by(export: Export) -> Asked:
    """Who asked, with the team and the rights of now; raise NotAllowed."""
    actor = actor_for(export.user) if export.user else None
    actor = actor_for_api_key(export.api_key) if export.api_key else actor
    if actor is None:
        raise NotAllowed("Who asked for it may not sign in any more.")
    if not actor.reaches(export.account_id) or not may_have(actor, export.format):
        raise NotAllowed("Who asked for it may not export this any more.")
    return Asked(export.account, actor)


def may_have(actor: Actor, file_format: str) -> bool:
    """Whether somebody may have such a file: audio takes the right to download it besides."""
    needed = [Action.EXPORT, Action.DOWNLOAD] if file_format == ExportFormat.ZIP else [Action.EXPORT]
    return all(actor.may(action) for action in needed)


@dataclass(frozen=True)
class Source:
    """Rows from new to old, read by their keyset; several sets are merged, each row once."""

    model: type[Model]
    keyset: Keyset
    sets: Sequence[QuerySet[Any]]

    def count(self) -> int:
        """How many there are, no further than one over the limit of lists."""
        return count_capped(list(self.sets))

    def after(self, place: Place | None, size: int) -> list[Place]:
        """The next rows' places."""
        found: dict[uuid.UUID, Place] = {}
        for rows in self.sets:
            bounded = rows.filter(self.keyset.after(place)) if place else rows
            ordered = bounded.order_by(f"-{self.keyset.path}", "-id")
            for moment, key in ordered.values_list(self.keyset.path, "id")[:size]:
                found[key] = Place(False, moment, key)
        return sorted(found.values(), key=in_order, reverse=True)[:size]


def in_order(place: Place) -> tuple[datetime, uuid.UUID]:
    return place.moment, place.id


def source_of(export: Export, asked: Asked) -> Source:
    """The rows that were there when it was asked for."""
    if LIST in export.chosen:
        source = Source(Call, KINDS[ExportKind.CALLS].view.keyset, calls_listed(export, asked))
    elif RECORDINGS in export.chosen:
        source = recordings_listed(export, asked)
    elif IDS in export.chosen:
        source = ticked(export.chosen, asked)
    else:
        source = filtered(export, asked)
    until = {f"{source.keyset.path}__lte": export.asked_at}
    return Source(source.model, source.keyset, [rows.filter(**until) for rows in source.sets])


def calls_listed(export: Export, asked: Asked) -> list[QuerySet[Call]]:
    """The calls that the filters of the portal's list let through; its period is counted from then."""
    filters = Filters.read(QueryDict(export.chosen[LIST]), asked.account.zone, export.asked_at)
    counted = counted_by(filters, asked.rows)
    agents = labelled_agents(asked.rows(Agent))
    person = asked.actor.user_id
    wanted = wanted_by(filters, asked.account.country, agents, asked.rows, counted, person)
    return matching(asked.rows(Call), wanted)


def recordings_listed(export: Export, asked: Asked) -> Source:
    """The recordings that the portal's list of those to look after has; its period is counted from then."""
    query = QueryDict(export.chosen[RECORDINGS])
    filters = RecordingFilters.read(query, asked.account.zone, export.asked_at)
    rows = filters.chosen.of(asked.rows(Recording))
    return Source(Recording, KINDS[ExportKind.RECORDINGS].view.keyset, [rows])


def ticked(chosen: dict[str, Any], asked: Asked) -> Source:
    keys = [uuid.UUID(hex=key) for key in chosen[IDS]]
    return Source(Call, KINDS[ExportKind.CALLS].view.keyset, [asked.rows(Call).filter(pk__in=keys)])


def filtered(export: Export, asked: Asked) -> Source:
    """The rows that the filters of the API's list let through."""
    kind = kind_of(export)
    query = query_of(export.chosen.get(FILTERS, {}))
    keyset = kind.view.keyset
    rows = asked.rows(kind.model).filter(period(query, keyset.path), kind.view.filters.condition(query))
    return Source(kind.model, keyset, [rows])


def query_of(filters: dict[str, Any]) -> QueryDict:
    """Parameters as a list's address has them."""
    query = QueryDict(mutable=True)
    for name, value in filters.items():
        query[name] = value
    return query
