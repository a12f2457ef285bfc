"""What was asked to be erased, how far that is, and what came of it; the number itself goes at the end."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, User
from accounts.tenancy import TenantModel


class Phase(models.TextChoices):
    """What is gone through, in this order."""

    EXPORTS = "exports", "Exports"
    CALLS = "calls", "Calls"
    LEGS = "legs", "Legs of other calls"
    RECORDINGS = "recordings", "Recordings without a call"
    CONTACTS = "contacts", "Contacts"
    HOLDS = "holds", "Released holds"
    DELIVERIES = "deliveries", "Deliveries"
    AUDIT = "audit", "Audit log"
    NEW_EXPORTS = "new_exports", "Exports made meanwhile"
    DONE = "done", "Done"


class Erasure(TenantModel):
    """One number to be forgotten. ``number`` is there while it is at work; ``key`` is a keyed hash of it.

    ``at`` and ``at_id`` are the row of the phase that was looked at last; ``counts`` are rows that went, by
    what they were, ``stayed`` rows that did not, by the reason, ``elsewhere`` what had been sent to a host.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=64, blank=True)
    ending = models.CharField(max_length=3)
    key = models.CharField(max_length=64)
    asked_by = models.CharField(max_length=255)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    phase = models.CharField(max_length=16, choices=Phase.choices, default=Phase.EXPORTS)
    at = models.DateTimeField(null=True)
    at_id = models.UUIDField(null=True)
    counts = models.JSONField(default=dict)
    stayed = models.JSONField(default=dict)
    elsewhere = models.JSONField(default=dict)
    trouble = models.CharField(max_length=255, blank=True)
    next_try_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = [F("asked_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("asked_at").desc(), F("id").desc(), name="erasure_account_asked"),
            models.Index(fields=["next_try_at"], condition=~Q(phase="done"), name="erasure_unfinished"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(phase="done") | Q(number=""), name="erasure_forgets_number")
        ]

    def __str__(self) -> str:
        return f"a number ending in {self.ending}"

    @property
    def is_done(self) -> bool:
        return self.phase == Phase.DONE
