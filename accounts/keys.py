"""Secrets of programs: API keys and the tokens of one sign-in. They are shown once and kept as SHA-256.

A secret has 256 random bits, so its hash needs no salt and is found by the hash's index: no comparison of
secrets takes longer the more of them is right.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from accounts.actors import may_sign_in
from accounts.models import Account, ApiKey, AuthToken, Role, User

SECRET_BYTES = 32
PREFIX_LENGTH = 8
TOKEN_LIFETIME = timedelta(hours=1)
USE_IS_NOTED_EVERY = timedelta(minutes=1)
EXPIRED_KEPT_FOR = timedelta(days=1)


def new_secret() -> str:
    """64 hex digits from 256 random bits."""
    return secrets.token_hex(SECRET_BYTES)


def hash_of(plain: str) -> str:
    return hashlib.sha256(plain.encode("utf-8", "backslashreplace")).hexdigest()


def issue_key(
    account: Account,
    role: Role | str = Role.ADMIN,
    name: str = "API key",
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of an account and return it with its secret, which nobody can read again."""
    if role == Role.OPERATOR:
        raise ValidationError("An API key belongs to an account and cannot be an operator's.")
    key = ApiKey(account=account, role=Role(role), name=name, scopes=list(scopes), expires_at=expires_at)
    plain = give_secret(key)
    key.full_clean()
    key.save()
    return key, plain


def give_secret(key: ApiKey) -> str:
    """Give a key that is not saved yet its secret, and return that."""
    plain = new_secret()
    key.prefix, key.key_hash = plain[:PREFIX_LENGTH], hash_of(plain)
    return plain


def find_key(plain: str) -> ApiKey | None:
    """The key with this secret, if it has not ended and its account is enabled."""
    key = ApiKey.objects.select_related("account").filter(key_hash=hash_of(plain)).first()
    if key is None or not key.is_valid:
        return None
    note_use(key)
    return key


def note_use(key: ApiKey) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def revoke_key(key: ApiKey) -> None:
    """End a key and, with it, the tokens it was given."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    key.refresh_from_db(fields=["revoked_at"])


def issue_token(
    *,
    user: User | None = None,
    api_key: ApiKey | None = None,
    lifetime: timedelta = TOKEN_LIFETIME,
    scopes: Sequence[str] = (),
) -> str:
    """Return a new token of a person or of a key; give exactly one of them."""
    if (user is None) == (api_key is None):
        raise ValueError("A token is a person's or a key's.")
    now = timezone.now()
    AuthToken.objects.filter(expires_at__lt=now - EXPIRED_KEPT_FOR).delete()
    plain = new_secret()
    owner = user or api_key
    AuthToken.objects.create(
        account=owner.account if owner else None,
        user=user,
        api_key=api_key,
        token_hash=hash_of(plain),
        scopes=list(scopes),
        created_at=now,
        expires_at=now + lifetime,
    )
    return plain


def find_token(plain: str) -> AuthToken | None:
    """The token, if it has not expired or been revoked, and neither has who it was given to."""
    tokens = AuthToken.objects.select_related("user__account", "api_key__account")
    valid = tokens.filter(revoked_at=None, expires_at__gt=timezone.now())
    token = valid.filter(token_hash=hash_of(plain)).first()
    return token if token and owner_may_sign_in(token) else None


def owner_may_sign_in(token: AuthToken) -> bool:
    if token.user:
        return may_sign_in(token.user)
    return bool(token.api_key and token.api_key.is_valid)


def revoke_token(token: AuthToken) -> None:
    AuthToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
