"""``api_auth``, ``user_auth``: a secret for a token; ``token_auth``: what a token is, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.http import Http404, HttpRequest
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts import audit
from accounts.actors import actor_for
from accounts.audit import address_of
from accounts.keys import PREFIX_LENGTH, TOKEN_LIFETIME, find_key, issue_token, revoke_token
from accounts.models import ApiKey, AuthToken, User
from accounts.second_step import has_second_step, is_required_of, take_code
from accounts.throttle import SignInThrottled, admit, admit_code
from ccportal.api.body import data_of, required_text
from ccportal.api.documents import api_auth_document, token_document, user_auth_document
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, NotSignedIn
from ccportal.api.rates import count_request
from ccportal.api.scoping import checked_scopes
from ccportal.api.times import iso
from ccportal.api.views import ApiView

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 24 * 3600


class SignInView(ApiView):
    """Open to everyone: here is where a token comes from."""

    permission_classes = ()

    def perform_authentication(self, request: Request) -> None:
        """Look at no token that is sent along; the request counts as its address's."""
        count_request(f"address:{address_of(request._request)}")


class ApiAuth(SignInView):
    @api_auth_document
    def put(self, request: Request) -> Answer:
        data = data_of(request)
        [plain] = required_text(data, "api_key")
        wanted = token_wanted(data)
        key = admitted_key(plain, request._request)
        return signed_in(issue_token(api_key=key, **wanted), key.account_id.hex, None)


class UserAuth(SignInView):
    @user_auth_document
    def put(self, request: Request) -> Answer:
        data = data_of(request)
        username, password, *accounts = required_text(data, "username", "password", *account_fields(data))
        wanted = token_wanted(data)
        user = admitted_user(request._request, username, password, *accounts)
        check_second_step(user, data, request._request)
        account_id = user.account_id.hex if user.account_id else None
        return signed_in(issue_token(user=user, **wanted), account_id, user.pk.hex)


class TokenAuth(ApiView):
    """The token that the request came with."""

    @token_document("What a token is")
    def get(self, request: Request) -> Answer:
        return Answer(self.document())

    @token_document("End a token")
    def delete(self, request: Request) -> Answer:
        gone = self.document()
        revoke_token(self.token)
        return Answer(gone)

    @property
    def token(self) -> AuthToken:
        if not isinstance(self.request.auth, AuthToken):
            raise Http404
        return self.request.auth

    def document(self) -> dict[str, Any]:
        token = self.token
        return {
            "account_id": token.account_id.hex if token.account_id else None,
            "owner_id": token.user_id.hex if token.user_id else None,
            "role": self.actor.role if self.actor else "",
            "scopes": token.scopes or (token.api_key.scopes if token.api_key else []),
            "created": iso(token.created_at),
            "expires": iso(token.expires_at),
        }


def account_fields(data: Mapping[str, Any]) -> list[str]:
    """How the account is named; an e-mail address needs none, and is how operators sign in."""
    if "account_name" in data:
        return ["account_name"]
    username = data.get("username")
    by_address = isinstance(username, str) and "@" in username and "account_realm" not in data
    return [] if by_address else ["account_realm"]


def token_wanted(data: Mapping[str, Any]) -> dict[str, Any]:
    """How the token shall be narrowed and how long it shall live."""
    return {"scopes": checked_scopes(data), "lifetime": lifetime_of(data)}


def lifetime_of(data: Mapping[str, Any]) -> timedelta:
    seconds = data.get("expires_in", TOKEN_LIFETIME.total_seconds())
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Invalid.rule("expires_in", "type", "It must be a number of seconds.", target="integer")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        rule, target = (
            ("minimum", SHORTEST_SECONDS) if seconds < LONGEST_SECONDS else ("maximum", LONGEST_SECONDS)
        )
        raise Invalid.rule("expires_in", rule, "A token does not live so long.", target=target, value=seconds)
    return timedelta(seconds=int(seconds))


def admitted_key(plain: str, request: HttpRequest) -> ApiKey:
    """The key with the secret; a wrong one counts as a failed sign-in."""
    try:
        attempt = admit(f"api_key/{plain[:PREFIX_LENGTH]}", address_of(request))
    except SignInThrottled as throttled:
        raise Throttled(throttled.seconds) from None
    key = find_key(plain)
    if key is None:
        raise AuthenticationFailed
    attempt.succeeded()
    return key


def admitted_user(request: HttpRequest, username: str, password: str, account: str | None = None) -> User:
    try:
        user = authenticate(request, username=username, password=password, account=account)
    except SignInThrottled as throttled:
        raise Throttled(throttled.seconds) from None
    if not isinstance(user, User):
        raise AuthenticationFailed
    return user


def check_second_step(user: User, data: Mapping[str, Any], request: HttpRequest) -> None:
    """Take the code that was sent along, of who signs in by two steps."""
    if not has_second_step(user):
        if is_required_of(user):
            raise NotSignedIn.rule("otp", "enrolment", "Set up two-step sign-in in the portal first.")
        return
    code = data.get("otp")
    if not isinstance(code, str) or not code.strip():
        raise NotSignedIn.rule("otp", "required", "Send the code of the second step, a text, as otp.")
    try:
        attempt = admit_code(user.pk, address_of(request))
    except SignInThrottled as throttled:
        raise Throttled(throttled.seconds) from None
    how = take_code(user, code[:64])
    if not how:
        raise NotSignedIn.rule("otp", "wrong", "The code did not match, or was used before.")
    attempt.succeeded()
    if how == "recovery":
        audit.record(actor_for(user, address_of(request)), "sign_in.recovery_code", user)


def signed_in(token: str, account_id: str | None, owner_id: str | None) -> Answer:
    return Answer({"account_id": account_id, "owner_id": owner_id}, status=201, auth_token=token)
