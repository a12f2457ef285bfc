"""The ``call_recording`` documents of accounts, users and devices, and every change of one."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Device, User
from accounts.tenancy import TenantModel, TenantQuerySet

Target = Account | User | Device
AT_MOST_ONE = Q(user__isnull=True) | Q(device__isnull=True)


class AboutTarget(TenantModel):
    """A row about a user, about a device or, without either, about the account itself."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE)

    class Meta:
        abstract = True

    @property
    def target(self) -> Target:
        return self.device or self.user or self.account


class TargetQuerySet(TenantQuerySet[Any]):
    def about(self, target: Target) -> TargetQuerySet:
        """The rows about an account itself, about a user or about a device."""
        match target:
            case User():
                return self.filter(user=target)
            case Device():
                return self.filter(device=target)
            case _:
                return self.filter(account=target, user=None, device=None)


class RecordingPolicy(AboutTarget):
    """What a tenant wrote; no row means that nothing was written, which is not the same as ``{}``."""

    document = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = TargetQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name_plural = "recording policies"
        constraints = [
            models.CheckConstraint(condition=AT_MOST_ONE, name="recordingpolicy_one_target"),
            models.UniqueConstraint(fields=["user"], name="recordingpolicy_unique_user"),
            models.UniqueConstraint(fields=["device"], name="recordingpolicy_unique_device"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(user__isnull=True, device__isnull=True),
                name="recordingpolicy_unique_account",
            ),
        ]

    def __str__(self) -> str:
        return f"Recording of {self.target}"


class PolicyChange(AboutTarget):
    """Who changed a document and when, from what to what; None is no document. Never changed afterwards."""

    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=255)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    restores = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")

    objects = TargetQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=AT_MOST_ONE, name="policychange_one_target")]
        indexes = [
            models.Index("account", models.F("at").desc(), name="policychange_account_at"),
            models.Index(models.F("at").desc(), name="policychange_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}"


class SnapshotMark(models.Model):
    """Left behind by the database itself with each change of what a ``policies.snapshot`` holds."""

    def __str__(self) -> str:
        return f"change {self.pk}"
