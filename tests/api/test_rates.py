"""Too many requests, and too many wrong passwords, seen through a proxy or not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from accounts.keys import issue_key, issue_token
from ccportal.api import rates
from tests.api.conftest import Api, Refused, api_of
from tests.factories import PASSWORD, make_operator, make_user


@pytest.fixture
def three_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CCPORTAL_API_RATE = 3
    caches["rates"].clear()
    monkeypatch.setattr(rates, "time", lambda: 1_800_000_030.0)


@pytest.mark.usefixtures("three_a_minute")
class TestTooManyRequests:
    def test_the_next_waits_for_the_minutes_end(self, api: Api, refused: Refused) -> None:
        assert [api.own().status_code for _ in range(3)] == [200] * 3
        answer = api.own()
        refused(answer, 429, "too_many_requests")
        assert answer["Retry-After"] == "30"

    def test_a_new_minute_begins_anew(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        assert [api.own().status_code for _ in range(4)][-1] == 429
        monkeypatch.setattr(rates, "time", lambda: 1_800_000_061.0)
        assert api.own().status_code == 200

    def test_a_second_token_is_the_same_person(self, api: Api) -> None:
        assert [api.own().status_code for _ in range(3)] == [200] * 3
        assert api_of(api.user).own().status_code == 429
        assert api_of(make_user(api.account)).own().status_code == 200

    def test_keys_are_counted_apart(self, api: Api) -> None:
        tokens = [issue_token(api_key=issue_key(api.account)[0]) for _ in range(2)]
        programs = [Api(api.account, api.user, {"X-Auth-Token": token}) for token in tokens]
        assert [programs[0].own().status_code for _ in range(4)] == [200, 200, 200, 429]
        assert programs[1].own().status_code == 200

    def test_an_address_without_a_good_token_is_counted(self, api: Api) -> None:
        api.headers = {"X-Auth-Token": "0" * 64}
        assert [api.own().status_code for _ in range(4)] == [401, 401, 401, 429]

    def test_nobody_is_counted_where_none_is_set(self, api: Api, settings: Any) -> None:
        settings.CCPORTAL_API_RATE = 0
        assert [api.own().status_code for _ in range(5)] == [200] * 5


def guess(address: str, forwarded: str = "", name: str = "ada") -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    data = {"data": {"username": name, "password": "wrong", "account_name": "Acme"}}
    answer = Client(REMOTE_ADDR=address).put(
        "/v2/user_auth", data, content_type="application/json", headers=headers
    )
    return answer.status_code


def guesses(count: int, address: str, forwarded: str) -> list[int]:
    return [guess(address, forwarded.format(number), f"name{number}") for number in range(count)]


@pytest.mark.django_db
class TestWhoseGuesses:
    def test_what_a_client_claims_to_be_is_not_believed(self) -> None:
        assert guesses(11, "192.0.2.1", "203.0.113.{}")[-1] == 429

    def test_a_proxy_tells_the_address_last(self, settings: Any) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert guesses(11, "127.0.0.1", "203.0.113.{}, 198.51.100.7")[-1] == 429
        assert guess("127.0.0.1", "203.0.113.1, 198.51.100.8", "another") == 401

    def test_a_network_of_ipv6_is_one_guesser(self) -> None:
        codes = [guess(f"2001:db8:0:1::{number:x}", "", f"name{number}") for number in range(1, 12)]
        assert codes == [401] * 10 + [429]
        assert guess("2001:db8:0:2::1", "", "another") == 401


def test_an_operator_signs_in_by_address(refused: Refused, db: None) -> None:
    operator = make_operator(email="op@example.com")
    data = {"data": {"username": "OP@example.com", "password": PASSWORD}}
    answer = Client().put("/v2/user_auth", data, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["data"] == {"account_id": None, "owner_id": operator.pk.hex}
    named = {"data": {"username": operator.username, "password": PASSWORD, "account_name": "Acme"}}
    refused(Client().put("/v2/user_auth", named, content_type="application/json"), 401, "invalid_credentials")


def test_an_operator_reaches_every_account(api: Api) -> None:
    operator = {"X-Auth-Token": issue_token(user=make_operator())}
    assert Api(api.account, api.user, operator).own("/cdrs").status_code == 200
