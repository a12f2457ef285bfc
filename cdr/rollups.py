"""Figures by queue and agent, kept in the transaction that writes the rows they are of.

1. Whoever rewrites rows locks their calls, takes out what the rows add, rewrites them, and puts in what they
   add now. A call's lock is that of its visits and offers; the statuses of agents have the account's mark.
2. The difference is added to the stored sums last of all, in the order of their keys.
3. A longest wait cannot be taken out of a maximum: where one leaves, the maximum is looked for anew.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import Account
from cdr.buckets import QUARTER, Step, next_start, start_of
from cdr.contributions import AGENT_SUMS, QUEUE_SUMS, Contributions, Key, Offer, Sums, Visit
from cdr.figure_tables import FiguresMark, Span
from cdr.models import AgentFigures, AgentOffer, Call, QueueFigures, QueueVisit
from database.bulk import Row, Table, chunks

LONGEST = "longest_wait_ms"
QUEUES = Table(
    QueueFigures,
    ["id", "account_id", "span", "begins_at", "queue_name", LONGEST, *QUEUE_SUMS],
    key=["account_id", "span", "begins_at", "queue_name"],
    added=QUEUE_SUMS,
    highest=[LONGEST],
)
AGENTS = Table(
    AgentFigures,
    ["id", "account_id", "span", "begins_at", "agent_name", *AGENT_SUMS],
    key=["account_id", "span", "begins_at", "agent_name"],
    added=AGENT_SUMS,
)
CALLS_AT_ONCE = 5_000


class Change:
    """By how much figures change while rows are rewritten."""

    def __init__(self) -> None:
        self.sums = Contributions()

    def take_out(self, calls: Iterable[uuid.UUID]) -> None:
        """Take out what the calls' visits and offers add now; the calls must be locked."""
        self._count(calls, -1)

    def put_in(self, calls: Iterable[uuid.UUID]) -> None:
        """Put in what they add after they were rewritten."""
        self._count(calls, +1)

    def put_in_rows(self, visits: Iterable[Visit], offers: Sequence[Offer]) -> None:
        """Put in what all visits and offers of calls add, as they were just written."""
        self.sums.add_visits(visits, offers)
        self.sums.add_offers(offers)

    def _count(self, calls: Iterable[uuid.UUID], sign: int) -> None:
        for some in chunks(calls, CALLS_AT_ONCE):
            offers = list(offers_of(AgentOffer.objects.filter(call__id__any_of=some)))
            self.sums.add_visits(visits_of(QueueVisit.objects.filter(call__id__any_of=some)), offers, sign)
            self.sums.add_offers(offers, sign)

    def join(self, other: Change) -> None:
        """Make another change part of this one."""
        for mine, theirs in ((self.sums.queues, other.sums.queues), (self.sums.agents, other.sums.agents)):
            for key, counts in theirs.items():
                merge(mine, key, counts)
        for wait, number in other.sums.waits.items():
            self.sums.waits[wait] += number

    def write(self) -> None:
        """Add the difference to what is stored; nothing else may be written in the transaction after it."""
        accounts = {key.account_id for sums in (self.sums.queues, self.sums.agents) for key in sums}
        zones = lock_zones(accounts)
        QUEUES.upsert(queue_rows(self.sums, zones))
        AGENTS.upsert(agent_rows(self.sums.agents, zones))
        settle_longest([key for (key, _), number in self.sums.waits.items() if number < 0], zones)


@contextmanager
def counted(call_ids: Collection[uuid.UUID]) -> Iterator[None]:
    """Keep the figures right while these calls are given away, rewritten or removed in the block."""
    with transaction.atomic():
        lock_calls(call_ids)
        change = Change()
        change.take_out(call_ids)
        yield
        change.put_in(call_ids)
        change.write()


def lock_calls(call_ids: Iterable[uuid.UUID]) -> None:
    for some in chunks(call_ids, CALLS_AT_ONCE):
        rows = Call.objects.select_for_update().filter(id__any_of=some).order_by("pk")
        list(rows.values_list("pk", flat=True))


def visits_of(rows: Any) -> Iterator[Visit]:
    return map(Visit._make, rows.order_by().values_list(*Visit._fields))


def offers_of(rows: Any) -> Iterator[Offer]:
    return map(Offer._make, rows.order_by().values_list(*Offer._fields))


