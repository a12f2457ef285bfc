"""Erasing a number on the compliance page: shown first, typed again, reported without the number."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account, Role
from recordings.erasure import work
from recordings.erasure.models import Erasure
from recordings.holding import hold_call
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
NUMBER = "01058400500"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def calls(account: Account) -> list[object]:
    found = [factories.make_call(account, caller_number=NUMBER) for _ in range(3)]
    hold_call(found[0], None, "Case 7")
    factories.make_contact(account, NUMBER)
    return list(found)


@pytest.mark.usefixtures("calls")
def test_what_goes_and_what_stays_is_shown_first(admin: Client) -> None:
    page = text_of(admin.post("/compliance/erasures/preview", {"number": "+82 10 5840 0500"}))
    assert '<th scope="row">Calls</th><td class="r num">3</td>' in page
    assert '<th scope="row">Contacts</th><td class="r num">1</td>' in page
    assert '<b class="strong num">1</b> of the calls is on legal hold and stays.' in page
    assert not Erasure.objects.exists()


@pytest.mark.usefixtures("calls")
def test_it_begins_when_the_number_was_typed_again_and_ends_with_a_report(
    account: Account, admin: Client
) -> None:
    wrong = admin.post("/compliance/erasures", {"number": NUMBER, "typed": "010 5840 0501"})
    assert (wrong.status_code, "This is not the number above." in text_of(wrong)) == (400, True)
    begun = admin.post("/compliance/erasures", {"number": NUMBER, "typed": "010-5840-0500"})
    erasure = Erasure.objects.get()
    assert begun.headers["Location"] == f"/compliance/erasures/{erasure.pk.hex}/"
    assert "Being erased" in text_of(admin.get(begun.headers["Location"]))
    work.go_on(erasure.pk.hex)
    page = text_of(admin.get(begun.headers["Location"]))
    assert "Some stayed" in page
    assert "A legal hold keeps them." in page
    report = admin.get(f"{begun.headers['Location']}report").content.decode()
    assert "  calls: 2" in report
    assert "  calls on hold: 1." in report
    for shown in (page, report, text_of(admin.get("/compliance/"))):
        assert NUMBER not in shown.replace("-", "")
        assert "500" in shown


@pytest.mark.parametrize("number", ["", "12", "abc"])
def test_what_is_no_number_is_refused(admin: Client, number: str) -> None:
    answer = admin.post("/compliance/erasures/preview", {"number": number}, follow=True)
    assert "Give the number to erase" in text_of(answer)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_only_those_who_may_delete_erase(account: Account, sign_in: SignIn, role: Role) -> None:
    client = sign_in(factories.make_user(account, role))
    asked = {"number": NUMBER, "typed": NUMBER}
    assert client.post("/compliance/erasures", asked).status_code == 404
    assert not Erasure.objects.exists()
