"""Contacts on the pages: who calls is called as the account calls them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from tests import factories

pytestmark = pytest.mark.django_db
NUMBER = "01058400500"


@pytest.fixture
def named(account: Account) -> Account:
    factories.make_contact(account, "+82 10-5840-0500", name="Seo-yeon Park", company="Hanil")
    return account


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_caller_is_named_in_the_list_and_on_the_calls_page(named: Account, admin: Client) -> None:
    call = factories.make_call(
        named, caller_number=NUMBER, caller_name="LINE NAME", started_at=timezone.now()
    )
    for path in ("/calls/", f"/calls/{call.pk.hex}/", f"/calls/{call.pk.hex}/drawer"):
        assert "Seo-yeon Park, Hanil" in text(admin, path), path
        assert "LINE NAME" not in text(admin, path), path


def test_who_was_called_is_named(named: Account, admin: Client) -> None:
    factories.make_call(named, direction="outbound", dialed_number=NUMBER, started_at=timezone.now())
    assert "Seo-yeon Park, Hanil" in text(admin, "/calls/")


@pytest.mark.parametrize("searched", ["seo-yeon", "Seo-yeon Park"])
def test_calls_are_found_by_the_beginning_of_a_contacts_name(
    named: Account, admin: Client, searched: str
) -> None:
    wanted = factories.make_call(named, caller_number=NUMBER, started_at=timezone.now())
    other = factories.make_call(named, caller_number="01000000000", started_at=timezone.now())
    page = text(admin, f"/calls/?q={searched}")
    assert wanted.pk.hex in page
    assert other.pk.hex not in page


def test_names_cost_one_query_a_page(named: Account, admin: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin.get("/calls/")
        return len(captured)

    factories.make_call(named, caller_number=NUMBER, started_at=timezone.now())
    before = queries()
    for number in range(10):
        factories.make_call(named, caller_number=f"0105840050{number}", started_at=timezone.now())
    assert queries() == before
