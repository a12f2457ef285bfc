"""Where an account's calls are told over SOAP, and how."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account
from accounts.tenancy import TenantModel
from database.sealed import SealedJSONField
from policies.addresses import LONGEST_URL
from recordings.connectors.definition import (
    check_mapping,
    sends_files,
    validate_secrets,
    validate_sign_in,
    validate_steps,
)
from recordings.delivery.models import host_of, validate_web_url


class Connector(TenantModel):
    """A system that hears of each call: one that needs the file when it is ready, else when the call ended.

    ``secrets`` are written and never shown. ``since`` is when it was switched on.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="connectors")
    name = models.CharField(max_length=128)
    wsdl = models.CharField(
        "WSDL", max_length=LONGEST_URL, validators=[validate_web_url], help_text="Its address, http or https"
    )
    secrets = SealedJSONField(
        default=dict,
        blank=True,
        validators=[validate_secrets],
        help_text='Such as {"password": "…"}, for {secret.password}; never shown again',
    )
    sign_in = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_sign_in],
        help_text="operation, arguments, and in session where its answer has the session",
    )
    steps = models.JSONField(
        default=list, validators=[validate_steps], help_text="A list of name, operation, arguments, once"
    )
    with_files = models.BooleanField(default=False, editable=False)
    enabled = models.BooleanField(default=True)
    since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="connector_unique_name")]
        indexes = [models.Index(fields=["account"], condition=Q(enabled=True), name="connector_enabled")]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        return host_of(self.wsdl)

    def clean(self) -> None:
        try:
            validate_sign_in(self.sign_in)
            validate_steps(self.steps)
            validate_secrets(self.secrets)
        except ValidationError:
            return
        try:
            check_mapping(self.sign_in, self.steps, self.secrets)
        except ValidationError as wrong:
            raise ValidationError({"steps": wrong.messages}) from None

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.since = (self.since or timezone.now()) if self.enabled else None
        self.with_files = sends_files(self.steps)
        super().save(*args, **kwargs)
