"""Count the rows again: to prove that the figures are equal to them, and to make figures anew.

A day of the account's zone at a time, in a transaction of its own that holds the account's mark: whoever
writes rows meanwhile waits with its figures, and adds them to the new ones.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min, Model, QuerySet
from django.utils import timezone

from accounts.models import Account
from cdr.buckets import DAY, Step, next_start, start_of
from cdr.contributions import LONGEST_OFFER, LONGEST_WRAP_UP, Contributions
from cdr.figure_tables import FiguresMark, Span
from cdr.models import AgentFigures, AgentOffer, QueueFigures, QueueVisit, StatisticsCheck
from cdr.rollups import AGENTS, QUEUES, agent_rows, make_marks, offers_of, queue_rows, visits_of
from cdr.status_time import statuses_of
from database.bulk import Row, Table
from queues.models import AgentChange

DAYS_CHECKED = 3
CHECKS_KEPT = dt.timedelta(days=90)
IDS_AND_NAMES = 5


@dataclass(frozen=True)
class Recounted:
    """How many sums were compared with the rows, and how many were not equal and are now."""

    compared: int = 0
    repaired: int = 0

    def __add__(self, other: Recounted) -> Recounted:
        return Recounted(self.compared + other.compared, self.repaired + other.repaired)


def rebuild(account: Account) -> Recounted:
    """Make all of an account's figures anew, its days in the zone it has now."""
    with transaction.atomic():
        mark = locked_mark(account.pk)
        if mark.zone != account.zone.key:
            mark.zone, mark.complete = account.zone.key, False
            mark.save()
            for model in (QueueFigures, AgentFigures):
                model.objects.filter(account=account, span=Span.DAY).delete()
    found = recount(account, *bounds(account))
    FiguresMark.objects.filter(account=account, zone=mark.zone).update(complete=True)
    return found


def recount(account: Account, since: dt.datetime | None, until: dt.datetime | None) -> Recounted:
    """Compare every day between the two moments with its rows, and write those anew that are not equal."""
    found = Recounted()
    if since is None or until is None:
        return found
    names = agents_of(account.pk)
    start = since
    while start < until:
        with transaction.atomic():
            zone = ZoneInfo(locked_mark(account.pk).zone)
            start = start_of(start, Step.DAY, zone)
            end = next_start(start, Step.DAY, zone)
            found += recount_day(account.pk, zone, start, end, names)
        start = end
    return found


def recount_day(
    account_id: uuid.UUID, zone: ZoneInfo, begin: dt.datetime, end: dt.datetime, agents: Sequence[str]
) -> Recounted:
    sums = sums_between(account_id, begin, end, agents)
    zones = {account_id: zone}
    return settle(QUEUES, account_id, begin, end, queue_rows(sums, zones)) + settle(
        AGENTS, account_id, begin, end, agent_rows(sums.agents, zones)
    )


def settle(
    table: Table, account_id: uuid.UUID, begin: dt.datetime, end: dt.datetime, rows: Iterable[Row]
) -> Recounted:
    """Compare rows that were counted with those that are stored; write the counted ones if any differ."""
    manager: Any = table.model._default_manager
    stored = manager.filter(account=account_id, begins_at__gte=begin, begins_at__lt=end)
    kept = {row[1:IDS_AND_NAMES]: row[IDS_AND_NAMES:] for row in stored.values_list(*table.columns)}
    counted = {tuple(row[1:IDS_AND_NAMES]): (row[0], tuple(row[IDS_AND_NAMES:])) for row in rows}
    wrong = [key for key in kept.keys() | counted.keys() if differs(kept.get(key), counted.get(key))]
    if wrong:
        stored.delete()
        table.upsert([(id_, *key, *sums) for key, (id_, sums) in sorted(counted.items())])
    return Recounted(len(kept.keys() | counted.keys()), len(wrong))


