"""How long agents were logged in and on break, from the changes of their status."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Switch
from cdr.contributions import Status
from cdr.models import FiguresMark
from cdr.rollups import Change, make_marks
from database.moments import instant
from queues.changes import accounts_of, change_id
from queues.models import AgentChange
from switch import events as ev

Owner = tuple[uuid.UUID, str]
Neighbours = tuple[list[Status], list[Status]]


@contextmanager
def counted_statuses(switch: Switch, heard: Iterable[ev.AgentChanged], figures: Change) -> Iterator[None]:
    """Keep the time that statuses are of right while these changes are written in the block."""
    statuses = [change for change in heard if change.kind == "status"]
    owners = owners_of(switch, statuses)
    if not owners:
        yield
        return
    moments = [instant(change.at) for change in statuses]
    first, last = min(moments), max(moments)
    lock({account_id for account_id, _ in owners})
    before = statuses_within(owners, first, last)
    yield
    after = statuses_within(owners, first, last)
    around = neighbours_of([change_id(switch, change) for change in statuses], first, last)
    for owner in sorted(owners):
        earlier, later = around.get(owner) or neighbours(owner, first, last)
        for rows, sign in ((before, -1), (after, +1)):
            figures.sums.add_statuses(*owner, [*earlier, *rows.get(owner, ()), *later], sign)


def owners_of(switch: Switch, statuses: Sequence[ev.AgentChanged]) -> set[Owner]:
    """Whose statuses these are, also by what was thought when one of them was heard before."""
    accounts = accounts_of(switch, {change.agent for change in statuses})
    owners = {(accounts.get(change.agent), change.agent[:255]) for change in statuses}
    heard = AgentChange.objects.filter(id__any_of=[change_id(switch, change) for change in statuses])
    owners |= set(heard.order_by().values_list("account_id", "agent_name"))
    return {(account_id, agent) for account_id, agent in owners if account_id}


def lock(accounts: Collection[uuid.UUID]) -> None:
    """Keep others from the accounts' statuses until the transaction ends."""
    make_marks(accounts)
    list(FiguresMark.objects.select_for_update().filter(account__in=accounts).order_by("account_id"))


def statuses_within(
    owners: Collection[Owner], first: dt.datetime, last: dt.datetime
) -> dict[Owner, list[Status]]:
    """The statuses from the first to the last moment, in their order."""
    rows = AgentChange.objects.filter(
        account__in={account_id for account_id, _ in owners},
        agent_name__any_of={agent for _, agent in owners},
        kind=AgentChange.Kind.STATUS,
        at__gte=first,
        at__lte=last,
    )
    found: dict[Owner, list[Status]] = {}
    told: Any = rows.order_by("at", "id").values_list("account_id", "agent_name", "at", "value")
    for account_id, agent, at, value in told:
        found.setdefault((account_id, agent), []).append(Status(at, value))
    return found


def neighbours_of(
    ids: Collection[uuid.UUID], first: dt.datetime, last: dt.datetime
) -> dict[Owner, Neighbours]:
    """What agents of these changes were before the first moment, and after the last, in one question."""
    same = AgentChange.objects.filter(
        account=OuterRef("account"), agent_name=OuterRef("agent_name"), kind=AgentChange.Kind.STATUS
    )
    before = same.filter(at__lt=first).order_by("-at", "-id")
    after = same.filter(at__gt=last).order_by("at", "id")
    rows = (
        AgentChange.objects.filter(id__any_of=ids)
        .order_by()
        .annotate(
            before_at=Subquery(before.values("at")[:1]),
            before_value=Subquery(before.values("value")[:1]),
            after_at=Subquery(after.values("at")[:1]),
        )
    )
    told: Any = rows.values_list("account_id", "agent_name", "before_at", "before_value", "after_at")
    return {
        (account_id, agent): (
            [Status(before_at, value)] if before_at else [],
            [Status(after_at, "")] if after_at else [],
        )
        for account_id, agent, before_at, value, after_at in told
    }


def neighbours(owner: Owner, first: dt.datetime, last: dt.datetime) -> Neighbours:
    """What one agent was before the first moment, and after the last."""
    rows = AgentChange.objects.filter(account=owner[0], agent_name=owner[1], kind=AgentChange.Kind.STATUS)
    before = rows.filter(at__lt=first).order_by("-at", "-id")[:1]
    after = rows.filter(at__gt=last).order_by("at", "id")[:1]
    return list(read(before)), list(read(after))


def read(rows: QuerySet[AgentChange]) -> Iterator[Status]:
    return map(Status._make, rows.values_list("at", "value"))


def statuses_of(
    account_id: uuid.UUID, agents: Iterable[str], first: dt.datetime, last: dt.datetime
) -> Iterator[tuple[str, list[Status]]]:
    """Each agent's statuses from the one that held at the first moment to the one after the last."""
    owners = [(account_id, agent) for agent in agents]
    within = statuses_within(owners, first, last) if owners else {}
    for owner in owners:
        earlier, later = neighbours(owner, first, last)
        yield owner[1], [*earlier, *within.get(owner, ()), *later]
