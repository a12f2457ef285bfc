"""Callers to call back: who left a queue unanswered, and has neither called again nor been reached since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import digits_of
from cdr.models import Call, CallDirection, Outcome, QueueVisit

MOST_VISITS = 2_000
SHORTEST_NUMBER = 4


@dataclass(frozen=True)
class Callback:
    """A number, the last visit it left, and how often it was tried in the time."""

    number: str
    name: str
    visit: QueueVisit
    tries: int


def callbacks(visits: QuerySet[QueueVisit], calls: QuerySet[Call], since: datetime) -> list[Callback]:
    """One a number, newest first; of very many abandoned visits the newest are looked at."""
    left = visits.filter(joined_at__gte=since, answered_at__isnull=True, left_at__isnull=False)
    by_number: dict[str, list[QueueVisit]] = {}
    for visit in left.order_by("-joined_at", "-id")[:MOST_VISITS]:
        number = digits_of(visit.caller_number)
        if len(number) >= SHORTEST_NUMBER:
            by_number.setdefault(number, []).append(visit)
    settled = settled_since(calls, by_number, since)
    return [
        Callback(tries[0].caller_number, tries[0].caller_name, tries[0], len(tries))
        for number, tries in by_number.items()
        if number not in settled or settled[number] <= tries[0].joined_at
    ]


def settled_since(calls: QuerySet[Call], numbers: Iterable[str], since: datetime) -> dict[str, datetime]:
    """When each number last called and was spoken with, or was called and answered.

    A call that was abandoned again is no settlement: its own visit is the newer one to call back.
    """
    wanted = list(numbers)
    answered = calls.filter(started_at__gte=since, outcome__in=[Outcome.ANSWERED, Outcome.IN_PROGRESS])
    told = [
        *answered.filter(caller_digits__any_of=wanted).order_by().values_list("caller_digits", "started_at"),
        *answered.filter(
            Q(direction=CallDirection.OUTBOUND), dialed_digits__any_of=wanted, outcome=Outcome.ANSWERED
        )
        .order_by()
        .values_list("dialed_digits", "started_at"),
    ]
    found: dict[str, datetime] = {}
    for number, at in told:
        found[number] = max(found.get(number, at), at)
    return found