def differs(kept: Sequence[int] | None, counted: tuple[uuid.UUID, Sequence[int]] | None) -> bool:
    """Sums that came down to nothing are as good as none."""
    mine, theirs = kept or (), counted[1] if counted else ()
    return mine != theirs and (any(mine) or any(theirs))


def sums_between(
    account_id: uuid.UUID, begin: dt.datetime, end: dt.datetime, agents: Iterable[str]
) -> Contributions:
    """What the rows come to in the quarter-hours from begin to end."""
    sums = Contributions(wanted=lambda quarter: begin <= quarter < end)
    visits = QueueVisit.objects.filter(account=account_id, joined_at__gte=begin, joined_at__lt=end)
    sums.add_visits(visits_of(visits), offers_of(AgentOffer.objects.filter(visit__in=visits.order_by())))
    earliest = begin - LONGEST_OFFER - LONGEST_WRAP_UP
    offers = AgentOffer.objects.filter(account=account_id, offered_at__gte=earliest, offered_at__lt=end)
    sums.add_offers(offers_of(offers))
    for agent, statuses in statuses_of(account_id, agents, begin, end):
        sums.add_statuses(account_id, agent, statuses)
    return sums


def locked_mark(account_id: uuid.UUID) -> FiguresMark:
    make_marks([account_id])
    return FiguresMark.objects.select_for_update().get(account=account_id)


def agents_of(account_id: uuid.UUID) -> list[str]:
    """Every name of which a status was heard."""
    heard = AgentChange.objects.filter(account=account_id, kind=AgentChange.Kind.STATUS)
    return sorted(heard.order_by().values_list("agent_name", flat=True).distinct())


def bounds(account: Account) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From the first to the last moment of which there is a row or a figure."""
    moments = [
        moment
        for model, column in (
            (QueueVisit, "joined_at"),
            (AgentOffer, "offered_at"),
            (AgentChange, "at"),
            (QueueFigures, "begins_at"),
            (AgentFigures, "begins_at"),
        )
        for moment in extremes(model, column, account)
        if moment
    ]
    longest = max(LONGEST_OFFER + LONGEST_WRAP_UP, DAY)
    return min(moments, default=None), max(moments) + longest if moments else None


def extremes(model: type[Model], column: str, account: Account) -> Iterator[dt.datetime | None]:
    rows: QuerySet[Any] = model._default_manager.filter(account=account)
    found = rows.order_by().aggregate(first=Min(column), last=Max(column))
    yield from (found["first"], found["last"])


def check_all() -> int:
    """Check the last days of every account and say what came of it; return how many sums were repaired."""
    accounts = Account.objects.filter(pk__in=FiguresMark.objects.values("account"))
    repaired = sum(check(account).repaired for account in accounts.order_by("pk"))
    StatisticsCheck.objects.filter(checked_at__lt=timezone.now() - CHECKS_KEPT).delete()
    return repaired


def check(account: Account) -> StatisticsCheck:
    """Prove the figures of the last days, and of one day longer ago, another one every night."""
    now = timezone.now()
    since = now - DAYS_CHECKED * DAY
    found = recount(account, since, now)
    first, _ = bounds(account)
    if first and first < since:
        older = first + dt.timedelta(days=now.toordinal() % ((since - first).days + 1))
        found += recount(account, older, older + dt.timedelta(microseconds=1))
    return StatisticsCheck.objects.create(
        account=account,
        checked_at=now,
        since=since,
        until=now,
        compared=found.compared,
        repaired=found.repaired,
    )


def complete_days() -> int:
    """Add up the days of accounts that are new, or whose zone has changed; return how many those were."""
    waiting = [
        mark.account
        for mark in FiguresMark.objects.select_related("account")
        if not mark.complete or mark.zone != mark.account.zone.key
    ]
    uncounted = Account.objects.exclude(pk__in=FiguresMark.objects.values("account"))
    waiting += [account for account in uncounted if QueueVisit.objects.filter(account=account).exists()]
    for account in waiting:
        rebuild(account)
    return len(waiting)
