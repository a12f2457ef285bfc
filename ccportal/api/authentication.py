"""Who asks: a token in a header, or the session of the portal's own pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actors import actor_for, actor_for_token
from accounts.audit import address_of
from accounts.keys import find_token
from accounts.models import AuthToken, User
from accounts.tenancy import Actor

Identity = tuple[User | AnonymousUser, AuthToken | None]


class TokenAuthentication(authentication.BaseAuthentication):
    """``X-Auth-Token: T`` or ``Authorization: Bearer T``; never the query string, which ends in logs."""

    def authenticate(self, request: Request) -> Identity | None:
        plain = token_of(request)
        if plain is None:
            return None
        token = find_token(plain)
        actor = actor_for_token(token, address_of(request._request)) if token else None
        if token is None or actor is None:
            raise AuthenticationFailed
        seat(request, actor)
        return token.user or AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="ccportal"'


class SessionAuthentication(authentication.SessionAuthentication):
    """A person signed in at the portal, with the CSRF token for whatever changes something."""

    def authenticate(self, request: Request) -> Any:
        identity = super().authenticate(request)
        if identity is None:
            return None
        user: Any = identity[0]
        seat(request, actor_for(user, address_of(request._request)))
        return identity


class HasActor(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return view.actor is not None


def seat(request: Request, actor: Actor | None) -> None:
    """Put the actor where the base view looks for it."""
    setattr(request._request, "actor", actor)  # noqa: B010


def token_of(request: Request) -> str | None:
    if token := request.headers.get("X-Auth-Token"):
        return token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
