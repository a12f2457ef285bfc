"""Which resources a key or a token can be narrowed to, and whether one may do what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import URLResolver, get_resolver
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.models import AuthToken
from accounts.scopes import MOST_SCOPES, READ, SCOPE, WRITE, resource_of, validate_scopes
from ccportal.api.errors import Invalid

ACCOUNT_ROUTE = "accounts/<str:account_id>"
WHOLE_ACCOUNT = "accounts"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
SCOPES_SCHEMA = {
    "type": "array",
    "maxItems": MOST_SCOPES,
    "items": {"type": "string", "pattern": f"^{SCOPE.pattern}$"},
    "description": "What alone is allowed, such as read, cdrs or users:write; everything where it is empty",
}


def check_scope(request: Request, view_class: type[Any]) -> None:
    """Refuse what the token, or the key that it came from, was narrowed not to do."""
    match = request._request.resolver_match
    if not isinstance(request.auth, AuthToken) or match is None:
        return
    resource = resource_at(match.route.removeprefix("v2/"), view_class)
    if not request.auth.permits(resource, READ if request.method in READING else WRITE):
        raise PermissionDenied


def resource_at(route: str, view_class: type[Any]) -> str:
    """The resource of a route below an account: what its view says, else the first word of its path."""
    said: str = getattr(view_class, "scope_name", "")
    return said or route.removeprefix(ACCOUNT_ROUTE).lstrip("/").partition("/")[0] or WHOLE_ACCOUNT


@cache
def known_resources() -> frozenset[str]:
    return frozenset(
        resource_at(str(pattern.pattern), view_class_of(pattern))
        for resolver in get_resolver("ccportal.api.urls").url_patterns
        if isinstance(resolver, URLResolver)
        for pattern in resolver.url_patterns
    )


def view_class_of(pattern: Any) -> type[Any]:
    found: type[Any] = pattern.callback.view_class
    return found


def checked_scopes(data: Mapping[str, Any], name: str = "scopes") -> list[str]:
    """The scopes that a document asks for, or 400."""
    scopes = data.get(name, [])
    try:
        validate_scopes(scopes)
    except ValidationError as invalid:
        raise Invalid.rule(name, "type", " ".join(invalid.messages), target="array") from None
    if unknown := unknown_scopes(scopes):
        known = sorted(known_resources())
        raise Invalid.rule(name, "enum", "There is no such resource.", target=known, value=unknown)
    return list(scopes)


def unknown_scopes(scopes: Sequence[str]) -> list[str]:
    """Those that name a resource which there is not."""
    known = known_resources()
    return [scope for scope in scopes if (named := resource_of(scope)) and named not in known]
