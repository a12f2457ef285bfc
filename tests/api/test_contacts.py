"""Contacts through the API, and the callers that they name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contact, Role
from tests.api.conftest import Api, Refused, api_of
from tests.api.test_patch import send
from tests.factories import make_call, make_contact, make_leg, make_recording, make_user, make_visit

FILE = b"number,name,company\n+49 30 5550100,Erika Muster,Muster AG\n101,Front desk,\n"
ERIKA = {"number": "+49 30 5550100", "name": "Erika Muster"}


def sheet(api: Api, content: bytes) -> Any:
    path = f"accounts/{api.account.pk.hex}/contacts"
    return api.raw(path, "PUT", data=content, content_type="text/csv; charset=utf-8")


def test_a_contact_is_made_read_changed_and_removed(api: Api) -> None:
    made = send(api, "PUT", "/contacts", ERIKA).json()["data"]
    assert (made["digits"], made["company"]) == ("49305550100", "")
    path = f"/contacts/{made['id']}"
    assert api.own(path).json()["data"] == made
    assert send(api, "PATCH", path, {"company": "Muster AG"}).json()["data"]["company"] == "Muster AG"
    assert send(api, "POST", path, {"number": "101", "name": "Desk"}).json()["data"]["digits"] == "101"
    assert send(api, "DELETE", path, {}).status_code == 200
    assert not Contact.objects.exists()


def test_a_number_is_taken_however_it_is_written(api: Api, refused: Refused) -> None:
    send(api, "PUT", "/contacts", ERIKA)
    answer = send(api, "PUT", "/contacts", ERIKA | {"number": "+49-30-5550100"})
    refused(answer, 400, "validation error")
    assert list(answer.json()["data"]["number"]) == ["unique"]


def test_a_file_is_taken_whole(api: Api) -> None:
    answer = sheet(api, FILE)
    assert (answer.status_code, answer.json()["data"]) == (200, {"added": 2, "changed": 0})
    assert sheet(api, FILE).json()["data"] == {"added": 0, "changed": 2}
    assert {row["name"] for row in api.rows("/contacts")} == {"Erika Muster", "Front desk"}


def test_lines_that_are_wrong_are_named_and_nothing_is_taken(api: Api) -> None:
    answer = sheet(api, FILE + b"x,y\n")
    assert answer.status_code == 400
    assert list(answer.json()["data"]) == ["line 4"]
    assert api.rows("/contacts") == []


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_only_who_configures_writes_contacts(api: Api, role: Role) -> None:
    other = api_of(make_user(api.account, role))
    assert sheet(other, FILE).status_code == 403
    assert send(other, "PUT", "/contacts", ERIKA).status_code == 403


@pytest.mark.parametrize(
    "path", ["/cdrs", "/cdrs/interaction", "/queue_calls", "/recordings", "/cdrs/legs/{call}", "/cdrs/{leg}"]
)
def test_a_contact_names_the_caller(api: Api, path: str) -> None:
    make_contact(api.account, company="Muster AG")
    call = make_call(api.account, caller_number="49305550100")
    leg = make_leg(call, caller_number="49305550100")
    make_visit(call, caller_number="49305550100")
    make_recording(call, caller_number="49305550100")
    data = api.own(path.format(call=call.pk.hex, leg=leg.pk.hex)).json()["data"]
    [row] = data if isinstance(data, list) else [data]
    assert row["contact_name"] == "Erika Muster, Muster AG"


@pytest.mark.parametrize("path", ["/cdrs/interaction", "/queue_calls"])
def test_csv_names_callers_and_no_formula(api: Api, path: str) -> None:
    make_contact(api.account, name="=cmd")
    make_visit(make_call(api.account, caller_number="49305550100"), caller_number="49305550100")
    text = b"".join(api.own(path, accept="text/csv").streaming_content).decode()
    assert "'=cmd" in text


def test_names_cost_one_query_a_page(api: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.rows("/cdrs/interaction")
        return len(captured)

    make_call(api.account, caller_number="1000")
    before = queries()
    for number in range(20):
        make_call(api.account, caller_number=f"10{number:02}")
        make_contact(api.account, f"10{number:02}")
    assert queries() == before


def test_a_contact_of_another_account_names_nobody(api: Api, outsider: Api) -> None:
    make_contact(outsider.account)
    make_call(api.account, caller_number="49305550100")
    [row] = api.rows("/cdrs/interaction")
    assert row["contact_name"] == ""
