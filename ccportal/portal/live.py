"""Parts of pages that everyone who watches asks for every second: what is unchanged costs next to nothing.

1. Who may see what is looked up once in ``WATCHER_SECONDS`` for each session, not for each question.
2. A part is made once for all who see the same rows; it is made anew when the account's mark has risen, and
   every ``RENDER_SECONDS`` for what changes by the clock or comes from elsewhere.
3. Who has that part already is answered 304.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from accounts.actors import actor_for
from accounts.audit import address_of
from accounts.models import Account, User
from accounts.tenancy import Actor
from ccportal.enrolment import MUST_ENROL
from ccportal.portal.calls import NamedView
from ccportal.portal.page import CHOSEN_ACCOUNT, read_id
from queues.live_rows import LiveMark

WATCHER_SECONDS: Final = 15.0
VERSION_SECONDS: Final = 0.2
RENDER_SECONDS: Final = 2.0
MOST_WATCHERS: Final = 5_000
MOST_PARTS: Final = 256

V = TypeVar("V")


@dataclass
class Memory(Generic[V]):
    """Remembers values for a while, the newest ones when there are too many."""

    seconds: float
    most: int
    _kept: OrderedDict[Hashable, tuple[float, V]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable) -> V | None:
        until, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def keep(self, key: Hashable, value: V) -> V:
        with self._lock:
            self._kept[key] = (time.monotonic() + self.seconds, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return value

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


@dataclass(frozen=True)
class Watcher:
    """What someone who watches sees: an account, as an actor who is nobody in person."""

    actor: Actor
    account: Account


@dataclass(frozen=True)
class Part:
    """A part as it is sent, and what tells it from another."""

    body: bytes
    tag: str


WATCHERS: Final = Memory[Watcher](WATCHER_SECONDS, MOST_WATCHERS)
VERSIONS: Final = Memory[int](VERSION_SECONDS, MOST_WATCHERS)
PARTS: Final = Memory[Part](RENDER_SECONDS, MOST_PARTS)
MAKING: Final = threading.Lock()


def forget() -> None:
    """Look everything up anew."""
    for memory in (WATCHERS, VERSIONS, PARTS):
        memory.clear()


class LivePage(NamedView):
    """A page with one live part; ``contents`` is what the part shows."""

    template = ""
    part_template = ""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        part_url = f"{request.path}live?{urlencode({'account': self.chosen.pk.hex, **request.GET.dict()})}"
        more = self.beside() | {"part_url": part_url, "now_ms": int(time.time() * 1000)}
        return self.show(self.template, **self.contents(), **more)

    def contents(self) -> dict[str, Any]:
        raise NotImplementedError

    def beside(self) -> dict[str, Any]:
        """What the page shows around the part."""
        return {}


class LivePart(LivePage):
    """The live part alone. Nothing here writes, so that no form's token is needed."""

    asks_for: Actor | None = None
    open_before_enrolment = True  # it is looked at with the session, which is not read for every part

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        watcher = self.known_watcher() or self.look_up()
        if watcher is None:
            return HttpResponse(status=401)
        self.watcher, self.asks_for = watcher, watcher.actor
        return self.get(request, **kwargs)

    @property
    def actor(self) -> Actor | None:
        return self.asks_for

    @property
    def watching(self) -> tuple[str, str]:
        """The session, and the account that its page is about."""
        cookie = self.request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        return cookie, self.request.GET.get("account", "")

    def known_watcher(self) -> Watcher | None:
        return WATCHERS.get(self.watching) if all(self.watching) else None

    def look_up(self) -> Watcher | None:
        """Who watches; kept for a while when the page said what account it is about."""
        cookie, asked = self.watching
        user = self.request.user if cookie and not self.request.session.get(MUST_ENROL) else None
        self.asks_for = actor_for(user, address_of(self.request)) if isinstance(user, User) else None
        if self.asks_for is None or not isinstance(user, User):
            return None
        wanted = read_id(asked) if asked else self.request.session.get(CHOSEN_ACCOUNT) or user.account_id
        account = self.visible(Account).filter(pk=wanted).first() if wanted else None
        if account is None:
            return None
        watcher = Watcher(replace(self.asks_for, user_id=None, label="", address=None), account)
        return WATCHERS.keep(self.watching, watcher) if asked else watcher

    @cached_property
    def account(self) -> Account:
        return self.watcher.account

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        part = self.part(request.get_full_path())
        headers = {"ETag": part.tag, "Cache-Control": "private, no-store", "Vary": "Cookie"}
        headers["Server-Time"] = str(int(time.time() * 1000))
        if request.headers.get("If-None-Match") == part.tag:
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(part.body, headers=headers)

    def part(self, path: str) -> Part:
        key = (path, self.account.pk, self.actor, version_of(self.account))
        kept = PARTS.get(key)
        if kept is None:
            with MAKING:
                kept = PARTS.get(key) or PARTS.keep(key, self.make())
        return kept

    def make(self) -> Part:
        context = self.contents() | {"is_part": True, "section": self.section}
        body = render_to_string(self.part_template, context).encode()
        return Part(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def version_of(account: Account) -> int:
    kept = VERSIONS.get(account.pk)
    if kept is not None:
        return kept
    found = LiveMark.objects.filter(account=account).values_list("version", flat=True).first()
    return VERSIONS.keep(account.pk, found or 0)
