"""What an account has of a number: by indexes where there are some, else along the whole table in pieces."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import CASCADE, Exists, Model, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from accounts.contacts import Contact
from accounts.models import Account
from cdr.models import Call, CallAlias, Evidence, Leg
from cdr.search import COUNT_LIMIT
from recordings.erasure.models import Erasure
from recordings.erasure.numbers import Sought
from recordings.exports import Export, ExportState
from recordings.held import held_calls
from recordings.models import Media, Recording, State

CALL_COLUMNS = ("caller_digits", "dialed_digits", "callee_digits")
LEG_COLUMNS = ("caller_number", "callee_number", "destination_number", "final_destination_number")
RECORDING_COLUMNS = ("caller_number", "callee_number")
ON_THE_WAY = (State.EXPECTED, State.RECORDING, State.RECEIVED)
SETTLED_AFTER = timedelta(days=2)


def calls_with(account: Account, sought: Sought) -> list[QuerySet[Call]]:
    """Calls from, to or answered by the number, a set for each index."""
    rows = Call.objects.filter(account=account)
    return [rows.filter(**{f"{column}__in": sought.written}) for column in CALL_COLUMNS]


def any_column(sought: Sought) -> Q:
    """Calls whose own row has the number."""
    found = Q()
    for column in CALL_COLUMNS:
        found |= Q(**{f"{column}__in": sought.written})
    return found


def ids_of(sets: Sequence[QuerySet[Any]], most: int) -> list[uuid.UUID]:
    """The ids of so many rows of the sets, each once."""
    found: dict[uuid.UUID, None] = {}
    for rows in sets:
        left = most - len(found)
        if left > 0:
            found |= dict.fromkeys(
                rows.order_by().exclude(pk__in=list(found)).values_list("pk", flat=True)[:left]
            )
    return list(found)


def settled() -> Q:
    """Calls that are over and whose audio is where it belongs, or that are too old to wait for."""
    unstored = Q(state__in=ON_THE_WAY) | Q(state=State.PROCESSING, stored_at=None)
    waiting = Recording.objects.filter(unstored, call=OuterRef("pk"))
    over = Q(ended_at__isnull=False) & ~Exists(waiting)
    return over | Q(started_at__lt=timezone.now() - SETTLED_AFTER)


def legs_name(calls: Sequence[uuid.UUID], sought: Sought) -> bool:
    rows = Leg.objects.filter(call__id__any_of=calls).values_list(*LEG_COLUMNS)
    return any(sought.is_one_of(*numbers) for numbers in rows.iterator())


def pieces(
    rows: QuerySet[Any], erasure: Erasure, path: str, size: int, fields: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The next rows from new to old behind the place of the erasure: moment, id, and the fields."""
    if erasure.at is not None and erasure.at_id is not None:
        same = Q(**{path: erasure.at}, pk__lt=erasure.at_id)
        rows = rows.filter(Q(**{f"{path}__lte": erasure.at}), Q(**{f"{path}__lt": erasure.at}) | same)
    return list(rows.order_by(f"-{path}", "-pk").values_list(path, "pk", *fields)[:size])


@dataclass(frozen=True)
class Preview:
    """What would go and what would stay; counts end one above ten thousand."""

    forms: list[str]
    calls: int
    held: int
    going_on: int
    recordings: int
    bytes: int
    evidence: int
    parts: list[tuple[str, int]]
    contacts: int
    exports: int
    before: Erasure | None

    @property
    def is_nothing(self) -> bool:
        return not (self.calls or self.recordings or self.contacts)


def preview(account: Account, sought: Sought) -> Preview:
    ids = ids_of(calls_with(account, sought), COUNT_LIMIT + 1)
    calls = Call.objects.filter(id__any_of=ids)
    held = calls.filter(held_calls())
    files = Media.objects.filter(recording__call__id__any_of=ids)
    return Preview(
        forms=sorted(sought.forms, key=len),
        calls=len(ids),
        held=held.count(),
        going_on=calls.exclude(settled()).count(),
        recordings=Recording.objects.filter(call__id__any_of=ids).count(),
        bytes=files.aggregate(total=Sum("size"))["total"] or 0,
        evidence=Evidence.objects.filter(id__any_of=ids).count(),
        parts=[(name, count) for name, count in parts_of(ids) if count],
        contacts=contacts_with(account, sought).count(),
        exports=Export.objects.filter(account=account).exclude(state=ExportState.DELETED).count(),
        before=Erasure.objects.filter(account=account, key=sought.key(account.pk.hex)).first(),
    )


def contacts_with(account: Account, sought: Sought) -> QuerySet[Contact]:
    return Contact.objects.filter(account=account, digits__in=[*sought.forms])


def parts_of(ids: Sequence[uuid.UUID]) -> Iterator[tuple[str, int]]:
    """How many rows hang from the calls, by what they are; also those of apps above."""
    for relation in Call._meta.related_objects:
        model: type[Model] = relation.related_model
        if relation.on_delete is CASCADE and model is not CallAlias:
            rows = model._default_manager.filter(**{f"{relation.field.name}__id__any_of": ids})
            yield str(model._meta.verbose_name_plural), rows.order_by()[: COUNT_LIMIT + 1].count()
