"""Tenants and their people, phones, numbers and keys, and the switches that serve them."""

from __future__ import annotations

import uuid
import zoneinfo
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from accounts.contacts import Contact as Contact
from accounts.numbers import digits_of as digits_of
from accounts.scopes import permit, validate_scopes
from accounts.second_step import Authenticator as Authenticator
from accounts.second_step import RecoveryCode as RecoveryCode
from accounts.second_step import SecondStep
from accounts.sessions import BrowserSession as BrowserSession
from accounts.sessions import end_sessions
from accounts.tenancy import Actor, TenantModel, TenantQuerySet
from accounts.validators import (
    validate_cdr_source,
    validate_clip_suffix,
    validate_country,
    validate_file,
    validate_file_name_template,
    validate_path_mapping,
    validate_words,
)
from database.sealed import SealedCharField

LONGEST_KEPT_DAYS = 36_500
EXPORTS_KEPT_DAYS = 7
RECENT_ACCOUNTS = 6
KEPT_DAYS = [MinValueValidator(1), MaxValueValidator(LONGEST_KEPT_DAYS)]
FILE_NAME_TEMPLATE = "{started:%Y%m%d%H%M%S}_{caller}_{destination}_{agent}"
CLIP_SUFFIX = "_span"


class Role(models.TextChoices):
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"
    SUPERVISOR = "supervisor", "Supervisor"
    REVIEWER = "reviewer", "Reviewer"
    AGENT = "agent", "Agent"


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"{value!r} is not a time zone, such as Europe/Berlin.", code="time_zone")


class AccountQuerySet(TenantQuerySet["Account"]):
    def tree_of(self, account: Account) -> AccountQuerySet:
        """The account and its descendants."""
        return self.filter(tree_path__startswith=account.tree_path)

    def descendants_of(self, account: Account) -> AccountQuerySet:
        return self.tree_of(account).exclude(pk=account.pk)


