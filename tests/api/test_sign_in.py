"""Tokens: how they are given, how long they live, and how guesses are slowed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import find_token, issue_key, revoke_key, revoke_token
from accounts.models import ApiKey, AuthToken
from tests.api.conftest import Api, Refused, api_of
from tests.factories import PASSWORD, make_account, make_operator, make_user
from tests.portal.codes import code_of, set_up, wrong_code


def put(path: str, **data: Any) -> Any:
    return Client().put(f"/v2/{path}", {"data": data}, content_type="application/json")


def account_with(token: str, account_id: str) -> Any:
    return Client().get(f"/v2/accounts/{account_id}", headers={"X-Auth-Token": token})


def test_api_key_gives_a_token(api: Api) -> None:
    _, plain = issue_key(api.account)
    answer = put("api_auth", api_key=plain)
    assert answer.status_code == 201
    body = answer.json()
    assert body["data"] == {"account_id": api.account.pk.hex, "owner_id": None}
    assert account_with(body["auth_token"], api.account.pk.hex).status_code == 200


@pytest.mark.parametrize(
    "name",
    [{"account_name": "Acme"}, {"account_realm": "acme.example"}, {"account_realm": "ACME.example"}],
)
def test_password_gives_a_token(api: Api, name: dict[str, str]) -> None:
    answer = put("user_auth", username=api.user.username, password=PASSWORD, **name)
    assert answer.status_code == 201
    body = answer.json()
    assert body["data"] == {"account_id": api.account.pk.hex, "owner_id": api.user.pk.hex}
    assert account_with(body["auth_token"], api.account.pk.hex).status_code == 200


def test_token_and_key_are_stored_hashed(api: Api) -> None:
    _, plain = issue_key(api.account)
    token = put("api_auth", api_key=plain).json()["auth_token"]
    stored = [str(row) for model in (ApiKey, AuthToken) for row in model._default_manager.values()]
    assert not any(plain in row or token in row for row in stored)


def test_token_lives_an_hour(api: Api) -> None:
    _, plain = issue_key(api.account)
    token = put("api_auth", api_key=plain).json()["auth_token"]
    found = find_token(token)
    assert found
    assert timedelta(minutes=59) < found.expires_at - timezone.now() <= timedelta(hours=1)
    AuthToken.objects.filter(pk=found.pk).update(expires_at=timezone.now())
    assert account_with(token, api.account.pk.hex).status_code == 401


def test_revoked_token_is_refused_at_once(api: Api) -> None:
    token = api.headers["X-Auth-Token"]
    found = find_token(token)
    assert found
    revoke_token(found)
    assert api.own().status_code == 401


def test_tokens_of_a_revoked_key_are_refused_at_once(api: Api) -> None:
    key, plain = issue_key(api.account)
    token = put("api_auth", api_key=plain).json()["auth_token"]
    revoke_key(key)
    assert account_with(token, api.account.pk.hex).status_code == 401
    assert put("api_auth", api_key=plain).status_code == 401


def test_wrong_password_and_unknown_account_look_the_same(api: Api, refused: Refused) -> None:
    wrong = put("user_auth", username=api.user.username, password="no", account_name="Acme")
    unknown = put("user_auth", username="nobody", password="no", account_name="No such")
    refused(wrong, 401, "invalid_credentials")
    refused(unknown, 401, "invalid_credentials")
    assert wrong.json()["data"] == unknown.json()["data"]


def test_user_of_another_account_is_not_found_by_name(api: Api, outsider: Api, refused: Refused) -> None:
    answer = put("user_auth", username=outsider.user.username, password=PASSWORD, account_name="Acme")
    refused(answer, 401, "invalid_credentials")


@pytest.mark.parametrize(
    ("path", "data", "path_of_problem", "rule"),
    [
        ("api_auth", {}, "api_key", "required"),
        ("api_auth", {"api_key": 7}, "api_key", "type"),
        ("api_auth", {"api_key": "a\x00"}, "api_key", "type"),
        ("user_auth", {"username": "a", "account_name": "b"}, "password", "required"),
        ("user_auth", {"username": "a", "password": "b"}, "account_realm", "required"),
        ("user_auth", {"username": None, "password": "b", "account_name": "c"}, "username", "type"),
    ],
)
def test_what_is_missing_is_named(
    db: None, refused: Refused, path: str, data: Any, path_of_problem: str, rule: str
) -> None:
    answer = put(path, **data)
    refused(answer, 400, "validation error")
    assert rule in answer.json()["data"][path_of_problem]


def test_sixth_wrong_password_in_a_minute_waits(api: Api, refused: Refused) -> None:
    def guess(password: str) -> Any:
        return put("user_auth", username=api.user.username, password=password, account_name="Acme")

    for _ in range(5):
        refused(guess("wrong"), 401, "invalid_credentials")
    answer = guess(PASSWORD)
    refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_guessed_keys_wait_by_address(db: None, refused: Refused) -> None:
    answers = [put("api_auth", api_key=f"{number:064x}"[::-1]) for number in range(1, 12)]
    assert {answer.status_code for answer in answers[:10]} == {401}
    refused(answers[10], 429, "too_many_requests")


def test_reseller_reaches_down_and_nobody_up_or_sideways(api: Api) -> None:
    child = make_account("Child", parent=api.account)
    grandchild = make_account("Grandchild", parent=child)
    sibling = make_account("Sibling", parent=api.account)
    below = api_of(make_user(child))
    reached = [account.pk.hex for account in (api.account, child, grandchild, sibling)]
    assert [api.get(f"accounts/{key}").status_code for key in reached] == [200, 200, 200, 200]
    assert [below.get(f"accounts/{key}").status_code for key in reached] == [404, 200, 200, 404]


def as_ada(api: Api, **more: Any) -> Any:
    return put("user_auth", username=api.user.username, password=PASSWORD, account_name="Acme", **more)


def test_who_has_a_second_step_sends_its_code(api: Api) -> None:
    set_up(api.user)
    for missing in ({}, {"otp": ""}, {"otp": 123456}):
        answer = as_ada(api, **missing)
        body = answer.json()
        assert (answer.status_code, body["error"], body["message"]) == (401, "401", "invalid_credentials")
        assert set(body["data"]["otp"]) == {"required"}
    code = code_of(api.user)
    assert as_ada(api, otp=code).status_code == 201
    assert set(as_ada(api, otp=code).json()["data"]["otp"]) == {"wrong"}


def test_a_recovery_code_gives_a_token_once(api: Api) -> None:
    [code, *_] = set_up(api.user)
    assert [as_ada(api, otp=code).status_code for _ in range(2)] == [201, 401]


def test_a_wrong_password_tells_nothing_of_the_second_step(api: Api) -> None:
    set_up(api.user)
    answer = put("user_auth", username=api.user.username, password="wrong", account_name="Acme", otp="1")
    assert (answer.status_code, "otp" in answer.json()["data"]) == (401, False)


def test_guesses_of_codes_are_slowed(api: Api) -> None:
    set_up(api.user)
    answers = [as_ada(api, otp=wrong_code(api.user)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Retry-After" in answers[-1].headers


def test_who_has_to_set_it_up_first_is_refused_with_the_reason(api: Api) -> None:
    api.account.second_step = "everyone"
    api.account.save()
    answer = as_ada(api)
    assert (answer.status_code, set(answer.json()["data"]["otp"])) == (401, {"enrolment"})


def test_operators_send_it_too(db: None) -> None:
    operator = make_operator()
    set_up(operator)
    asked = {"username": operator.email, "password": PASSWORD}
    assert put("user_auth", **asked).status_code == 401
    assert put("user_auth", **asked, otp=code_of(operator)).status_code == 201
