"""Exports: files that somebody asked for, made in the background and kept for some days."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, ApiKey, User
from accounts.tenancy import Actor, TenantModel, TenantQuerySet
from recordings.stores import AudioStore


class ExportKind(models.TextChoices):
    CALLS = "calls", "Calls"
    LEGS = "cdrs", "Legs"
    QUEUE_CALLS = "queue_calls", "Queue calls"
    RECORDINGS = "recordings", "Recordings"


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"
    ZIP = "zip", "ZIP of audio"


class ExportState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    DELETED = "deleted", "Deleted"


UNFINISHED = (ExportState.QUEUED, ExportState.RUNNING)


class ExportQuerySet(TenantQuerySet["Export"]):
    def unfinished(self) -> ExportQuerySet:
        return self.filter(state__in=UNFINISHED)


class Export(TenantModel):
    """A list as a file: what was asked for, how far it is, and where its file is kept.

    ``chosen`` is the list's parameters; what of it may be seen is looked up as who asked, while it is made.
    ``at`` and ``at_id`` are the last row that is in the draft, whose first ``flushed`` bytes are whole;
    ``index_flushed`` is the same for the draft's index. ``lease`` is whose work it is until ``lease_until``.
    ``key`` is written before the file is stored and cleared when it is gone.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    asked_by = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=16, choices=ExportKind.choices)
    format = models.CharField(max_length=8, choices=ExportFormat.choices)
    chosen = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=ExportState.choices, default=ExportState.QUEUED)
    state_reason = models.CharField(max_length=255, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(null=True, help_text="Counted to ten thousand and one")
    files = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    draft = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(null=True)
    at_id = models.UUIDField(null=True)
    flushed = models.BigIntegerField(default=0)
    index_flushed = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    store = models.ForeignKey(AudioStore, null=True, on_delete=models.RESTRICT, related_name="+")
    key = models.CharField(max_length=255, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)

    objects = ExportQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = [F("asked_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("asked_at").desc(), F("id").desc(), name="export_account_asked"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["queued", "running"]),
                name="export_unfinished",
            ),
            models.Index(fields=["expires_at"], condition=Q(state="ready"), name="export_expires"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["deleted", "failed"]) & ~Q(key=""),
                name="export_to_erase",
            ),
            models.Index(fields=["key"], condition=~Q(key=""), name="export_key"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(format="zip") | Q(kind="recordings"), name="export_zip_is_audio"
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @classmethod
    def wanted(
        cls,
        account: Account,
        kind: str,
        file_format: str,
        chosen: dict[str, Any],
        user: User | None,
        api_key: ApiKey | None = None,
    ) -> Export:
        """One that is not asked for yet; its file is named by kind and time."""
        now = timezone.now()
        what = "audio" if file_format == ExportFormat.ZIP else kind
        name = f"{what}-{now.astimezone(account.zone):%Y%m%d-%H%M%S}.{file_format}"
        return cls(
            account=account,
            kind=kind,
            format=file_format,
            chosen=chosen,
            user=user,
            api_key=api_key,
            asked_at=now,
            file_name=name,
        )

    @property
    def created_at(self) -> datetime:
        """When the file was made."""
        return self.finished_at or self.asked_at

    @property
    def stored_key(self) -> str:
        """Where the file belongs."""
        return str(PurePosixPath(self.account_id.hex, "exports", self.pk.hex, f"export.{self.format}"))

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """One's own; a key has no person, and is known by its label."""
        return Q(user=actor.user_id) if actor.user_id else Q(user=None, asked_by=actor.label)
