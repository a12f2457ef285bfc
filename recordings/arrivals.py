"""Audio that comes by itself: tokens to send a file with, and files of a switch that no recording knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, Switch
from accounts.tenancy import TenantModel

if TYPE_CHECKING:
    from recordings.models import Recording


class UploadToken(TenantModel):
    """The right to send the file of one recording once; ``sha256`` and ``size`` are of what was sent."""

    account_path = "recording__account"

    recording: models.ForeignKey[Recording, Recording] = models.ForeignKey(
        "recordings.Recording", on_delete=models.CASCADE, related_name="upload_tokens"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=255, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"upload of {self.recording_id.hex}"


class OrphanState(models.TextChoices):
    SEEN = "seen", "Seen once"
    WAITING = "waiting", "Waiting"
    LINKED = "linked", "Linked"
    DISCARDED = "discarded", "Discarded"


class Orphan(TenantModel):
    """An audio file in a mapped folder of a switch that no recording knows.

    ``account`` is that of a switch that serves one tenant only; others' are the operators' to look at.
    A file is ``waiting`` once two looks found it the same.
    """

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    path = models.TextField()
    size = models.BigIntegerField()
    modified_at = models.DateTimeField()
    found_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=16, choices=OrphanState.choices, default=OrphanState.SEEN)
    recording: models.ForeignKey[Recording | None, Recording | None] = models.ForeignKey(
        "recordings.Recording", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = [F("modified_at").desc(), F("id").desc()]
        constraints = [models.UniqueConstraint(fields=["switch", "path"], name="orphan_unique_path")]
        indexes = [
            models.Index(
                F("modified_at").desc(),
                F("id").desc(),
                condition=Q(state="waiting"),
                name="orphan_waiting",
            ),
            models.Index(
                "account",
                F("modified_at").desc(),
                F("id").desc(),
                condition=Q(state="waiting"),
                name="orphan_account_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class FolderLook(models.Model):
    """How far a walk through a switch's folder has come; the next look goes on behind ``position``."""

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    root = models.TextField()
    position = models.TextField(blank=True)
    looked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["switch", "root"], name="folderlook_unique_root")]

    def __str__(self) -> str:
        return self.root
