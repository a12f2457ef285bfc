"""Keys and tokens that may do less than their role: scopes, ends, and what they can give."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import issue_key, issue_token
from accounts.models import ApiKey, AuthToken
from ccportal.api.scoping import known_resources
from tests.api.conftest import Api, Refused
from tests.factories import make_call, make_leg, make_user


def narrowed(api: Api, *scopes: str) -> Api:
    return Api(api.account, api.user, {"X-Auth-Token": issue_token(user=api.user, scopes=scopes)})


def put(path: str, **data: Any) -> Any:
    return Client().put(f"/v2/{path}", {"data": data}, content_type="application/json")


def write(api: Api, path: str, method: str, **data: Any) -> Any:
    return api.raw(f"accounts/{api.account.pk.hex}{path}", method, data=json.dumps({"data": data}))


def test_a_reading_token_reads_everything_and_writes_nothing(api: Api, refused: Refused) -> None:
    reading = narrowed(api, "read")
    assert reading.own().status_code == 200
    assert reading.own("/cdrs").status_code == 200
    refused(write(reading, "", "PATCH", name="Other"), 403, "forbidden")
    refused(write(reading, "/users", "PUT", username="x"), 403, "forbidden")


@pytest.mark.parametrize(
    ("scope", "reads_cdrs", "reads_users", "writes_devices"),
    [
        ("cdrs", True, False, False),
        ("cdrs:read", True, False, False),
        ("cdrs:write", False, False, False),
        ("users:read", False, True, False),
        ("devices", False, False, True),
        ("devices:write", False, False, True),
        ("write", False, False, True),
    ],
)
def test_a_scope_is_about_its_resource(
    api: Api, scope: str, reads_cdrs: bool, reads_users: bool, writes_devices: bool
) -> None:
    program = narrowed(api, scope)
    assert (program.own("/cdrs").status_code == 200) == reads_cdrs
    assert (program.own("/users").status_code == 200) == reads_users
    device = {"name": "Desk", "sip_username": "1001"}
    assert (write(program, "/devices", "PUT", **device).status_code == 201) == writes_devices


def test_a_persons_calls_are_calls_to_a_scope(api: Api, refused: Refused) -> None:
    path = f"/users/{api.user.pk.hex}/cdrs"
    assert narrowed(api, "cdrs").own(path).status_code == 200
    refused(narrowed(api, "users").own(path), 403, "forbidden")


def test_every_resource_below_an_account_has_a_scope() -> None:
    expected = {"accounts", "users", "devices", "phone_numbers", "api_keys", "cdrs", "queue_calls"}
    assert expected | {"recordings", "channels", "recording_decision"} <= known_resources()


def test_outside_its_scope_a_token_does_not_tell_what_is_there(api: Api, outsider: Api) -> None:
    leg = make_leg(make_call(outsider.account))
    program = narrowed(api, "users")
    answers = [
        program.get(f"accounts/{account}/cdrs/{leg.pk.hex}")
        for account in (api.account.pk.hex, outsider.account.pk.hex, "0" * 32)
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({str(answer.json()["data"]) for answer in answers}) == 1


def test_a_narrowed_key_narrows_its_tokens(api: Api, refused: Refused) -> None:
    answer = write(api, "/api_keys", "PUT", name="Wallboard", scopes=["cdrs:read"])
    assert answer.json()["data"]["scopes"] == ["cdrs:read"]
    token = put("api_auth", api_key=answer.json()["data"]["api_key"]).json()["auth_token"]
    program = Api(api.account, api.user, {"X-Auth-Token": token})
    assert program.own("/cdrs").status_code == 200
    refused(program.own("/users"), 403, "forbidden")


def test_a_token_is_never_wider_than_its_key(api: Api, refused: Refused) -> None:
    key, plain = issue_key(api.account)
    ApiKey.objects.filter(pk=key.pk).update(scopes=["cdrs"])
    token = put("api_auth", api_key=plain, scopes=["users"]).json()["auth_token"]
    program = Api(api.account, api.user, {"X-Auth-Token": token})
    refused(program.own("/users"), 403, "forbidden")
    refused(program.own("/cdrs"), 403, "forbidden")


@pytest.mark.parametrize("document", [{"name": "Wide"}, {"name": "Wide", "scopes": ["write"]}])
def test_a_narrowed_token_gives_no_key(api: Api, refused: Refused, document: dict[str, Any]) -> None:
    refused(write(narrowed(api, "api_keys"), "/api_keys", "PUT", **document), 403, "forbidden")
    assert not ApiKey.objects.exists()


def test_a_narrowed_token_makes_no_administrators_and_changes_none(api: Api, refused: Refused) -> None:
    program = narrowed(api, "users")
    person = {"username": "eve", "email": "eve@acme.example", "password": "correct horse battery"}
    refused(write(program, "/users", "PUT", **person, role="admin"), 403, "forbidden")
    refused(
        write(program, f"/users/{api.user.pk.hex}", "PATCH", password="other horse battery"), 403, "forbidden"
    )
    assert write(program, "/users", "PUT", **person, role="agent").status_code == 201


@pytest.mark.parametrize("path", ["api_auth", "user_auth"])
@pytest.mark.parametrize(
    "scopes", ["read", [1], ["READ"], ["cdrs:delete"], ["nonsense"], [""], ["read"] * 51]
)
def test_scopes_that_are_none_are_refused(api: Api, refused: Refused, path: str, scopes: Any) -> None:
    answer = put(path, api_key="x", username="a@b.example", password="b", scopes=scopes)
    refused(answer, 400, "validation error")
    assert set(answer.json()["data"]) == {"scopes"}


def test_a_token_lives_as_long_as_is_asked(api: Api) -> None:
    _, plain = issue_key(api.account)
    assert put("api_auth", api_key=plain, expires_in=120).status_code == 201
    token = AuthToken.objects.get(api_key__isnull=False)
    assert timedelta(seconds=110) < token.expires_at - timezone.now() <= timedelta(seconds=120)


@pytest.mark.parametrize(
    ("seconds", "rule"),
    [(59, "minimum"), (-1, "minimum"), (86_401, "maximum"), ("1", "type"), (True, "type")],
)
def test_a_life_that_is_too_short_or_long_is_refused(
    api: Api, refused: Refused, seconds: Any, rule: str
) -> None:
    answer = put("api_auth", api_key="x", expires_in=seconds)
    refused(answer, 400, "validation error")
    assert rule in answer.json()["data"]["expires_in"]


def test_a_key_ends_when_it_was_said_to_and_its_tokens_with_it(api: Api, refused: Refused) -> None:
    soon = (timezone.now() + timedelta(hours=2)).isoformat()
    answer = write(api, "/api_keys", "PUT", name="For a while", expires=soon)
    plain = answer.json()["data"]["api_key"]
    token = put("api_auth", api_key=plain).json()["auth_token"]
    program = Api(api.account, api.user, {"X-Auth-Token": token})
    assert program.own().status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    refused(program.own(), 401, "invalid_credentials")
    refused(put("api_auth", api_key=plain), 401, "invalid_credentials")


def test_a_token_tells_what_it_is(api: Api) -> None:
    data = narrowed(api, "read").get("token_auth").json()["data"]
    assert (data["account_id"], data["owner_id"]) == (api.account.pk.hex, api.user.pk.hex)
    assert (data["role"], data["scopes"]) == ("admin", ["read"])


def test_a_token_is_revoked_by_who_has_it_and_refused_at_once(api: Api, refused: Refused) -> None:
    program, other = narrowed(api, "read"), narrowed(api, "read")
    assert program.raw("token_auth", "DELETE").status_code == 200
    refused(program.own(), 401, "invalid_credentials")
    refused(program.raw("token_auth", "DELETE"), 401, "invalid_credentials")
    assert other.own().status_code == 200


def test_a_session_has_no_token_to_tell_of(api: Api, refused: Refused) -> None:
    browser = Client()
    browser.force_login(make_user(api.account))
    refused(browser.get("/v2/token_auth"), 404, "bad_identifier")
