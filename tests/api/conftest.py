from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from accounts.keys import issue_token
from accounts.models import Account, User
from tests.factories import make_account, make_user


@dataclass
class Api:
    """A program with a token; what it calls is below ``/v2``."""

    account: Account
    user: User
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self, path: str, method: str = "GET", **options: Any) -> Any:
        headers = self.headers | options.pop("headers", {})
        return Client().generic(method, f"/v2/{path}", headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        headers = query.pop("headers", {})
        return Client().get(f"/v2/{path}", query, headers=self.headers | headers)

    def own(self, path: str = "", **query: Any) -> Any:
        """Ask below the account."""
        return self.get(f"accounts/{self.account.pk.hex}{path}", **query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.own(path, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]  # type: ignore[no-any-return]

    def walk(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Follow ``next_start_key`` to the end."""
        rows, start_key = [], ""
        while True:
            body = self.own(path, **query, start_key=start_key).json()
            rows += body["data"]
            if "next_start_key" not in body:
                return rows
            start_key = body["next_start_key"]


def api_of(user: User) -> Api:
    assert user.account is not None
    return Api(user.account, user, {"X-Auth-Token": issue_token(user=user)})


@pytest.fixture
def api(db: None) -> Api:
    """An administrator's program of a tenant."""
    return api_of(make_user(make_account("Acme", realm="acme.example", time_zone="Europe/Berlin")))


@pytest.fixture
def outsider(db: None) -> Api:
    return api_of(make_user(make_account("Bolt")))


Refused = Callable[[Any, int, str], None]


@pytest.fixture
def refused() -> Refused:
    """Check an error's envelope."""

    def check(answer: Any, code: int, message: str) -> None:
        body = answer.json()
        assert answer.status_code == code, body
        assert (body["error"], body["message"], body["status"]) == (str(code), message, "error")

    return check
