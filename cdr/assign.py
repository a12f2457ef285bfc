"""Give quarantined calls to the account that an operator says they are of."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils.module_loading import import_string

from accounts import audit
from accounts.access import Action
from accounts.models import Account
from accounts.tenancy import Actor
from cdr.models import Call, QueueVisit
from cdr.rollups import counted
from queues.models import Agent, Queue

CALLS_AT_ONCE = 500

# What is to be done for calls that got an account, within the same transaction, by the functions' names; the
# apps above add theirs when they are made ready.
FOLLOWERS: list[str] = []


def assign(call_ids: Collection[uuid.UUID], account: Account, actor: Actor | None) -> int:
    """Make calls, and all that hangs from them, the account's from now on; return how many were not before.

    What ingest hears of them afterwards leaves the account alone. A person or phone of another account that
    they were thought to be of is taken off. Each call is audited.
    """
    if actor is None or not actor.may(Action.OPERATE):
        raise PermissionDenied
    ids = list(call_ids)
    batches = (ids[start : start + CALLS_AT_ONCE] for start in range(0, len(ids), CALLS_AT_ONCE))
    return sum(assign_batch(batch, account, actor) for batch in batches)


@transaction.atomic
def assign_batch(call_ids: list[uuid.UUID], account: Account, actor: Actor) -> int:
    calls = list(Call.objects.select_for_update().filter(pk__in=call_ids).order_by("pk"))
    moved = [call for call in calls if call.account_id != account.pk or not call.assigned]
    ids = [call.pk for call in moved]
    with counted(ids):
        give(Call.objects.filter(pk__in=ids), account)
        Call.objects.filter(pk__in=ids).update(assigned=True)
        for part in parts_of_a_call():
            give(part.related_model._default_manager.filter(**{f"{part.field.name}__in": ids}), account)
    enter_queues_and_agents(ids, account)
    audit.record_each(actor, "assign", moved, account=account.pk.hex)
    for name in FOLLOWERS:
        import_string(name)(ids)
    return len(moved)


def parts_of_a_call() -> list[Any]:
    """The relations of what hangs from a call and carries its account, also in apps above this one."""
    relations = Call._meta.related_objects
    return [relation for relation in relations if has_field(relation.related_model, "account")]


def has_field(model: Any, name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)


def give(rows: models.QuerySet[Any], account: Account) -> None:
    """Make rows the account's, without the people and phones of another."""
    for owner in ("user", "device"):
        if has_field(rows.model, owner):
            rows.exclude(account=account).update(**{owner: None})
    rows.update(account=account)


def enter_queues_and_agents(call_ids: list[uuid.UUID], account: Account) -> None:
    """Enter what ingest enters by itself for calls whose account it knows."""
    visits = QueueVisit.objects.filter(call__in=call_ids)
    named = set(visits.values_list("queue_name", "agent_name"))
    named |= {("", name) for name in visits.values_list("offers__agent_name", flat=True) if name}
    queues = sorted({queue for queue, _ in named if queue})
    agents = sorted({agent for _, agent in named if agent})
    Queue.objects.bulk_create([Queue(account=account, name=name) for name in queues], ignore_conflicts=True)
    Agent.objects.bulk_create([Agent(account=account, name=name) for name in agents], ignore_conflicts=True)
