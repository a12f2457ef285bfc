"""Where an account has its audio kept: the server's own storage, or a bucket of an S3-compatible one."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account
from accounts.tenancy import TenantModel, TenantQuerySet
from database.sealed import SealedCharField
from policies.addresses import UnsafeUrl, check_url

LOCATION = ("endpoint", "bucket", "prefix")


class StoreKind(models.TextChoices):
    SERVER = "server", "The server's own storage"
    S3 = "s3", "S3 or compatible"


class AudioStoreQuerySet(TenantQuerySet["AudioStore"]):
    def chosen_by(self, account_id: uuid.UUID) -> AudioStore | None:
        """What the account, else the nearest one above it, has chosen."""
        path = Account.objects.filter(pk=account_id).values_list("tree_path", flat=True).first() or ""
        above = [uuid.UUID(part) for part in path.split("/") if part]
        chosen = {row.account_id: row for row in self.filter(account__in=above, current=True)}
        return next((chosen[pk] for pk in reversed(above) if pk in chosen), None)


class AudioStore(TenantModel):
    """A place for audio. New files go to the ``current`` one; older ones stay, for the files that are there.

    A row without an account is the server's own bucket, whose keys are in the settings.
    """

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=StoreKind.choices, default=StoreKind.S3)
    endpoint = models.CharField(
        max_length=255, blank=True, help_text="Such as https://s3.example.com; empty for Amazon's own"
    )
    region = models.CharField(
        max_length=32, blank=True, validators=[RegexValidator(r"\A[a-z0-9-]+\Z", "This is no region.")]
    )
    bucket = models.CharField(
        max_length=63,
        blank=True,
        validators=[RegexValidator(r"\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", "This is no name of a bucket.")],
    )
    prefix = models.CharField(
        max_length=128,
        blank=True,
        validators=[RegexValidator(r"\A[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\Z", "Letters, digits, _, - and /.")],
        help_text="What every key begins with, before the account",
    )
    access_key = SealedCharField(max_length=128, blank=True)
    secret_key = SealedCharField(max_length=128, blank=True)
    current = models.BooleanField(default=True, help_text="New recordings are kept here")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AudioStoreQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = [F("created_at").desc(), "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(current=True, account__isnull=False),
                name="audiostore_one_current",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "bucket", "prefix"],
                condition=Q(account=None),
                name="audiostore_one_of_server",
            ),
            models.CheckConstraint(
                condition=Q(kind="server", account__isnull=False) | (Q(kind="s3") & ~Q(bucket="")),
                name="audiostore_has_bucket",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == StoreKind.SERVER:
            return str(StoreKind.SERVER.label)
        return "/".join(part for part in (self.endpoint or "s3:", self.bucket, self.prefix) if part)

    def clean(self) -> None:
        """Refuse what leads into the server's network, or would be signed with the server's own keys."""
        if self.kind == StoreKind.SERVER:
            return
        missing = [name for name in ("bucket", "access_key", "secret_key") if not getattr(self, name)]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "A bucket needs this."))
        check_endpoint(self.endpoint)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a store that is current takes the place of the one before."""
        with transaction.atomic():
            if self.current and self.account_id:
                others = AudioStore.objects.filter(account=self.account_id, current=True)
                others.exclude(pk=self.pk).update(current=False)
            super().save(*args, **kwargs)


def check_endpoint(endpoint: str) -> None:
    """Raise ValidationError for an endpoint that nothing is sent to."""
    if not endpoint:
        return
    try:
        check_url(endpoint)
        parts = urlsplit(endpoint)
    except UnsafeUrl as error:
        raise ValidationError({"endpoint": str(error)}) from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or extra:
        raise ValidationError({"endpoint": "It is https:// and a host, and nothing behind it."})


def store_for(account_id: uuid.UUID | None) -> AudioStore | None:
    """Where new files of the account go; None is the server's disk."""
    chosen = AudioStore.objects.chosen_by(account_id) if account_id else None
    return chosen if chosen and chosen.kind == StoreKind.S3 else server_store()


def server_store() -> AudioStore | None:
    """The bucket that the settings name for everybody; None when it is the disk."""
    if not settings.CCPORTAL_S3_BUCKET:
        return None
    found, _ = AudioStore.objects.get_or_create(
        account=None,
        kind=StoreKind.S3,
        endpoint=settings.CCPORTAL_S3_ENDPOINT,
        bucket=settings.CCPORTAL_S3_BUCKET,
        prefix=settings.CCPORTAL_S3_PREFIX,
    )
    return found
