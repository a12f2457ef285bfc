"""What an account keeps for so many days only: removed every night in small batches, unless it is held."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django_q.tasks import async_task

from accounts import audit
from accounts.models import Account
from cdr import evidence
from cdr.models import Call, EvidenceKey
from cdr.rollups import counted
from cdr.search import COUNT_LIMIT
from recordings.deletion import mark
from recordings.enqueue import erase_soon
from recordings.exporting import expire
from recordings.held import held_calls, held_recordings
from recordings.holding import lock
from recordings.models import PLAYABLE, Media, Recording, State

AT_ONCE = 200
LONGEST_RUN_SECONDS = 300
NEVER_ENDED_AFTER = timedelta(days=2)
FORGOTTEN_FOR = timedelta(days=400)
M = TypeVar("M", Recording, Call)
WITHOUT_AUDIO = (State.DELETED, State.DISCARDED, State.MISSING, State.EXPECTED)


def retain() -> int:
    """Every night: enqueue the accounts that keep something for a time only; return how many."""
    kept = Q(keep_calls_days__isnull=False) | Q(keep_recordings_days__isnull=False)
    accounts = list(Account.objects.filter(kept).values_list("pk", flat=True))
    for account_id in accounts:
        async_task("recordings.retention.retain_account", account_id.hex)
    expire()
    EvidenceKey.objects.filter(forgotten_at__lt=timezone.now() - FORGOTTEN_FOR).delete()
    return len(accounts)


def retain_account(account_hex: str) -> None:
    """Remove what is due of an account; what does not fit into five minutes goes on in another task."""
    account = Account.objects.filter(pk=uuid.UUID(account_hex)).first()
    if account is None:
        return
    until = time.monotonic() + LONGEST_RUN_SECONDS
    for remove in (remove_recordings, remove_calls):
        while remove(account):
            if time.monotonic() > until:
                async_task("recordings.retention.retain_account", account_hex)
                return


@transaction.atomic
def remove_recordings(account: Account) -> bool:
    """Mark a batch of recordings as being deleted and have their audio removed; say whether there was any."""
    lock(account.pk)
    account.refresh_from_db(fields=["keep_recordings_days"])
    ids = list(due_recordings(account).exclude(held_recordings()).values_list("pk", flat=True)[:AT_ONCE])
    if not ids:
        return False
    marked = mark(Recording.objects.filter(pk__in=ids), f"Kept for {account.keep_recordings_days} days.")
    erase_soon(ids)
    audit.record(None, "retention.recordings", account, count=marked, days=account.keep_recordings_days)
    return marked > 0


@transaction.atomic
def remove_calls(account: Account) -> bool:
    """Remove a batch of calls with all that hangs from them; say whether there was any."""
    lock(account.pk)
    account.refresh_from_db(fields=["keep_calls_days"])
    ids = list(due_calls(account).exclude(held_calls()).values_list("pk", flat=True)[:AT_ONCE])
    if not ids:
        return False
    with counted(ids):
        evidence.forget(ids)
        Recording.objects.filter(call__in=ids, state__in=WITHOUT_AUDIO, media=None).delete()
        Call.objects.filter(pk__in=ids).delete()
    audit.record(None, "retention.calls", account, count=len(ids), days=account.keep_calls_days)
    return True


def due_recordings(account: Account, now: datetime | None = None) -> QuerySet[Recording]:
    """Recordings with audio that began longer ago than the account keeps them, the oldest first."""
    rows = Recording.objects.filter(account=account, state__in=PLAYABLE, stored_at__isnull=False)
    return older(rows, account.keep_recordings_days, now)


def due_calls(account: Account, now: datetime | None = None) -> QuerySet[Call]:
    """Calls that ended longer ago than the account keeps them, the oldest first."""
    rows = Call.objects.filter(account=account)
    if account.keep_calls_days is None:
        return rows.none()
    limit = (now or timezone.now()) - timedelta(days=account.keep_calls_days)
    over = Q(ended_at__lt=limit) | Q(ended_at=None, started_at__lt=limit - NEVER_ENDED_AFTER)
    return older(rows.filter(over), account.keep_calls_days, now)


def older(rows: QuerySet[M], days: int | None, now: datetime | None) -> QuerySet[M]:
    if days is None:
        return rows.none()
    limit = (now or timezone.now()) - timedelta(days=days)
    return rows.filter(started_at__lt=limit).order_by("started_at", "pk")


@dataclass(frozen=True)
class Preview:
    """What the next night removes of an account; each count ends one above ten thousand."""

    recordings: int
    bytes: int
    recordings_held: int
    calls: int
    calls_held: int


def preview(account: Account) -> Preview:
    """Count what is due within a day and what holds keep of it, reading a bounded number of rows."""
    tomorrow = timezone.now() + timedelta(days=1)
    recordings, calls = due_recordings(account, tomorrow), due_calls(account, tomorrow)
    going = recordings.exclude(held_recordings())
    files = Media.objects.filter(recording__in=going.values("pk")[:COUNT_LIMIT])
    return Preview(
        recordings=capped(going),
        bytes=files.aggregate(total=Sum("size"))["total"] or 0,
        recordings_held=capped(recordings.filter(held_recordings())),
        calls=capped(calls.exclude(held_calls())),
        calls_held=capped(calls.filter(held_calls())),
    )


def capped(rows: QuerySet[M]) -> int:
    return rows[: COUNT_LIMIT + 1].count()