def merge(sums: Sums, key: Key, counts: Counter[str]) -> None:
    stored = sums.setdefault(key, Counter())
    for name, number in counts.items():
        stored[name] += number


def queue_rows(sums: Contributions, zones: Mapping[uuid.UUID, ZoneInfo]) -> list[Row]:
    """The rows of all quarter-hours and days in which something changes."""
    longest: dict[tuple[Span, Key], int] = {}
    for (key, wait), number in sums.waits.items():
        if number > 0:
            for place in ((Span.QUARTER, key), (Span.DAY, day_of(key, zones))):
                longest[place] = max(longest.get(place, 0), wait)
    return [
        (*beginning(span, key), longest.get((span, key), 0), *(counts[name] for name in QUEUE_SUMS))
        for span, key, counts in spans_of(sums.queues, zones)
    ]


def agent_rows(sums: Sums, zones: Mapping[uuid.UUID, ZoneInfo]) -> list[Row]:
    return [
        (*beginning(span, key), *(counts[name] for name in AGENT_SUMS))
        for span, key, counts in spans_of(sums, zones)
    ]


def beginning(span: Span, key: Key) -> Row:
    return (uuid.uuid4(), key.account_id, span.value, key.begins_at, key.name)


def spans_of(sums: Sums, zones: Mapping[uuid.UUID, ZoneInfo]) -> Iterator[tuple[Span, Key, Counter[str]]]:
    """Quarter-hours, and the days they add up to; those that come to nothing are left out."""
    days: Sums = {}
    for key, counts in sums.items():
        if any(counts.values()):
            yield Span.QUARTER, key, counts
            merge(days, day_of(key, zones), counts)
    yield from ((Span.DAY, key, counts) for key, counts in days.items() if any(counts.values()))


def day_of(key: Key, zones: Mapping[uuid.UUID, ZoneInfo]) -> Key:
    return key._replace(begins_at=start_of(key.begins_at, Step.DAY, zones[key.account_id]))


def lock_zones(accounts: Collection[uuid.UUID]) -> dict[uuid.UUID, ZoneInfo]:
    """The zones in which the accounts' days are added up, kept as they are until the transaction ends."""
    if not accounts:
        return {}
    make_marks(accounts)
    marks: Iterable[FiguresMark] = FiguresMark.objects.filter(account__in=accounts)
    if connection.vendor == "postgresql":
        marks = FiguresMark.objects.raw(
            "SELECT * FROM cdr_figuresmark WHERE account_id = ANY(%s) ORDER BY account_id FOR SHARE",
            [list(accounts)],
        )
    return {mark.account_id: ZoneInfo(mark.zone) for mark in marks}


def make_marks(accounts: Collection[uuid.UUID]) -> None:
    known = set(FiguresMark.objects.filter(account__in=accounts).values_list("account_id", flat=True))
    missing = Account.objects.filter(pk__in=set(accounts) - known).order_by("pk")
    marks = [FiguresMark(account=account, zone=account.zone.key) for account in missing]
    FiguresMark.objects.bulk_create(marks, ignore_conflicts=True)


def settle_longest(keys: Iterable[Key], zones: Mapping[uuid.UUID, ZoneInfo]) -> None:
    """Look for the longest waits anew where one was taken out; a day's is that of its quarter-hours."""
    quarters = sorted(set(keys))
    for key in quarters:
        waits = QueueVisit.objects.filter(
            account=key.account_id,
            queue_name=key.name,
            joined_at__gte=key.begins_at,
            joined_at__lt=key.begins_at + QUARTER,
        )
        keep_longest(Span.QUARTER, key, waits.aggregate(longest=Max("wait_ms"))["longest"])
    for key in sorted({day_of(key, zones) for key in quarters}):
        end = next_start(key.begins_at, Step.DAY, zones[key.account_id])
        parts = QueueFigures.objects.filter(
            account=key.account_id,
            span=Span.QUARTER,
            queue_name=key.name,
            begins_at__gte=key.begins_at,
            begins_at__lt=end,
        )
        keep_longest(Span.DAY, key, parts.aggregate(longest=Max(LONGEST))["longest"])


def keep_longest(span: Span, key: Key, longest: int | None) -> None:
    QueueFigures.objects.filter(
        account=key.account_id, span=span, begins_at=key.begins_at, queue_name=key.name
    ).update(**{LONGEST: longest or 0})
