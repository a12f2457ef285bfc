"""Giving calls to a reviewer, and saying that they were reviewed, on record."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Action
from accounts.actors import actor_for
from accounts.models import User
from accounts.tenancy import Actor
from cdr.models import Call
from reviews.assignments import LONGEST_NOTE, Assignment


def called(actor: Actor | None) -> str:
    return audit.clean(actor.label if actor else "system")[:255]


def may_review(person: User) -> bool:
    """Whether the person's role is to judge calls, or to have others do it."""
    actor = actor_for(person)
    return bool(actor and (actor.may(Action.EVALUATE) or actor.may(Action.ASSIGN_REVIEWS)))


@transaction.atomic
def assign(
    calls: Sequence[Call], reviewer: User, actor: Actor | None, due_on: date | None = None, note: str = ""
) -> int:
    """Give the reviewer calls that both see, also those that were somebody's or done."""
    found = [call for call in calls if call.account_id]
    now = timezone.now()
    rows = [
        Assignment(
            account_id=account,
            call=call,
            started_at=call.started_at,
            reviewer=reviewer,
            reviewer_name=audit.clean(str(reviewer))[:255],
            assigned_by=called(actor),
            assigned_at=now,
            due_on=due_on,
            note=audit.clean(note)[:LONGEST_NOTE],
        )
        for call in found
        if (account := call.account_id)
    ]
    changed = ["account", "started_at", "reviewer", "reviewer_name", "assigned_by", "assigned_at"]
    changed += ["due_on", "note", "done_at", "done_by"]
    Assignment.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["call"], update_fields=changed, batch_size=500
    )
    audit.record_each(actor, "review.assign", found, reviewer=str(reviewer), due_on=due_on, note=note)
    return len(found)


@transaction.atomic
def finish(call: Call, actor: Actor | None) -> bool:
    """Say that the call was reviewed; also one that nobody was to review. False when that was said before."""
    if call.account_id is None:
        return False
    person = User.objects.filter(pk=actor.user_id).first() if actor and actor.user_id else None
    row, _ = Assignment.objects.get_or_create(
        call=call,
        defaults={
            "account_id": call.account_id,
            "started_at": call.started_at,
            "reviewer": person,
            "reviewer_name": called(actor),
            "assigned_by": called(actor),
        },
    )
    open_ones = Assignment.objects.filter(pk=row.pk, done_at=None)
    if not open_ones.update(done_at=timezone.now(), done_by=called(actor)):
        return False
    audit.record(actor, "review.done", call)
    return True


@transaction.atomic
def withdraw(call_ids: Sequence[uuid.UUID], actor: Actor | None) -> int:
    """Nobody is to review these calls any more, or they count as not reviewed."""
    rows = list(Assignment.objects.filter(call__in=call_ids).select_related("call"))
    Assignment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    audit.record_each(actor, "review.withdraw", [row.call for row in rows])
    return len(rows)
