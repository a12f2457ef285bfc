"""Signing in with a password, guesses slowed down."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import Q
from django.http import HttpRequest

from accounts.actors import may_sign_in
from accounts.audit import address_of
from accounts.models import Role, User
from accounts.throttle import admit


class PasswordBackend(BaseBackend):
    """A person by e-mail address, or by user name within the account that ``account`` names.

    Unknown names, wrong passwords and disabled people take the same time and answer. What people may do is
    their role's (``accounts.access``), never a permission's row.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        account: str | None = None,
        **_: Any,
    ) -> User | None:
        """Return the person, or None; raise SignInThrottled after too many wrong passwords."""
        if not username or password is None:
            return None
        attempt = admit(f"{account or ''}/{username}", address_of(request) if request else None)
        user = find_person(username, account)
        if user is None:
            User().set_password(password)
            return None
        if not user.check_password(password) or not may_sign_in(user):
            return None
        attempt.succeeded()
        return user

    def get_user(self, user_id: uuid.UUID) -> User | None:
        user = User.objects.select_related("account").filter(pk=user_id).first()
        return user if user and may_sign_in(user) else None


def checked_password(user: User, password: str, address: str | None) -> bool:
    """Whether it is the password of somebody who is signed in; wrong ones count as when signing in."""
    attempt = admit(f"/{user.email}", address)
    if not user.check_password(password):
        return False
    attempt.succeeded()
    return True


def find_person(username: str, account: str | None) -> User | None:
    if "\x00" in username or "\x00" in (account or ""):
        return None
    people = User.objects.select_related("account")
    if account is None:
        return people.filter(email=username.lower()).first()
    named = Q(account__name=account) | Q(account__realm=account.lower())
    return people.filter(named, username=username).exclude(role=Role.OPERATOR).first()
