"""Accounts below one, users, devices, numbers and keys, as programs make and change them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from django.contrib.auth import authenticate
from django.test import Client

from accounts.keys import find_key, find_token, issue_token
from accounts.models import FILE_NAME_TEMPLATE, Account, ApiKey, AuditEntry, Device, PhoneNumber, Role, User
from tests.api.conftest import Api, Refused, api_of
from tests.api.test_patch import send
from tests.factories import make_account, make_device, make_operator, make_phone_number, make_team, make_user

PASSWORD = "seven wise owls"
PERSON = {"username": "ada", "email": "Ada@tenant.example", "role": "supervisor", "password": PASSWORD}


def problems(answer: Any) -> dict[str, list[str]]:
    body = answer.json()
    assert (answer.status_code, body["message"]) == (400, "validation error"), body
    return {path: list(rules) for path, rules in body["data"].items()}


@pytest.mark.parametrize(
    ("path", "component"),
    [
        ("", "AccountAnswer"),
        ("/children", "AccountPage"),
        ("/users", "UserPage"),
        ("/users/{user}", "UserAnswer"),
        ("/devices", "DevicePage"),
        ("/devices/{device}", "DeviceAnswer"),
        ("/phone_numbers", "PhoneNumberPage"),
        ("/api_keys", "ApiKeyPage"),
    ],
)
def test_answers_are_as_the_description_says(api: Api, path: str, component: str) -> None:
    device = make_device(api.account)
    make_phone_number(api.account)
    send(api, "PUT", "", {"name": "Below"})
    send(api, "PUT", "/api_keys", {"name": "CRM"})
    for target in ("", f"/users/{api.user.pk.hex}", f"/devices/{device.pk.hex}"):
        half = {"any": {"any": {"enabled": True}}}
        assert send(api, "PATCH", target, {"call_recording": half if target else {"account": half}})
    schema = Client().get("/v2/schema", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    reference = {"$ref": f"#/components/schemas/{component}", "components": schema["components"]}
    body = api.own(path.format(user=api.user.pk.hex, device=device.pk.hex)).json()
    assert list(jsonschema.Draft202012Validator(reference).iter_errors(body)) == []
    assert set(body) <= set(schema["components"]["schemas"][component]["properties"])


def test_a_person_is_made_read_changed_and_removed(api: Api) -> None:
    answer = send(api, "PUT", "/users", PERSON)
    made = answer.json()["data"]
    assert answer.status_code == 201
    assert answer["Location"] == f"/v2/accounts/{api.account.pk.hex}/users/{made['id']}"
    assert (made["email"], made["role"], made["enabled"]) == ("ada@tenant.example", "supervisor", True)
    assert "password" not in made
    assert isinstance(authenticate(None, username="ada@tenant.example", password=PASSWORD), User)
    path = f"/users/{made['id']}"
    assert send(api, "PATCH", path, {"name": "Ada", "enabled": "false"}).json()["data"]["name"] == "Ada"
    assert authenticate(None, username="ada@tenant.example", password=PASSWORD) is None
    assert api.own(path).json()["data"]["enabled"] is False
    assert send(api, "DELETE", path, {}).status_code == 200
    assert api.own(path).status_code == 404
    actions = AuditEntry.objects.filter(object_id=made["id"]).order_by("at").values_list("action", flat=True)
    assert list(actions) == ["add", "change", "delete"]


def test_a_replaced_person_keeps_the_password_and_loses_the_rest(api: Api) -> None:
    key = send(api, "PUT", "/users", PERSON | {"name": "Ada", "extension": "1001"}).json()["data"]["id"]
    document = {"username": "ada", "email": "ada@tenant.example"}
    replaced = send(api, "POST", f"/users/{key}", document).json()["data"]
    assert (replaced["name"], replaced["extension"], replaced["role"]) == ("", "", "agent")
    assert authenticate(None, username="ada@tenant.example", password=PASSWORD)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"username": None}, {"username": ["required"]}),
        ({"username": ""}, {"username": ["minLength"]}),
        ({"email": "nobody"}, {"email": ["format"]}),
        ({"name": "a\r\nb"}, {"name": ["format"]}),
        ({"name": "a\x00b"}, {"name": ["format"]}),
        ({"role": "king"}, {"role": ["enum"]}),
        ({"role": "operator"}, {"role": ["enum"]}),
        ({"enabled": 1}, {"enabled": ["type"]}),
        ({"password": "12345"}, {"password": ["format"]}),
        ({"is_superuser": True}, {"is_superuser": ["additionalProperties"]}),
        ({"extension": "1" * 33}, {"extension": ["maxLength"]}),
    ],
)
def test_a_person_who_cannot_be_is_not_made(api: Api, changed: Any, expected: Any) -> None:
    assert problems(send(api, "PUT", "/users", PERSON | changed)) == expected
    assert not User.objects.filter(email="ada@tenant.example").exists()


def test_names_are_taken_once(api: Api) -> None:
    send(api, "PUT", "/users", PERSON)
    other = PERSON | {"email": "other@tenant.example"}
    assert problems(send(api, "PUT", "/users", other)) == {"username": ["unique"]}
    assert problems(send(api, "PUT", "/users", PERSON | {"username": "b"})) == {"email": ["unique"]}


def test_nobody_touches_who_stands_above(api: Api, refused: Refused) -> None:
    operator = make_operator()
    User.objects.filter(pk=operator.pk).update(account=api.account)
    for method in ("PATCH", "DELETE"):
        refused(send(api, method, f"/users/{operator.pk.hex}", {"name": "x"}), 403, "forbidden")
    refused(send(api, "DELETE", f"/users/{api.user.pk.hex}", {}), 403, "forbidden")
    assert User.objects.filter(pk__in=[operator.pk, api.user.pk]).count() == 2


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_only_administrators_write(api: Api, role: Role, refused: Refused) -> None:
    low = api_of(make_user(api.account, role))
    for path, data in (("/users", PERSON), ("/devices", {}), ("/api_keys", {}), ("", {"name": "x"})):
        refused(send(low, "PUT", path, data), 403, "forbidden")
    refused(send(low, "PATCH", f"/users/{low.user.pk.hex}", {"role": "admin"}), 403, "forbidden")


def test_a_new_password_ends_the_tokens_of_before(api: Api) -> None:
    person = make_user(api.account, Role.AGENT)
    token = issue_token(user=person)
    assert send(api, "PATCH", f"/users/{person.pk.hex}", {"password": PASSWORD}).status_code == 200
    assert find_token(token) is None


def test_a_person_is_put_into_teams_by_name(api: Api) -> None:
    for name in ("North", "South"):
        make_team(api.account, name)
    make_team(make_account(), "East")
    person = send(api, "PUT", "/users", PERSON | {"teams": ["South", "North"]}).json()["data"]
    assert person["teams"] == ["North", "South"]
    path = f"/users/{person['id']}"
    assert send(api, "PATCH", path, {"teams": ["South"]}).json()["data"]["teams"] == ["South"]
    assert send(api, "PATCH", path, {"name": "Ada"}).json()["data"]["teams"] == ["South"]
    answer = send(api, "PATCH", path, {"teams": ["East"], "name": "Eve"})
    assert set(answer.json()["data"]) == {"teams"}
    assert api.own(path).json()["data"]["name"] == "Ada"
    assert send(api, "POST", path, PERSON).json()["data"]["teams"] == []


def test_an_account_says_how_recordings_are_named_and_kept(api: Api) -> None:
    before = api.own().json()["data"]
    assert (before["file_name_template"], before["keep_wav"]) == (FILE_NAME_TEMPLATE, False)
    after = send(api, "PATCH", "", {"file_name_template": "{caller}_{agent}", "keep_wav": True}).json()[
        "data"
    ]
    assert (after["file_name_template"], after["keep_wav"]) == ("{caller}_{agent}", True)
    answer = send(api, "PATCH", "", {"file_name_template": "../{secret}"})
    assert set(answer.json()["data"]) == {"file_name_template"}


def test_a_device_belongs_to_a_person_of_the_account(api: Api) -> None:
    document = {"name": "Desk", "sip_username": "1001", "owner_id": api.user.pk.hex}
    made = send(api, "PUT", "/devices", document).json()["data"]
    assert made["owner_id"] == api.user.pk.hex
    stranger = make_user(make_account())
    path = f"/devices/{made['id']}"
    assert problems(send(api, "PATCH", path, {"owner_id": stranger.pk.hex})) == {"owner_id": ["enum"]}
    assert problems(send(api, "PATCH", path, {"owner_id": "x"})) == {"owner_id": ["pattern"]}
    assert send(api, "PATCH", path, {"owner_id": None}).json()["data"]["owner_id"] is None
    assert problems(send(api, "PUT", "/devices", document)) == {"sip_username": ["unique"]}
    assert Device.objects.count() == 1


def test_devices_are_listed_in_pages_with_what_they_record(api: Api) -> None:
    for _ in range(5):
        make_device(api.account)
    make_device(make_account())
    document = {"any": {"any": {"enabled": True}}}
    last = Device.objects.filter(account=api.account).first()
    assert last
    send(api, "PATCH", f"/devices/{last.pk.hex}", {"call_recording": document})
    rows = api.walk("/devices", page_size=2)
    assert len({row["id"] for row in rows}) == len(rows) == 5
    assert [row["call_recording"] for row in rows if "call_recording" in row] == [document]


def test_a_number_is_taken_however_it_is_written(api: Api) -> None:
    make_phone_number(make_account(), "+49 30 901820")
    assert problems(send(api, "PUT", "/phone_numbers", {"number": "4930-901820"})) == {"number": ["unique"]}
    assert problems(send(api, "PUT", "/phone_numbers", {"number": "none"})) == {"number": ["format"]}
    made = send(api, "PUT", "/phone_numbers", {"number": "+49 30 77"}).json()["data"]
    assert made["digits"] == "493077"
    assert send(api, "DELETE", f"/phone_numbers/{made['id']}", {}).status_code == 200
    assert PhoneNumber.objects.count() == 1


def test_a_keys_secret_is_told_once_and_ends_with_it(api: Api) -> None:
    made = send(api, "PUT", "/api_keys", {"name": "CRM", "role": "reviewer"}).json()["data"]
    key = find_key(made["api_key"])
    assert key
    assert (key.account, key.role) == (api.account, Role.REVIEWER)
    path = f"/api_keys/{made['id']}"
    assert made["api_key"] not in api.own(path).content.decode()
    assert send(api, "PATCH", path, {"name": "Other"}).json()["data"]["name"] == "Other"
    assert send(api, "DELETE", path, {}).status_code == 200
    assert find_key(made["api_key"]) is None
    assert ApiKey.objects.get(pk=made["id"]).revoked_at


def test_a_child_stands_below_and_is_reached(api: Api) -> None:
    answer = send(api, "PUT", "", {"name": "Below", "timezone": "Asia/Seoul", "realm": "Below.example"})
    made = answer.json()["data"]
    assert answer.status_code == 201
    assert answer["Location"] == f"/v2/accounts/{made['id']}"
    assert (made["parent_id"], made["realm"], made["timezone"]) == (
        api.account.pk.hex,
        "below.example",
        "Asia/Seoul",
    )
    child = api_of(make_user(Account.objects.get(pk=made["id"])))
    grandchild = send(child, "PUT", "/children", {"name": "Further down"}).json()["data"]
    assert [row["id"] for row in api.rows("/children")] == [made["id"]]
    assert [row["id"] for row in api.rows("/descendants")] == [grandchild["id"], made["id"]]
    path = f"accounts/{grandchild['id']}"
    assert api.raw(path, "PATCH", data=b'{"data": {"enabled": false}}').status_code == 200
    assert child.get(f"accounts/{api.account.pk.hex}").status_code == 404
    assert not Account.objects.get(pk=grandchild["id"]).enabled


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"name": ["required"]}),
        ({"name": "x", "timezone": "Nowhere/Land"}, {"timezone": ["enum"]}),
        ({"name": "x", "country": "XX"}, {"country": ["enum"]}),
        ({"name": "Acme"}, {"name": ["unique"]}),
        ({"name": "x", "custom_variables": ["a", 1]}, {"custom_variables.1": ["type"]}),
        (
            {"name": "x", "call_recording": {"inbound": {}}},
            {"call_recording.inbound": ["additionalProperties"]},
        ),
    ],
)
def test_an_account_that_cannot_be_is_not_made(api: Api, document: Any, expected: Any) -> None:
    assert problems(send(api, "PUT", "", document)) == expected
    assert Account.objects.count() == 1


def test_an_account_does_not_enlarge_itself(api: Api, refused: Refused) -> None:
    for name, value in (("realm", "wanted.example"), ("account_code", "x"), ("enabled", False)):
        refused(send(api, "PATCH", "", {name: value}), 403, "forbidden")
    assert send(api, "POST", "", {"name": "Renamed", "country": "DE"}).status_code == 200
    account = Account.objects.get(pk=api.account.pk)
    assert (account.name, account.realm, account.enabled) == ("Renamed", "acme.example", True)
    refused(send(api, "DELETE", "", {}), 405, "invalid_method")
    refused(send(api, "POST", "/children", {}), 405, "invalid_method")


def test_the_decision_is_tried_by_id(api: Api) -> None:
    user = make_user(api.account, Role.AGENT)
    device = make_device(api.account, owner=user)
    off = make_device(api.account, enabled=False)
    send(api, "PATCH", "", {"call_recording": {"endpoint": {"inbound": {"offnet": {"enabled": True}}}}})
    send(api, "PATCH", f"/users/{user.pk.hex}", {"call_recording": {"any": {"any": {"format": "wav"}}}})
    call = {
        "from": "offnet",
        "callees": [device.pk.hex, off.pk.hex, user.pk.hex, {"device": {}, "user": None}],
    }
    answer = send(api, "POST", "/recording_decision", call).json()["data"]
    found = [
        (grant["callee"], grant["leg"], grant["start"], grant["params"]["format"])
        for grant in answer["grants"]
    ]
    assert found == [(0, "B", "answer", "wav"), (2, "B", "answer", "wav"), (3, "B", "answer", "mp3")]
    assert answer["grants"][0]["because"] == "Recorded by the account's endpoint.inbound.offnet."
    reasons = {(no["scope"], no.get("callee")): no["because"] for no in answer["refusals"]}
    assert reasons[("callee", 1)] == "There is no such phone or person, or it is switched off."
    assert ("account", None) in reasons


def test_the_decision_takes_nothing_of_another_tenant(api: Api, refused: Refused) -> None:
    stranger = make_device(make_account())
    answer = send(
        api, "POST", "/recording_decision", {"from": "onnet", "to": "onnet", "caller": stranger.pk.hex}
    )
    assert answer.json()["data"]["grants"] == []
    assert problems(send(api, "POST", "/recording_decision", {})) == {"from": ["required"]}
    assert problems(send(api, "POST", "/recording_decision", {"from": "moon"})) == {"from": ["enum"]}
    bad = {"from": "onnet", "account": {"inbound": {}}}
    assert problems(send(api, "POST", "/recording_decision", bad)) == {"account": ["anyOf"]}
    agent = api_of(make_user(api.account, Role.AGENT))
    refused(send(agent, "POST", "/recording_decision", {"from": "onnet"}), 403, "forbidden")
