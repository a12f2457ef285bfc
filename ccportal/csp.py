"""The Content-Security-Policy of every answer."""

from __future__ import annotations

import secrets
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
        nonce = Nonce()
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        policy = nonce.admitted_to(policy_for(request.path))
        response.headers.setdefault("Content-Security-Policy", as_header(policy))
        return response


class Nonce:
    """A secret for the styles that a page's own scripts make, thought of when the page first writes it."""

    def __init__(self) -> None:
        self.secret = ""

    def __str__(self) -> str:
        self.secret = self.secret or secrets.token_urlsafe(16)
        return self.secret

    def admitted_to(self, policy: dict[str, str]) -> dict[str, str]:
        """The policy with this nonce, if any page asked for it."""
        return policy | {"style-src": f"{policy['style-src']} 'nonce-{self}'"} if self.secret else policy


def policy_for(path: str) -> dict[str, str]:
    """Return the policy of a page by its path."""
    return ADMIN_POLICY if path.startswith(reverse("admin:index")) else PORTAL_POLICY
