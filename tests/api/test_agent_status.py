"""An agent's status over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import issue_key, issue_token
from accounts.models import Account, Role
from ccportal.api import agent_status
from queues.models import Agent, SwitchOrder
from tests import factories
from tests.portal.board import make_board

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setattr(agent_status, "PATIENCE_SECONDS", 0.1)
    account = factories.make_account("Hanbit Care")
    make_board(account, timezone.now())
    return Agent.objects.get(name="1002")


def call(agent: Agent, role: str = Role.ADMIN, status: str | None = None, **extra: Any) -> Any:
    key, _ = issue_key(agent.account, name="k", role=role)
    headers = {"X-Auth-Token": issue_token(api_key=key)}
    path = f"/v2/accounts/{agent.account_id.hex}/agents/{agent.pk.hex}/status"
    if status is None:
        return Client().get(path, headers=headers)
    body = {"data": {"status": status, **extra}}
    return Client().post(path, body, content_type="application/json", headers=headers)


def test_the_status_is_what_the_switch_last_said(agent: Agent) -> None:
    told = call(agent).json()["data"]
    assert (told["name"], told["status"], told["state"], told["presence"]) == (
        "1002", "Available", "Waiting", "ready"
    )  # fmt: skip
    assert told["queues"] == ["3000@default", "3010@default"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [("login", "Available"), ("logout", "Logged Out"), ("pause", "On Break"), ("resume", "Available"),
     ("on_demand", "Available (On Demand)")],
)  # fmt: skip
def test_each_word_is_an_order_to_the_switch(asked: str, status: str, agent: Agent) -> None:
    told = call(agent, status=asked).json()["data"]
    assert (told["asked"], told["order"]) == (asked, "waiting")
    assert SwitchOrder.objects.get().arguments == ["1002", status]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AGENT])
def test_who_may_not_set_it_is_refused(role: str, agent: Agent) -> None:
    assert call(agent, role, "login").status_code in (403, 404)
    assert not SwitchOrder.objects.exists()


@pytest.mark.parametrize("status", ["", "fly", 1, ["login"]])
def test_an_unknown_word_is_a_validation_error(status: Any, agent: Agent) -> None:
    answer = call(agent, status=status)
    assert answer.status_code == 400
    assert answer.json()["message"] == "validation error"


def test_an_agent_whom_no_switch_knows_is_a_conflict(agent: Agent) -> None:
    unknown = factories.make_agent(Account.objects.get(), "7777")
    assert call(unknown, status="login").status_code == 409
    assert call(unknown).json()["data"]["presence"] == "out"
