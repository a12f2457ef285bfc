"""Slows guessing: wrong passwords are counted in the database, per name and per address, for all processes.

A try is counted before its password is looked at and taken back when it was right, so that guesses sent at
one moment count as well. A try that has to wait is not counted: after the wait the next one is heard.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import SignInFailure

WINDOW = timedelta(minutes=1)
WRONG_PER_NAME = 5
WRONG_PER_ADDRESS = 10
FAILURES_KEPT_FOR = timedelta(hours=1)
# A code has six digits: with the password known, five guesses a minute would find one in some weeks.
WRONG_CODES_PER_HOUR = 20


class SignInThrottled(Exception):
    """Too many wrong passwords; ``seconds`` until the next is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong tries. Try again in {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True)
class Attempt:
    """A sign-in that counts as failed until it succeeded."""

    name_key: str
    failures: tuple[int, ...]

    def succeeded(self) -> None:
        """Take back this try and forget the name's wrong ones, but not the address's."""
        SignInFailure.objects.filter(pk__in=self.failures).delete()
        SignInFailure.objects.filter(key=self.name_key).delete()


def admit(name: str, address: str | None, per_hour: int = 0) -> Attempt:
    """Count a try and return it, or raise SignInThrottled; ``per_hour`` limits the name's wrong ones more."""
    now = timezone.now()
    SignInFailure.objects.filter(at__lt=now - FAILURES_KEPT_FOR).delete()
    limits = {key_of("name", name.strip().lower()): WRONG_PER_NAME}
    if address:
        limits[key_of("address", network_of(address))] = WRONG_PER_ADDRESS
    counted = tuple(SignInFailure.objects.create(key=key, at=now).pk for key in limits)
    wait = max(seconds_to_wait(key, limit, now) for key, limit in limits.items())
    name_key = next(iter(limits))
    if per_hour:
        wait = max(wait, seconds_to_wait(name_key, per_hour, now, FAILURES_KEPT_FOR))
    if wait:
        SignInFailure.objects.filter(pk__in=counted).delete()
        raise SignInThrottled(wait)
    return Attempt(name_key, counted)


def network_of(address: str) -> str:
    """The address, or what one customer has of IPv6: a network of 64 bits."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def key_of(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "backslashreplace")).hexdigest()


def admit_code(user_id: uuid.UUID, address: str | None) -> Attempt:
    """Count the try of a code of the second step."""
    return admit(f"code/{user_id.hex}", address, WRONG_CODES_PER_HOUR)


def seconds_to_wait(key: str, limit: int, now: datetime, window: timedelta = WINDOW) -> int:
    """Whole seconds until at most ``limit`` tries are in the window; 0 if that is so now."""
    recent = SignInFailure.objects.filter(key=key, at__gt=now - window).order_by("-at", "-pk")
    times = list(recent.values_list("at", flat=True)[: limit + 1])
    if len(times) <= limit:
        return 0
    return max(1, math.ceil((times[limit] + window - now).total_seconds()))
