"""A tenant with people in every role, another one beside it, and someone signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account, Role, User
from tests import factories

SignIn = Callable[[User], Client]


@pytest.fixture
def account() -> Account:
    return factories.make_account("Hanbit Care", time_zone="Asia/Seoul", country="KR")


@pytest.fixture
def sign_in() -> SignIn:
    """Return a client on which the person is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="accounts.backends.PasswordBackend")
        return client

    return signed_in


@pytest.fixture
def admin(account: Account, sign_in: SignIn) -> Client:
    return sign_in(factories.make_user(account, Role.ADMIN))
