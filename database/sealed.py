"""Columns whose content is encrypted at rest, with keys derived from a setting.

A column holds ``sealed:`` and a Fernet token. What does not begin so is from before and is read as it is;
whatever is saved is sealed with the first key. Without the right key a value is ``Lost``: empty and false,
and kept as it is in the database when its row is saved.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

MARK = "sealed:"
PURPOSE = b"ccportal: secrets in the database"
LOST_WORDS = "The secret cannot be read: CCPORTAL_ENCRYPTION_KEYS lacks the key it was sealed with."


class Lost(str):
    """A secret that cannot be read; ``sealed`` is what the column holds."""

    sealed: str

    def __new__(cls, sealed: str) -> Lost:
        lost = super().__new__(cls)
        lost.sealed = sealed
        return lost


class LostObject(dict[str, Any]):
    """An object of secrets that cannot be read."""

    def __init__(self, sealed: str) -> None:
        super().__init__()
        self.sealed = sealed


def is_lost(value: Any) -> bool:
    return isinstance(value, Lost | LostObject)


def seal(plain: str) -> str:
    return MARK + fernet().encrypt(plain.encode()).decode("ascii") if plain else ""


def unseal(kept: str) -> str:
    """The secret; Lost when no key fits."""
    if not kept.startswith(MARK):
        return kept
    try:
        return fernet().decrypt(kept.removeprefix(MARK).encode()).decode()
    except InvalidToken:
        return Lost(kept)


def fernet() -> MultiFernet:
    return fernet_of(tuple(settings.CCPORTAL_ENCRYPTION_KEYS))


@lru_cache(maxsize=8)
def fernet_of(words: tuple[str, ...]) -> MultiFernet:
    """The first seals, all open."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derived(word))) for word in words])


def derived(word: str) -> bytes:
    return HKDF(SHA256(), 32, None, PURPOSE).derive(word.encode())


class SealedCharField(models.CharField):  # type: ignore[type-arg]
    """A short secret; ``max_length`` is that of the secret itself."""

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, kept: str | None, *_: Any) -> str | None:
        return kept if kept is None else unseal(kept)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Lost):
            return value.sealed
        return None if value is None else seal(str(value))


class SealedJSONField(models.JSONField):
    """An object of secrets."""

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, kept: Any, *_: Any) -> Any:
        if kept is None:
            return None
        plain = unseal(kept)
        return LostObject(kept) if is_lost(plain) else json.loads(plain)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, LostObject):
            return value.sealed
        return None if value is None else seal(json.dumps(value))
