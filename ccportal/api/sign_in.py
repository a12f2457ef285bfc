"""``PUT /v2/api_auth`` and ``PUT /v2/user_auth``: a secret for a token that lives an hour."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts.audit import address_of
from accounts.keys import PREFIX_LENGTH, find_key, issue_token
from accounts.models import ApiKey, User
from accounts.throttle import SignInThrottled, admit
from ccportal.api.body import data_of, required_text
from ccportal.api.documents import api_auth_document, user_auth_document
from ccportal.api.envelope import Answer
from ccportal.api.views import ApiView


class SignInView(ApiView):
    """Open to everyone: here is where a token comes from."""

    permission_classes = ()

    def perform_authentication(self, request: Request) -> None:
        """Look at no token that is sent along."""


class ApiAuth(SignInView):
    @api_auth_document
    def put(self, request: Request) -> Answer:
        [plain] = required_text(data_of(request), "api_key")
        key = admitted_key(plain, request._request)
        return signed_in(issue_token(api_key=key), key.account_id.hex, None)


class UserAuth(SignInView):
    @user_auth_document
    def put(self, request: Request) -> Answer:
        data = data_of(request)
        account_field = "account_name" if "account_name" in data else "account_realm"
        username, password, account = required_text(data, "username", "password", account_field)
        user = admitted_user(request._request, username, password, account)
        account_id = user.account_id.hex if user.account_id else None
        return signed_in(issue_token(user=user), account_id, user.pk.hex)


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


def admitted_user(request: HttpRequest, username: str, password: str, account: str) -> User:
    try:
        user = authenticate(request, username=username, password=password, account=account)
    except SignInThrottled as throttled:
        raise Throttled(throttled.seconds) from None
    if not isinstance(user, User):
        raise AuthenticationFailed
    return user


def signed_in(token: str, account_id: str | None, owner_id: str | None) -> Answer:
    return Answer({"account_id": account_id, "owner_id": owner_id}, status=201, auth_token=token)
