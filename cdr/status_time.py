"""How long agents were logged in and on break, from the changes of their status."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db.models import Q, QuerySet

from accounts.models import Switch
from cdr.contributions import Status
from cdr.models import FiguresMark
from cdr.rollups import Change, make_marks
from database.moments import instant
from queues.changes import accounts_of, change_id
from queues.models import AgentChange
from switch import events as ev


class Stretch(NamedTuple):
    """An agent's time from the first to the last of some changes."""

    account_id: uuid.UUID
    agent: str
    first: dt.datetime
    last: dt.datetime


def stretches_of(switch: Switch, changes: Iterable[ev.AgentChanged]) -> list[Stretch]:
    """Whose statuses these changes are, also by what was thought when one of them was heard before."""
    statuses = [change for change in changes if change.kind == "status"]
    if not statuses:
        return []
    accounts = accounts_of(switch, {change.agent for change in statuses})
    heard = AgentChange.objects.filter(pk__in=[change_id(switch, change) for change in statuses])
    owners = {(accounts.get(change.agent), change.agent[:255]) for change in statuses}
    owners |= set(heard.values_list("account_id", "agent_name"))
    moments = sorted(instant(change.at) for change in statuses)
    return sorted(Stretch(owner, agent, moments[0], moments[-1]) for owner, agent in owners if owner)


def lock(stretches: Sequence[Stretch]) -> None:
    """Keep others from the accounts' statuses; before the first ``count``."""
    accounts = {stretch.account_id for stretch in stretches}
    make_marks(accounts)
    list(FiguresMark.objects.select_for_update().filter(account__in=accounts).order_by("account_id"))


def count(change: Change, stretches: Iterable[Stretch], sign: int) -> None:
    """Put in, or take out, what the statuses around these stretches add."""
    for stretch in stretches:
        statuses = statuses_of(stretch.account_id, stretch.agent, stretch.first, stretch.last)
        change.sums.add_statuses(stretch.account_id, stretch.agent, statuses, sign)


def statuses_of(account_id: uuid.UUID, agent: str, first: dt.datetime, last: dt.datetime) -> list[Status]:
    """The statuses from the one that held at the first moment to the one after the last."""
    rows = of_agent(account_id, agent)
    before = rows.filter(at__lt=first).order_by("-at", "-id")[:1]
    within = rows.filter(at__gte=first, at__lte=last).order_by("at", "id")
    after = rows.filter(at__gt=last).order_by("at", "id")[:1]
    return [*read(before), *read(within), *read(after)]


def of_agent(account_id: uuid.UUID, agent: str) -> QuerySet[AgentChange]:
    return AgentChange.objects.filter(Q(account=account_id, agent_name=agent), kind=AgentChange.Kind.STATUS)


def read(rows: QuerySet[AgentChange]) -> Iterator[Status]:
    return map(Status._make, rows.values_list("at", "value"))
