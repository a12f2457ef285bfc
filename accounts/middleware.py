"""Puts who asks on the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from accounts.actors import actor_for
from accounts.audit import address_of
from accounts.sessions import note_seen
from accounts.throttle import SignInThrottled


class ActorMiddleware:
    """Set ``request.actor`` for who signed in with a session, worked out when it is first asked for.

    A view that is exempt from CSRF protection gets none: another site could make a browser call it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> None:
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        if not has_session or getattr(view, "csrf_exempt", False):
            return
        user = request.user
        if user.is_authenticated:
            actor = SimpleLazyObject(lambda: actor_for(user, address_of(request)))
            request.actor = actor  # type: ignore[attr-defined]
            note_seen(request, address_of(request))

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a throttled sign-in that its page did not answer itself."""
        if not isinstance(exception, SignInThrottled):
            return None
        headers = {"Retry-After": str(exception.seconds)}
        return HttpResponse(str(exception), content_type="text/plain", status=429, headers=headers)
