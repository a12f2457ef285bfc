"""Who has to sign in by two steps and does not yet is led to set that up, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from ccportal.errors import is_for_programs

MUST_ENROL = "must_enrol"


class EnrolmentMiddleware:
    """Hold a session to the pages that say ``open_before_enrolment`` while it is marked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or is_open(view):
            return None
        if not request.session.get(MUST_ENROL):
            return None
        if is_for_programs(request):
            raise PermissionDenied
        return redirect("two-step")


def is_open(view: Callable[..., Any]) -> bool:
    return bool(getattr(getattr(view, "view_class", None), "open_before_enrolment", False))
