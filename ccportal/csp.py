"""The Content-Security-Policy of every answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

PORTAL_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# The admin's theme runs Alpine, which evaluates the expressions in its attributes and sets inline styles.
ADMIN_POLICY = PORTAL_POLICY | {
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
}


def as_header(policy: dict[str, str]) -> str:
    """Join directives as the header wants them."""
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


class ContentSecurityPolicyMiddleware:
    """Allow nothing but the portal's own files, and what the admin's theme needs only there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", as_header(policy_for(request.path)))
        return response


def policy_for(path: str) -> dict[str, str]:
    """Return the policy of a page by its path."""
    return ADMIN_POLICY if path.startswith(reverse("admin:index")) else PORTAL_POLICY
