"""Legal holds: why something must stay."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, User
from accounts.tenancy import Actor, TenantModel, TenantQuerySet
from cdr.models import Call


class HoldKind(models.TextChoices):
    RECORDING = "recording", "Recording"
    CALL = "call", "Call"
    NUMBER = "number", "Number"
    PERIOD = "period", "Period"


class LegalHoldQuerySet(TenantQuerySet["LegalHold"]):
    def standing(self) -> LegalHoldQuerySet:
        """Those that nobody has released."""
        return self.filter(released_at=None)


class LegalHold(TenantModel):
    """A reason why something must stay; ``forms`` are all ways in which a switch may write the number."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=HoldKind.choices)
    recording = models.ForeignKey(
        "recordings.Recording", null=True, blank=True, on_delete=models.CASCADE, related_name="holds"
    )
    call = models.ForeignKey(Call, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    number = models.CharField(max_length=64, blank=True)
    forms = models.CharField(max_length=255, blank=True, editable=False)
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=255)
    placed_by = models.CharField(max_length=255)
    placed_by_user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    placed_at = models.DateTimeField(default=timezone.now)
    released_by = models.CharField(max_length=255, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = LegalHoldQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = [F("placed_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("placed_at").desc(), F("id").desc(), name="legalhold_account_placed"),
            models.Index(
                fields=["account", "kind"], condition=Q(released_at=None), name="legalhold_standing"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="recording", recording__isnull=False)
                    | Q(kind="call")
                    | (Q(kind="number") & ~Q(forms=""))
                    | Q(kind="period", begins_at__isnull=False, ends_at__isnull=False)
                ),
                name="legalhold_has_target",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reason}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """Holds on their calls; those on a number or a period are about more than a team."""
        own_calls = Call.objects.filter(Call.team_scope(actor))
        return Q(call__in=own_calls) | Q(recording__call__in=own_calls)


def move_holds(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Holds go along when one call turns out to be part of another."""
    for old, new in absorbed.items():
        LegalHold.objects.filter(call=old).update(call=new)
