"""Error pages in the portal's look: what happened, and what to do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def show(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    return render(
        request, "portal/error.html", {"status": status, "title": title, "words": words}, status=status
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return show(
        request, 400, "That request made no sense", "Something in the address or the form could not be read."
    )


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    words = str(exception or "") or "Your role does not allow this. An admin of your account can change that."
    return show(request, 403, "Not allowed", words)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    words = "There is nothing here that you can see. It may have been deleted, or belong to another account."
    return show(request, 404, "Not found", words)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without the database and the session, which may be what failed."""
    words = "The fault is ours and has been noted. Calls are still being kept. Try again in a moment."
    return show(request, 500, "Something broke", words)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    words = "The form was too old, or cookies are off. Go back, load the page again and send it once more."
    return show(request, 403, "This form has expired", words)


def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")
