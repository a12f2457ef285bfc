"""The menu of accounts for operators and resellers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, Role, User
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def reseller(account: Account, sign_in: SignIn) -> Client:
    for name in ("Alpha Dental", "Beta Alphabet", "Gamma"):
        factories.make_account(name, parent=account)
    factories.make_account("Alpha Stranger")
    return sign_in(factories.make_user(account, Role.ADMIN, email="reseller@example.com"))


def menu(client: Client, text: str = "") -> str:
    return client.get("/accounts/menu", {"q": text}).content.decode()


def choose(client: Client, name: str) -> None:
    client.post("/accounts/", {"account": Account.objects.get(name=name).pk.hex})


def test_what_begins_so_comes_first_and_strangers_not_at_all(reseller: Client) -> None:
    page = menu(reseller, "alpha")
    assert 0 < page.index("Alpha Dental") < page.index("Beta Alphabet")
    assert "Stranger" not in page
    assert "Gamma" not in page


def test_those_looked_at_last_are_offered_first_and_kept_for_the_next_sign_in(
    reseller: Client, sign_in: SignIn
) -> None:
    assert "Write a part of its name." in menu(reseller)
    for name in ("Gamma", "Alpha Dental", "Gamma"):
        choose(reseller, name)
    again = sign_in(User.objects.get(email="reseller@example.com"))
    page = menu(again)
    assert page.count("<li>") == 2
    assert page.index("Gamma") < page.index("Alpha Dental")


def test_one_that_was_lost_is_offered_no_more(reseller: Client) -> None:
    choose(reseller, "Gamma")
    lost = Account.objects.get(name="Gamma")
    lost.parent = None
    lost.save()
    assert "Gamma" not in menu(reseller)


def test_a_few_are_offered_and_never_all(
    account: Account, reseller: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        factories.make_account(f"Many {number:02}", parent=account)
    with django_assert_max_num_queries(6):
        page = menu(reseller, "many")
    assert page.count("<li>") == 8
    assert "There are more." in page


def test_the_account_one_is_in_is_named_and_marked(reseller: Client) -> None:
    choose(reseller, "Gamma")
    page = reseller.get("/queues/").content.decode()
    assert "You are in" in page
    assert "where you are" in menu(reseller, "gamma")


def test_names_are_escaped(account: Account, reseller: Client) -> None:
    factories.make_account("<img src=x>", parent=account)
    assert "<img" not in menu(reseller, "<img")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT])
def test_it_is_not_there_for_who_has_one_account(account: Account, sign_in: SignIn, role: Role) -> None:
    client = sign_in(factories.make_user(account, role))
    assert client.get("/accounts/menu").status_code == 404
    assert "switcher" not in client.get("/queues/").content.decode()
