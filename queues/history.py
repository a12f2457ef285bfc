"""Agents' changes as they are kept, for the pure part that reads them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from accounts.tenancy import TenantQuerySet
from queues.models import Agent, AgentChange
from queues.presence import Change

KINDS = ("status", "state")
MOST_CHANGES = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """A change, and who asked for it where that is known."""

    change: Change
    asked_by: str


def changes_since(
    rows: TenantQuerySet[AgentChange],
    agents: TenantQuerySet[Agent],
    names: Collection[str],
    since: dt.datetime,
    until: dt.datetime,
) -> dict[str, list[Told]]:
    """The changes of agents in a window, with the last of each kind before it."""
    found: dict[str, list[Told]] = {name: [] for name in names}
    for change_id in _last_before(rows, agents, names, since):
        found_row = rows.filter(pk=change_id).first()
        if found_row:
            _add(found, found_row)
    window = rows.filter(agent_name__in=names, kind__in=KINDS, at__gte=since, at__lt=until)
    for row in window.order_by("at")[:MOST_CHANGES]:
        _add(found, row)
    return found


def _last_before(
    rows: TenantQuerySet[AgentChange],
    agents: TenantQuerySet[Agent],
    names: Collection[str],
    since: dt.datetime,
) -> list[uuid.UUID]:
    """Found with one look at the index for each agent and kind, however long the history is."""
    earlier = rows.filter(agent_name=OuterRef("name"), at__lt=since).order_by("-at")
    last = {kind: Subquery(earlier.filter(kind=kind).values("pk")[:1]) for kind in KINDS}
    rows_found = agents.filter(name__in=names).annotate(**{f"last_{kind}": last[kind] for kind in KINDS})
    values = rows_found.values_list(*(f"last_{kind}" for kind in KINDS))
    return [pk for pair in values for pk in pair if pk]


def _add(found: dict[str, list[Told]], row: AgentChange) -> None:
    found[row.agent_name].append(Told(Change(row.at, row.kind, row.value), row.asked_by))
