"""The browsers in which people are signed in: which they are, since when, and their end."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.tenancy import Actor, TenantModel

SEEN_IS_NOTED_EVERY = timedelta(minutes=5)
SEEN = "seen"
KEPT_FOR = timedelta(days=15)
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class BrowserSession(TenantModel):
    """A browser in which somebody is signed in. It ends with the session that it names."""

    account_path = "user__account"

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="browser_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    browser = models.CharField(max_length=64)
    address = models.GenericIPAddressField(null=True)
    signed_in_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_seen_at", "-id"]

    def __str__(self) -> str:
        return f"{self.browser} of {self.user}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(user=actor.user_id)


def begin_session(request: HttpRequest, user: Any, address: str | None) -> None:
    """Note where somebody signed in; what is over is forgotten."""
    now = timezone.now()
    BrowserSession.objects.filter(user=user, last_seen_at__lt=now - KEPT_FOR).delete()
    BrowserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "browser": browser_of(request.headers.get("User-Agent", "")),
            "address": address,
            "signed_in_at": now,
            "last_seen_at": now,
        },
    )
    request.session[SEEN] = int(now.timestamp())


def note_seen(request: HttpRequest, address: str | None) -> None:
    """Note that a session is used, every few minutes at most."""
    seen = request.session.get(SEEN)
    if not isinstance(seen, int) or time.time() - seen < SEEN_IS_NOTED_EVERY.total_seconds():
        return
    now = timezone.now()
    request.session[SEEN] = int(now.timestamp())
    rows = BrowserSession.objects.filter(session_key=request.session.session_key)
    rows.update(last_seen_at=now, address=address)


def open_sessions(user: Any) -> list[BrowserSession]:
    """Those that still let somebody in, the last used first."""
    sessions = store().get_model_class()
    alive = sessions.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return list(BrowserSession.objects.filter(user=user, session_key__in=alive)[:100])


def end_sessions(rows: models.QuerySet[BrowserSession]) -> int:
    """End them at once: the next request of each is not signed in."""
    keys = list(rows.values_list("session_key", flat=True))
    store().get_model_class().objects.filter(session_key__in=keys).delete()
    BrowserSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def browser_of(agent: str) -> str:
    """Firefox on Windows, as far as the browser says so."""
    browser = next((word for part, word in BROWSERS if part in agent), "")
    system = next((word for part, word in SYSTEMS if part in agent), "")
    return " on ".join(filter(None, (browser or "Unknown browser", system)))
