"""Calls that somebody is to review, and that were reviewed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import Account, User
from accounts.tenancy import Actor, TenantModel
from cdr.models import Call

LONGEST_NOTE = 255


class Assignment(TenantModel):
    """Who is to review a call, until it is done; a call has one, which is given to another or anew.

    ``started_at`` repeats when the call began: lists of what is to be reviewed are read along an index.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="assignment")
    started_at = models.DateTimeField()
    reviewer = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    reviewer_name = models.CharField(max_length=255)
    assigned_by = models.CharField(max_length=255)
    assigned_at = models.DateTimeField(default=timezone.now)
    due_on = models.DateField(null=True)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = [F("started_at").desc(), F("call").desc()]
        indexes = [
            models.Index(
                "account",
                F("started_at").desc(),
                F("call").desc(),
                condition=Q(done_at=None),
                name="assignment_open",
            ),
            models.Index(
                "reviewer",
                F("started_at").desc(),
                F("call").desc(),
                condition=Q(done_at=None),
                name="assignment_open_of_reviewer",
            ),
            models.Index(
                "account",
                F("started_at").desc(),
                F("call").desc(),
                condition=Q(done_at__isnull=False),
                name="assignment_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_name}, {'reviewed' if self.done_at else 'to review'}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """Working notes of those who judge calls: agents do not see them."""
        if actor.role == "agent":
            return Q(pk__in=[])
        return Q(call__in=Call.objects.filter(Call.team_scope(actor)))


def move_assignments(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """An assignment goes along when its call turns out to be part of another that has none."""
    for old, new in absorbed.items():
        there: Any = Assignment.objects.filter(call=new).values("call")
        if not there.exists():
            Assignment.objects.filter(call=old).update(call=new)


def follow_calls(call_ids: Collection[uuid.UUID]) -> None:
    """Assignments of calls that prove to have begun at another time go to their new place in the lists."""
    began = Call.objects.filter(pk=OuterRef("call")).values("started_at")
    moved = Assignment.objects.filter(call__id__any_of=list(call_ids)).exclude(
        started_at=F("call__started_at")
    )
    keys = list(moved.order_by().values_list("pk", flat=True))
    if keys:
        Assignment.objects.filter(pk__in=keys).update(started_at=Subquery(began))
