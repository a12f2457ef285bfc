"""The second step of signing in: codes of an authenticator app (RFC 6238), and recovery codes.

1. What an app was given is kept encrypted, recovery codes as hashes.
2. Wrong codes are counted like wrong passwords, and more slowly: twenty in an hour.
3. A code is taken once: the UPDATE that notes its time step asks for one that is newer than the last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django_otp.oath import hotp

from accounts.tenancy import Actor, TenantModel
from database.sealed import SealedCharField

KEY_BYTES = 20
STEP_SECONDS = 30
DIGITS = 6
CLOCKS_DIFFER_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
ISSUER = "ccportal"


class SecondStep(models.TextChoices):
    """For whom an account requires it."""

    NOBODY = "", "Nobody; each may choose"
    ADMINS = "admins", "Administrators"
    EVERYONE = "everyone", "Everyone"


class Authenticator(TenantModel):
    """A person's authenticator app; it counts when it was confirmed by a code."""

    account_path = "user__account"

    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="authenticator")
    key = SealedCharField(max_length=64)
    last_step = models.BigIntegerField(default=-1)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Authenticator of {self.user}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(user=actor.user_id)

    @property
    def typed_key(self) -> str:
        """The key as people type it into an app."""
        return base64.b32encode(bytes.fromhex(self.key)).decode("ascii")

    @property
    def address(self) -> str:
        """What the QR code says."""
        label = quote(f"{ISSUER}:{self.user.email}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.typed_key, 'issuer': ISSUER})}"

    def takes(self, code: str) -> bool:
        """Whether it is a code of now that was not taken before; from then on it is taken."""
        step = self.step_of(code)
        if step is None:
            return False
        newer = Authenticator.objects.filter(pk=self.pk, last_step__lt=step)
        return bool(newer.update(last_step=step))

    def step_of(self, code: str) -> int | None:
        now = int(time.time()) // STEP_SECONDS
        steps = range(now - CLOCKS_DIFFER_STEPS, now + CLOCKS_DIFFER_STEPS + 1)
        return next((step for step in steps if hmac.compare_digest(self.code_at(step), code)), None)

    def code_at(self, step: int) -> str:
        return f"{hotp(bytes.fromhex(self.key), step, DIGITS):0{DIGITS}d}" if self.key else " "


class RecoveryCode(TenantModel):
    """A code that lets its person in once, without the app."""

    account_path = "user__account"

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recoverycode_unique_code")]

    def __str__(self) -> str:
        return f"Recovery code of {self.user}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(user=actor.user_id)


def has_second_step(user: Any) -> bool:
    return Authenticator.objects.filter(user=user, confirmed_at__isnull=False).exists()


def is_required_of(user: Any) -> bool:
    """Whether the person's account, or the server for its operators, wants one."""
    if user.account is None:
        return bool(settings.CCPORTAL_OPERATORS_TWO_STEP)
    wanted = user.account.second_step
    return bool(wanted == SecondStep.EVERYONE or (wanted == SecondStep.ADMINS and user.is_staff))


def begin_enrolment(user: Any) -> Authenticator:
    """What an app is to be given; the same until it is confirmed."""
    found, _ = Authenticator.objects.get_or_create(user=user, defaults={"key": secrets.token_hex(KEY_BYTES)})
    if not found.confirmed_at and not found.key:
        found.key = secrets.token_hex(KEY_BYTES)
        found.save(update_fields=["key"])
    return found


def confirm(authenticator: Authenticator, code: str) -> list[str]:
    """Let it count from now on; return the recovery codes, or nothing for a wrong code."""
    with transaction.atomic():
        if not authenticator.takes(plain(code)):
            return []
        unconfirmed = Authenticator.objects.filter(pk=authenticator.pk, confirmed_at=None)
        if not unconfirmed.update(confirmed_at=timezone.now()):
            return []
        return new_recovery_codes(authenticator.user)


def new_recovery_codes(user: Any) -> list[str]:
    """Recovery codes in the place of those there were; they are not shown again."""
    codes = [readable(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, code_hash=digest(plain(code))) for code in codes
        )
    return codes


def readable(random: bytes) -> str:
    """Four groups of four letters and digits."""
    text = base64.b32encode(random).decode("ascii").lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def plain(code: str) -> str:
    """A code as it is compared, however it was typed."""
    return "".join(sign for sign in code.lower() if sign.isascii() and sign.isalnum())


def take_code(user: Any, code: str) -> str:
    """Take a code of the app, or a recovery code: ``app``, ``recovery``, or nothing for a wrong one."""
    code = plain(code)
    authenticator = Authenticator.objects.filter(user=user, confirmed_at__isnull=False).first()
    if authenticator is None:
        return ""
    if authenticator.takes(code):
        return "app"
    used, _ = RecoveryCode.objects.filter(user=user, code_hash=digest(code)).delete()
    return "recovery" if used else ""


def forget_second_step(user: Any) -> bool:
    """Let the person sign in with the password alone; whether there was a second step."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        gone, _ = Authenticator.objects.filter(user=user).delete()
    return bool(gone)


def digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
