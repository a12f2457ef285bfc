"""Webhooks at /v2: administrators make them, their secret is told once, their urls lead outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.keys import issue_token
from accounts.models import Account, Role
from recordings.models import Webhook
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db
HOOK = {"name": "CRM", "url": "https://203.0.114.9/hooks"}


@pytest.fixture
def own(db: None) -> Account:
    return make_account("Acme")


def ask(own: Account, method: str, path: str = "", data: Any = None, role: str = Role.ADMIN) -> Any:
    user = make_user(
        own, role, email=f"{role}-{method}-{Webhook.objects.count()}{path[-4:]}@acme.example".lower()
    )
    client = Client(headers={"X-Auth-Token": issue_token(user=user)})
    address = f"/v2/accounts/{own.pk.hex}/webhooks{path}"
    return client.generic(method, address, json.dumps({"data": data}) if data is not None else "")


def test_the_secret_is_told_once(own: Account) -> None:
    made = ask(own, "PUT", data=HOOK)
    hook = Webhook.objects.get()
    assert made.status_code == 201
    assert made.json()["data"]["secret"] == hook.secret
    assert made.json()["data"]["events"] == ["call.ended", "recording.ready", "recording.failed"]
    read = ask(own, "GET", f"/{hook.pk.hex}")
    assert hook.secret not in read.content.decode()


def test_a_new_secret_is_told_and_kept(own: Account) -> None:
    ask(own, "PUT", data=HOOK)
    hook = Webhook.objects.get()
    before = hook.secret
    told = ask(own, "PATCH", f"/{hook.pk.hex}", {"rotate_secret": True}).json()["data"]["secret"]
    hook.refresh_from_db()
    assert told == hook.secret != before


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/x",
        "http://2130706433/",
        "http://[::1]/",
        "ftp://203.0.114.9/",
    ],
)
def test_a_url_that_leads_inside_is_refused(own: Account, url: str) -> None:
    answer = ask(own, "PUT", data=HOOK | {"url": url})
    assert (answer.status_code, list(answer.json()["data"])) == (400, ["url"])
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("events", [[], ["call.began"], ["call.ended", "call.ended"], "call.ended"])
def test_events_are_those_there_are(own: Account, events: Any) -> None:
    answer = ask(own, "PUT", data=HOOK | {"events": events})
    assert answer.status_code == 400


def test_a_supervisor_sees_and_makes_none(own: Account) -> None:
    ask(own, "PUT", data=HOOK)
    assert ask(own, "GET", role=Role.SUPERVISOR).json()["data"] == []
    assert ask(own, "PUT", data=HOOK | {"name": "x"}, role=Role.SUPERVISOR).status_code == 403
