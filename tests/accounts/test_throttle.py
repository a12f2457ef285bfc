from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory

from accounts.models import Role, SignInFailure, User
from accounts.throttle import WRONG_PER_ADDRESS, SignInThrottled, admit
from tests.factories import PASSWORD, make_account, make_user

pytestmark = pytest.mark.django_db


def minute_passes() -> None:
    SignInFailure.objects.update(at=F("at") - timedelta(seconds=60))


def sign_in(user: User, password: str, address: str = "192.0.2.1") -> object:
    request = RequestFactory().post("/", REMOTE_ADDR=address)
    return authenticate(request, username=user.email, password=password)


def test_the_sixth_wrong_password_in_a_minute_waits() -> None:
    user = make_user(make_account())
    assert [sign_in(user, "wrong") for _ in range(5)] == [None] * 5
    with pytest.raises(SignInThrottled) as caught:
        sign_in(user, PASSWORD)
    assert 0 < caught.value.seconds <= 60
    minute_passes()
    assert sign_in(user, PASSWORD) == user


def test_waiting_tries_do_not_make_the_wait_longer() -> None:
    for _ in range(5):
        admit("ada", None)
    for _ in range(3):
        with pytest.raises(SignInThrottled):
            admit("ada", None)
    assert SignInFailure.objects.count() == 5


def test_a_right_password_forgets_the_wrong_ones() -> None:
    user = make_user(make_account())
    for _ in range(3):
        assert [sign_in(user, "wrong") for _ in range(3)] == [None] * 3
        assert sign_in(user, PASSWORD) == user
        SignInFailure.objects.all().delete()


def test_signing_in_rightly_never_waits() -> None:
    user = make_user(make_account())
    assert all(sign_in(user, PASSWORD) for _ in range(WRONG_PER_ADDRESS * 2))


def test_one_address_trying_many_names_waits() -> None:
    account = make_account()
    for _ in range(WRONG_PER_ADDRESS):
        sign_in(make_user(account, Role.AGENT), "wrong")
    user = make_user(account)
    with pytest.raises(SignInThrottled):
        sign_in(user, PASSWORD)
    assert sign_in(user, PASSWORD, "192.0.2.2") == user


def test_names_nobody_has_are_throttled_alike() -> None:
    for _ in range(5):
        assert authenticate(None, username="nobody@tenant.example", password="x") is None
    with pytest.raises(SignInThrottled):
        authenticate(None, username="NOBODY@tenant.example", password="x")


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_count_together() -> None:
    def guess(_: int) -> bool:
        try:
            admit("ada", None)
        except SignInThrottled:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(guess, range(24)))
    assert admitted <= 5


def test_a_person_of_an_account_signs_in_by_user_name() -> None:
    account, other = make_account("Acme", realm="acme.example"), make_account("Other")
    user = make_user(account, username="ada")
    make_user(other, username="ada", password="another password")
    names = ["Acme", "acme.example", "ACME.example", "Other", "Nobody", "\x00"]
    found = [authenticate(None, username="ada", password=PASSWORD, account=name) for name in names]
    assert found == [user, user, user, None, None, None]


def test_a_disabled_person_or_account_does_not_sign_in() -> None:
    disabled = make_account(enabled=False)
    assert sign_in(make_user(disabled), PASSWORD) is None
    assert sign_in(make_user(make_account(), is_active=False), PASSWORD) is None


def test_a_session_ends_when_the_account_is_disabled(client: Client) -> None:
    account = make_account()
    client.force_login(make_user(account))
    assert client.get("/admin/").status_code == 200
    account.enabled = False
    account.save()
    assert client.get("/admin/").status_code == 302