class Account(TenantModel):
    """A tenant; a reseller's account has children. ``tree_path`` is the ids from the root down to it."""

    account_path = "id"

    name = models.CharField(max_length=128, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    tree_path = models.CharField(max_length=1024, editable=False, db_index=True)
    realm = models.CharField(max_length=253, null=True, blank=True, unique=True, help_text="SIP domain")
    account_code = models.CharField(max_length=64, null=True, blank=True, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    country = models.CharField(
        max_length=2,
        default="US",
        validators=[validate_country],
        help_text="Reads numbers written nationally",
    )
    custom_variables = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_words],
        help_text="Channel variables kept with each leg as custom fields",
    )
    file_name_template = models.CharField(
        max_length=200,
        default=FILE_NAME_TEMPLATE,
        validators=[validate_file_name_template],
        help_text="Names recordings: started, caller, destination, agent, queue, direction, account, "
        "call_id, recording_id, label",
    )
    clip_suffix = models.CharField(
        max_length=32,
        default=CLIP_SUFFIX,
        validators=[validate_clip_suffix],
        help_text="Ends the name of a part that is kept beside the whole call",
    )
    keep_wav = models.BooleanField(
        default=False, help_text="Keep the WAV file of what is recorded by policy, beside its MP3"
    )
    agents_may_listen = models.BooleanField(default=False)
    reviewers_may_download = models.BooleanField(default=False)
    second_step = models.CharField(
        "two-step sign-in required of",
        max_length=16,
        choices=SecondStep.choices,
        default=SecondStep.NOBODY,
        blank=True,
        help_text="They are led to set it up when they sign in next.",
    )
    keep_calls_days = models.PositiveIntegerField(
        null=True, blank=True, validators=KEPT_DAYS, help_text="Empty: for ever"
    )
    keep_recordings_days = models.PositiveIntegerField(
        null=True, blank=True, validators=KEPT_DAYS, help_text="Empty: for ever"
    )
    keep_exports_days = models.PositiveIntegerField(
        null=True, blank=True, validators=KEPT_DAYS, help_text=f"Empty: {EXPORTS_KEPT_DAYS}"
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AccountQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and take what is below along when the account moved in the tree."""
        before = self.tree_path
        above = self.parent.tree_path if self.parent else "/"
        self.tree_path = f"{above}{self.pk.hex}/"
        self.country = self.country.upper()
        self.realm = self.realm.lower() if self.realm else None
        self.account_code = self.account_code or None
        super().save(*args, **kwargs)
        if before and before != self.tree_path:
            below = Account.objects.filter(tree_path__startswith=before).exclude(pk=self.pk)
            below.update(tree_path=Concat(Value(self.tree_path), Substr("tree_path", len(before) + 1)))

    def clean(self) -> None:
        if self.parent and self.parent.tree_path.startswith(self.tree_path or "-"):
            raise ValidationError({"parent": "An account cannot stand below itself."})

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(pk=actor.account_id)


class Team(TenantModel):
    """People who are led, and judged, together; its queues are named at the queue."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=128)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="team_unique_name")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(members=actor.user_id)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, role=Role.OPERATOR, is_superuser=True, **fields)


class UserQuerySet(TenantQuerySet["User"]):
    pass


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; operators belong to no account."""

    account_path = "account"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="users"
    )
    email = models.EmailField(unique=True)
    username = models.CharField(max_length=128, help_text="Unique within the account")
    name = models.CharField(max_length=128, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.AGENT)
    teams = models.ManyToManyField(Team, blank=True, related_name="members")
    extension = models.CharField(max_length=32, blank=True)
    agent_name = models.CharField(max_length=255, blank=True, help_text="Name in the switch's queues")
    is_active = models.BooleanField(default=True)
    recent_accounts = models.JSONField(default=list, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager.from_queryset(UserQuerySet)()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    class Meta:
        ordering = ["name", "username"]
        constraints = [
            models.UniqueConstraint(fields=["account", "username"], name="user_unique_username"),
            models.CheckConstraint(
                condition=Q(role="operator") | Q(account__isnull=False), name="user_has_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and end every sign-in when the password is a new one."""
        password_is_new = getattr(self, "_password", None) is not None
        self.email = self.email.lower()
        super().save(*args, **kwargs)
        if password_is_new:
            end_sign_ins(self)

    def remember_account(self, account: Account) -> None:
        """Keep which accounts were looked at last, the newest first."""
        others = [key for key in self.recent_accounts if key != account.pk.hex]
        self.recent_accounts = [account.pk.hex, *others][:RECENT_ACCOUNTS]
        self.save(update_fields=["recent_accounts"])

    @property
    def is_staff(self) -> bool:
        """Whether the admin pages open: operators and tenant admins."""
        return self.role in (Role.OPERATOR, Role.ADMIN)

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(pk=actor.user_id) | Q(pk__in=actor.team_users)


class Device(TenantModel):
    """A phone; calls are its owner's. ``a1_hash`` is the digest of its password for ``sip_realm``."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="devices")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="devices")
    name = models.CharField(max_length=128)
    sip_username = models.CharField(max_length=128)
    sip_realm = models.CharField(max_length=253, blank=True, editable=False)
    a1_hash = models.CharField(max_length=32, blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "sip_username"], name="device_unique_sip_username")
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(owner=actor.user_id) | Q(owner__in=actor.team_users)


class PhoneNumber(TenantModel):
    """A number that leads to the account; ``digits`` is how the switch writes it, without signs."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="phone_numbers")
    number = models.CharField(max_length=64)
    digits = models.CharField(max_length=32, unique=True, editable=False)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["digits"]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.digits = digits_of(self.number)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        if not digits_of(self.number):
            raise ValidationError({"number": "A phone number needs a digit."})

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(owner=actor.user_id)


class ApiKey(TenantModel):
    """A program's way in. Only the hash is kept; ``prefix`` lets a person tell keys apart."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=128, default="API key")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.ADMIN)
    prefix = models.CharField(max_length=8, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    scopes = models.JSONField(default=list, blank=True, validators=[validate_scopes])
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(role="operator"), name="apikey_never_operator"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_valid(self) -> bool:
        """Whether it gives tokens, and those it gave count."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return not self.revoked_at and not expired and self.account.enabled


class AuthToken(TenantModel):
    """A sign-in of a program or person at the API, for an hour by default; only the hash is kept."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.scopes or (self.api_key and self.api_key.scopes))

    def permits(self, resource: str, verb: str) -> bool:
        """Whether neither its own scopes nor its key's forbid the verb."""
        key_scopes = self.api_key.scopes if self.api_key else []
        return permit(self.scopes, resource, verb) and permit(key_scopes, resource, verb)


def end_sign_ins(user: User) -> None:
    """End every session and token of a person."""
    AuthToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    end_sessions(BrowserSession.objects.filter(user=user))


class SwitchKind(models.TextChoices):
    FREESWITCH = "freeswitch", "FreeSWITCH"
    ASTERISK = "asterisk", "Asterisk"


class Switch(TenantModel):
    """A PBX: where it is, how to talk to it, and how calls from and to carriers are told from inside ones.

    ``account`` is set when the switch serves one tenant only.
    ``path_mapping`` leads from its folders to ours.
    """

    name = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=16, choices=SwitchKind.choices, default=SwitchKind.FREESWITCH)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="switches"
    )
    host = models.CharField(max_length=253, default="127.0.0.1")
    port = models.PositiveIntegerField(default=8021)
    password = SealedCharField(max_length=128, default="ClueCon")
    offnet_profiles = models.JSONField(default=list, blank=True, validators=[validate_words])
    offnet_contexts = models.JSONField(default=list, blank=True, validators=[validate_words])
    path_mapping = models.JSONField(default=dict, blank=True, validators=[validate_path_mapping])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    cdr_source = SealedCharField(
        max_length=1024,
        blank=True,
        validators=[validate_cdr_source],
        help_text="Of an Asterisk: Master.csv as this machine sees it, or the URL of its CDR table",
    )
    queue_log = models.CharField(
        max_length=1024,
        blank=True,
        validators=[validate_file],
        help_text="Of an Asterisk: its queue_log file as this machine sees it",
    )
    enabled = models.BooleanField(default=True)
    listener = models.CharField(max_length=128, blank=True, editable=False)
    listener_seen_at = models.DateTimeField(null=True, editable=False)
    last_heard_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "switches"

    def __str__(self) -> str:
        return self.name


class AuditEntry(TenantModel):
    """Who did what to which thing, and from where; never changed afterwards."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=255)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index("account", models.F("at").desc(), name="audit_account_at"),
            models.Index(models.F("at").desc(), models.F("id").desc(), name="audit_at"),
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_type}"


class SignInFailure(models.Model):
    """A wrong password, kept for a while under hashes of the name tried and of where it came from."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["key", "at"], name="signinfailure_key_at"),
            models.Index(fields=["at"], name="signinfailure_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"
