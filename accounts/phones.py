"""A phone's password: only its digest is kept, as SIP wants it, for the account's realm."""

from __future__ import annotations

import hashlib

from django.core.exceptions import ValidationError

from accounts.models import Device

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128


def set_sip_password(device: Device, plain: str) -> None:
    """Give a phone a password, to be saved by the caller; it ends with the account's realm."""
    realm = device.account.realm
    if not realm:
        raise ValidationError("The account needs a SIP realm first.", code="realm")
    if not SHORTEST_PASSWORD <= len(plain) <= LONGEST_PASSWORD or not plain.isprintable():
        raise ValidationError(
            f"Write from {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} signs.", code="password_length"
        )
    device.sip_realm = realm
    device.a1_hash = a1_hash(device.sip_username, realm, plain)


def a1_hash(username: str, realm: str, plain: str) -> str:
    """The digest of RFC 2617, which phones and switches agree on."""
    return hashlib.md5(f"{username}:{realm}:{plain}".encode(), usedforsecurity=False).hexdigest()
