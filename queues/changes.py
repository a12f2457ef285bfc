"""What agents chose and did, kept as it was heard; and the queues and agents that are heard of."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from accounts.models import Switch
from database.bulk import Table
from database.moments import instant
from queues.models import Agent, AgentChange, Queue, SwitchOrder
from switch import events as ev

Named = TypeVar("Named", Queue, Agent)

CHANGES = Table(
    AgentChange, ["id", "account_id", "switch_id", "agent_name", "at", "kind", "value", "asked_by"]
)
ORDERED_BEFORE = dt.timedelta(seconds=35)
ORDERED_AFTER = dt.timedelta(seconds=5)


def record_changes(switch: Switch, changes: Sequence[ev.AgentChanged]) -> None:
    """Keep each change once, however often it is told."""
    accounts = accounts_of(switch, {change.agent for change in changes})
    orders = status_orders(switch, changes)
    CHANGES.upsert(
        [
            (
                id_,
                accounts.get(change.agent),
                switch.pk,
                change.agent[:255],
                moment,
                change.kind,
                change.value[:255],
                who_asked(change, moment, orders),
            )
            for id_, moment, change in (
                (change_id(switch, change), instant(change.at), change)
                for change in {change.identity: change for change in changes}.values()
            )
        ]
    )


def change_id(switch: Switch, change: ev.AgentChanged) -> uuid.UUID:
    return uuid.uuid5(switch.pk, f"agent-change:{change.core}:{change.sequence}")


def status_orders(switch: Switch, changes: Iterable[ev.AgentChanged]) -> list[SwitchOrder]:
    """The statuses that people asked for around these changes, the newest first."""
    moments = [instant(change.at) for change in changes if change.kind == "status"]
    if not moments:
        return []
    orders = SwitchOrder.objects.filter(
        switch=switch,
        kind="set_agent_status",
        asked_at__range=(min(moments) - ORDERED_BEFORE, max(moments) + ORDERED_AFTER),
    )
    return list(orders.order_by("-asked_at"))


def who_asked(change: ev.AgentChanged, at: dt.datetime, orders: Iterable[SwitchOrder]) -> str:
    """Who had this status set from here, if anybody: a switch does not tell who asked it."""
    if change.kind != "status":
        return ""
    wanted = [change.agent, change.value]
    return next(
        (
            order.asked_by
            for order in orders
            if order.arguments == wanted and -ORDERED_AFTER <= at - order.asked_at <= ORDERED_BEFORE
        ),
        "",
    )


def accounts_of(
    switch: Switch, names: Collection[str], model: type[Queue] | type[Agent] = Agent
) -> dict[str, uuid.UUID | None]:
    """The switch's own account, else the only account that knows a queue or an agent of the name."""
    if switch.account_id or not names:
        return dict.fromkeys(names, switch.account_id)
    found: dict[str, uuid.UUID | None] = {}
    for name, account_id in (
        model.objects.filter(name__any_of=names).order_by().values_list("name", "account_id")
    ):
        found[name] = None if name in found else account_id
    return found


def enter(model: type[Named], pairs: Iterable[tuple[uuid.UUID, str]]) -> None:
    """Enter queues or agents, by account and name, that are heard of for the first time."""
    wanted = {(account_id, name[:255]) for account_id, name in pairs if name}
    rows = model.objects.filter(
        account__in={account_id for account_id, _ in wanted}, name__any_of={name for _, name in wanted}
    )
    missing = wanted - set(rows.order_by().values_list("account_id", "name"))
    model.objects.bulk_create(
        [model(account_id=account_id, name=name) for account_id, name in sorted(missing)],
        ignore_conflicts=True,
    )
