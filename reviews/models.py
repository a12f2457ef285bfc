"""What people who judge calls say about them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import Actor, TenantModel
from cdr.models import Call
from reviews.assignments import Assignment as Assignment

LONGEST_COMMENT = 2000


class Comment(TenantModel):
    """What somebody says about a call, or about the moment ``at`` of it.

    A moment, not an offset: it stays beside the sound when the call's beginning becomes known later, or when
    two calls prove to be one. ``author_name`` is what the author was called, and stays when the person goes.
    """

    account_path = "call__account"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=255)
    text = models.TextField(max_length=LONGEST_COMMENT)
    at = models.DateTimeField(null=True)
    written_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = [F("at").asc(nulls_first=True), "written_at", "id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="comment_says_something")]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:40]}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """Working notes of those who judge calls: agents do not see them."""
        if actor.role == "agent":
            return Q(pk__in=[])
        return Q(call__in=Call.objects.filter(Call.team_scope(actor)))


def move_comments(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Comments go along when one call turns out to be part of another."""
    for old, new in absorbed.items():
        Comment.objects.filter(call=old).update(call=new)
