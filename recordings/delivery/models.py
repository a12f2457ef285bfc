"""The outbox, a row for each thing to be sent, and the webhooks that news goes to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.changes import host_of as host_of
from accounts.keys import new_secret
from accounts.models import Account
from accounts.tenancy import Actor, TenantModel
from database.sealed import SealedCharField
from policies.addresses import LONGEST_URL, UnknownHost, UnsafeUrl, check_url, read_url

WEB = ("http", "https")


class Event(models.TextChoices):
    CALL_ENDED = "call.ended", "A call ended"
    RECORDING_READY = "recording.ready", "A recording is ready"
    RECORDING_FAILED = "recording.failed", "A recording failed or is missing"


def validate_events(value: Any) -> None:
    """Refuse what is no list of different events."""
    if not isinstance(value, list) or not all(event in Event.values for event in value):
        raise ValidationError(f"Choose among {', '.join(Event.values)}.")
    if not value or len(set(value)) != len(value):
        raise ValidationError("Choose each event once, and at least one.")


def validate_web_url(value: str) -> None:
    """Refuse a url that is not on the web, without looking its host up."""
    try:
        scheme = read_url(value).scheme
    except UnsafeUrl as unsafe:
        raise ValidationError(str(unsafe)) from None
    if scheme not in WEB:
        raise ValidationError("The address begins with http:// or https://.")


def refuse_inside(value: str) -> None:
    """Look the host of a webhook up, which takes a while, and refuse one that nothing is delivered to."""
    validate_web_url(value)
    try:
        check_url(value)
    except UnknownHost:
        return
    except UnsafeUrl as unsafe:
        raise ValidationError(str(unsafe)) from None


def every_event() -> list[str]:
    return list(Event.values)


class Webhook(TenantModel):
    """Where news of an account is posted to, signed with a secret that is shown once.

    ``since`` is when it was switched on: it hears of nothing that happened before.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=128)
    url = models.CharField(max_length=LONGEST_URL, validators=[validate_web_url])
    events = models.JSONField(default=every_event, validators=[validate_events])
    secret = SealedCharField(max_length=128, default=new_secret, editable=False)
    enabled = models.BooleanField(default=True)
    since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="webhook_unique_name")]
        indexes = [models.Index(fields=["account"], condition=Q(enabled=True), name="webhook_enabled")]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """Where it goes, without user, password, path and query."""
        return host_of(self.url)

    def rotate(self) -> None:
        """Sign with a new secret from now on."""
        self.secret = new_secret()
        self.save(update_fields=["secret"])

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.since = (self.since or timezone.now()) if self.enabled else None
        super().save(*args, **kwargs)


class DeliveryState(models.TextChoices):
    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Kind(models.TextChoices):
    """What the senders of this package send; others register kinds of their own."""

    RECORDING = "recording", "Recording"
    WEBHOOK = "webhook", "Webhook"
    CONNECTOR = "connector", "Connector"


class Delivery(TenantModel):
    """A thing to be sent. Its id follows from what it is and where it goes, so nothing is written twice.

    ``next_try_at`` is when it may be taken on: while it is being sent, when its worker is given up for lost.
    ``url`` can hold a password and is shown to nobody; a webhook's is the webhook's own. ``host`` is shown.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=255, blank=True, help_text="What is sent, in a word or two")
    recording = models.ForeignKey(
        "recordings.Recording", null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE, related_name="deliveries")
    connector = models.ForeignKey(
        "recordings.Connector", null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    url = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Since it was last asked for")
    error = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    queued_at = models.DateTimeField(null=True, help_text="When its task was written")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = [F("created_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="delivery_account_created"),
            models.Index(
                "account", "state", F("created_at").desc(), F("id").desc(), name="delivery_account_state"
            ),
            models.Index(fields=["next_try_at"], condition=Q(state="pending"), name="delivery_pending"),
            models.Index(fields=["finished_at"], condition=Q(state="sent"), name="delivery_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.host}"

    @property
    def host(self) -> str:
        """Where it goes, without user, password, path and query."""
        owner = self.webhook or self.connector
        return owner.host if owner else host_of(self.url)

    @property
    def kind_name(self) -> str:
        return str(Kind(self.kind).label) if self.kind in Kind else self.kind

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """Files go with their recordings; news are the administrators'."""
        recording: Any = cls._meta.get_field("recording").related_model
        return Q(kind=Kind.RECORDING, recording__in=recording.objects.filter(recording.team_scope(actor)))


def hooks_for(event: str, accounts: Collection[Any]) -> list[Webhook]:
    """The webhooks of these accounts that want to hear of an event: one query, on an index of few rows."""
    found = Webhook.objects.filter(account__in=accounts, enabled=True) if accounts else []
    return [hook for hook in found if event in hook.events]
