"""No secret in a log: neither keys, tokens nor passwords, wherever they were sent."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client

from accounts.keys import issue_key, issue_token
from ccportal.api.views import AccountView
from tests.api.conftest import Api
from tests.factories import make_call, make_recording

PASSWORD = "seven wise owls in a barn"


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged, also what the log's level leaves out; SQL is Django's own affair."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="django.db.backends")
    return caplog


def put(path: str, **data: Any) -> Any:
    return Client().put(f"/v2/{path}", {"data": data}, content_type="application/json")


def test_secrets_are_in_no_log(
    api: Api, everything: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = issue_key(api.account)
    token = issue_token(user=api.user)
    wrong = "d" * 64
    account = f"/v2/accounts/{api.account.pk.hex}"
    recording = make_recording(make_call(api.account))
    media = f"{account}/recordings/{recording.pk.hex}/media"
    secrets = [key, token, wrong, PASSWORD]

    secrets.append(put("api_auth", api_key=key).json()["auth_token"])
    put("api_auth", api_key=wrong)
    put("user_auth", username="ada", password=PASSWORD, account_name="Acme")
    put("user_auth", username=PASSWORD, password=PASSWORD, account_name=["Acme"])
    Client().put("/v2/api_auth", f'{{"data": {{"api_key": "{key}"', content_type="application/json")
    for headers in ({"X-Auth-Token": wrong}, {"Authorization": f"Bearer {wrong}"}, {"X-Upload-Token": wrong}):
        Client().get(account, headers=headers)
        Client().put(media, b"RIFF", content_type="audio/wav", headers=headers)
    person = {"username": "ada", "email": "ada@acme.example", "password": PASSWORD}
    for document in (person, person | {"role": "king"}):
        api.raw(f"accounts/{api.account.pk.hex}/users", "PUT", data=json.dumps({"data": document}))
    made = api.raw(f"accounts/{api.account.pk.hex}/api_keys", "PUT", data='{"data": {"name": "CRM"}}')
    secrets.append(made.json()["data"]["api_key"])
    monkeypatch.setattr(AccountView, "account", property(lambda view: 1 // 0))
    Client(raise_request_exception=False, headers={"X-Auth-Token": token}).get(account)

    told = everything.text + "".join(str(record.__dict__) for record in everything.records)
    assert "ZeroDivisionError" in told
    assert [secret for secret in secrets if secret in told] == []
