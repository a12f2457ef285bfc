"""Placing and releasing legal holds, on record."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Account
from accounts.tenancy import Actor
from cdr.models import Call
from cdr.search import number_forms
from recordings.holds import HoldKind, LegalHold
from recordings.models import Recording

BY_FLAG = "Set on the recording."


def lock(account_id: uuid.UUID | None) -> None:
    """Let holds and removals of an account take turns; the caller is in a transaction."""
    if account_id:
        list(Account.objects.select_for_update(no_key=True).filter(pk=account_id).values_list("pk"))


def hold_recording(recording: Recording, actor: Actor | None, reason: str = BY_FLAG) -> LegalHold | None:
    """Keep one recording, once for each reason; None when it belongs to nobody."""
    account = recording.account
    if account is None:
        return None
    with transaction.atomic():
        lock(account.pk)
        Recording.objects.filter(pk=recording.pk).update(legal_hold=True)
        recording.legal_hold = True
        own = LegalHold.objects.standing().filter(kind=HoldKind.RECORDING, recording=recording)
        return own.filter(reason=told(reason)).first() or place(
            LegalHold(kind=HoldKind.RECORDING, recording=recording), account, actor, reason
        )


def hold_call(call: Call, actor: Actor | None, reason: str) -> LegalHold | None:
    """Keep a call and all its recordings."""
    if call.account is None:
        return None
    return place(LegalHold(kind=HoldKind.CALL, call=call), call.account, actor, reason)


@transaction.atomic
def hold_calls(calls: Sequence[Call], actor: Actor | None, reason: str) -> int:
    """Keep several calls of one account, each with a hold of its own; return how many."""
    by = audit.clean(actor.label if actor else "system")[:255]
    lock(calls[0].account_id if calls else None)
    holds = [
        LegalHold(
            account_id=account,
            kind=HoldKind.CALL,
            call=call,
            reason=told(reason),
            placed_by=by,
            placed_by_user_id=actor.user_id if actor else None,
        )
        for call in calls
        if (account := call.account_id)
    ]
    LegalHold.objects.bulk_create(holds, batch_size=500)
    audit.record_each(actor, "hold.place", holds, kind=HoldKind.CALL, reason=told(reason))
    return len(holds)


def hold_number(account: Account, number: str, actor: Actor | None, reason: str) -> LegalHold:
    """Keep every call with a number, however a switch writes it; raise ValueError for what is no number."""
    forms = sorted(number_forms(number.strip(), account.country) - {""})
    if not forms:
        raise ValueError(f"{number!r} is no number.")
    hold = LegalHold(kind=HoldKind.NUMBER, number=number.strip(), forms=f" {' '.join(forms)} ")
    return place(hold, account, actor, reason)


def hold_period(
    account: Account, begins_at: datetime, ends_at: datetime, actor: Actor | None, reason: str
) -> LegalHold:
    """Keep every call that began from one moment up to another."""
    hold = LegalHold(kind=HoldKind.PERIOD, begins_at=begins_at, ends_at=ends_at)
    return place(hold, account, actor, reason)


@transaction.atomic
def place(hold: LegalHold, account: Account, actor: Actor | None, reason: str) -> LegalHold:
    lock(account.pk)
    hold.account, hold.reason = account, told(reason)
    hold.placed_by = audit.clean(actor.label if actor else "system")[:255]
    hold.placed_by_user_id = actor.user_id if actor else None
    hold.save(force_insert=True)
    audit.record(actor, "hold.place", hold, kind=hold.kind, reason=hold.reason)
    return hold


def told(reason: str) -> str:
    return audit.clean(reason)[:255]


@transaction.atomic
def release(hold: LegalHold, actor: Actor | None) -> bool:
    """Let go what a hold kept; False when somebody else has."""
    lock(hold.account_id)
    by = audit.clean(actor.label if actor else "system")[:255]
    mine = LegalHold.objects.standing().filter(pk=hold.pk)
    if not mine.update(released_at=timezone.now(), released_by=by):
        return False
    if hold.recording_id and not LegalHold.objects.standing().filter(recording=hold.recording_id).exists():
        Recording.objects.filter(pk=hold.recording_id).update(legal_hold=False)
    audit.record(actor, "hold.release", hold, kind=hold.kind, reason=hold.reason)
    return True


@transaction.atomic
def release_recording(recording: Recording, actor: Actor | None) -> None:
    """Release every hold on the recording itself; a call's, number's or period's goes on keeping it."""
    lock(recording.account_id)
    for hold in LegalHold.objects.standing().filter(recording=recording):
        release(hold, actor)
    Recording.objects.filter(pk=recording.pk).update(legal_hold=False)
    recording.legal_hold = False
