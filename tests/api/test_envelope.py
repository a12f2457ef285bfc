"""The envelope and the table of errors of the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ccportal.api.body import BODY_LIMIT
from ccportal.api.views import AccountView
from tests.api.conftest import Api, Refused, api_of
from tests.factories import PASSWORD, make_call, make_leg, make_user

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_success_wears_the_envelope(api: Api) -> None:
    body = api.own().json()
    assert set(body) == {"data", "status", "request_id", "revision", "timestamp", "version"}
    assert body["status"] == "success"
    assert re.fullmatch(r"[0-9a-f]{32}", body["request_id"])
    assert ISO.fullmatch(body["timestamp"])


def test_account_is_read(api: Api) -> None:
    data = api.own().json()["data"]
    assert (data["id"], data["name"], data["realm"]) == (api.account.pk.hex, "Acme", "acme.example")
    assert data["timezone"] == "Europe/Berlin"


def test_revision_changes_with_the_thing_only(api: Api) -> None:
    before = api.own().json()
    again = api.own().json()
    api.account.name = "Acme & Sons"
    api.account.save()
    assert before["revision"] == again["revision"] != api.own().json()["revision"]
    assert before["request_id"] != again["request_id"]


def test_list_adds_page_size_and_keys(api: Api) -> None:
    for _ in range(2):
        make_leg(make_call(api.account))
    first = api.own("/cdrs", page_size=1).json()
    assert (first["page_size"], first["start_key"]) == (1, "")
    last = api.own("/cdrs", page_size=1, start_key=first["next_start_key"]).json()
    assert last["start_key"] == first["next_start_key"]
    assert "next_start_key" not in last


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Auth-Token": "0" * 64}, {"Authorization": "Bearer no"}, {"Authorization": "Basic YTpi"}],
)
def test_401_without_a_good_token(api: Api, refused: Refused, headers: dict[str, str]) -> None:
    answer = Client().get(f"/v2/accounts/{api.account.pk.hex}", headers=headers)
    refused(answer, 401, "invalid_credentials")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_token_in_query_string_is_not_accepted(api: Api, refused: Refused) -> None:
    token = api.headers["X-Auth-Token"]
    path = f"/v2/accounts/{api.account.pk.hex}"
    refused(Client().get(path, {"auth_token": token, "X-Auth-Token": token}), 401, "invalid_credentials")


def test_bearer_token_is_accepted(api: Api) -> None:
    api.headers = {"Authorization": f"Bearer {api.headers['X-Auth-Token']}"}
    assert api.own().status_code == 200


def test_session_of_the_portal_is_accepted(api: Api) -> None:
    browser = Client()
    assert browser.login(username=api.user.email, password=PASSWORD)
    assert browser.get(f"/v2/accounts/{api.account.pk.hex}").status_code == 200


def test_403_for_what_the_role_may_not_do(api: Api, refused: Refused) -> None:
    reviewer = make_user(api.account, "reviewer")
    refused(api_of(reviewer).own("/cdrs", accept="text/csv"), 403, "forbidden")


@pytest.mark.parametrize(
    "path",
    ["", "/cdrs", "/cdrs/interaction", "/cdrs/legs/abc", "/queue_calls", "/recordings", "/cdrs/" + "0" * 32],
)
@pytest.mark.parametrize("identifier", ["{other}", "0" * 32, "nonsense", "%00", "' OR 1=1"])
def test_404_tells_nothing_apart(
    api: Api, outsider: Api, refused: Refused, path: str, identifier: str
) -> None:
    other = outsider.account.pk.hex
    answer = api.get(f"accounts/{identifier.format(other=other)}{path}")
    refused(answer, 404, "bad_identifier")
    assert answer.json()["data"] == {"message": "There is no such thing."}


@pytest.mark.parametrize("path", ["", "nothing", "accounts", "accounts/", "cdrs/", "api_auth/"])
def test_404_for_unknown_paths(api: Api, refused: Refused, path: str) -> None:
    refused(api.get(path), 404, "bad_identifier")
    refused(Client().get(f"/v2/{path}"), 401, "invalid_credentials")


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_405_names_the_verbs(api: Api, refused: Refused, method: str) -> None:
    answer = api.raw(f"accounts/{api.account.pk.hex}/cdrs", method)
    refused(answer, 405, "invalid_method")
    assert "GET" in answer["Allow"]


def test_405_for_reading_api_auth(refused: Refused, db: None) -> None:
    refused(Client().get("/v2/api_auth"), 405, "invalid_method")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/accounts/x/cdrs?created_from=1"])
def test_410_for_the_first_version(path: str, refused: Refused) -> None:
    refused(Client().get(path), 410, "gone")


@pytest.mark.parametrize("body", [b"{", b"no", b"\xff\xfe", b"[" * 100_000])
def test_400_for_a_body_that_is_not_json(refused: Refused, body: bytes, db: None) -> None:
    answer = Client().put("/v2/api_auth", body, content_type="application/json")
    refused(answer, 400, "validation error")
    assert set(answer.json()["data"]) == {"json"}
    assert set(answer.json()["data"]["json"]) == {"invalid"}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"3", b'{"api_key": "x"}'])
def test_400_without_a_data_key(refused: Refused, body: bytes, db: None) -> None:
    answer = Client().put("/v2/api_auth", body, content_type="application/json")
    refused(answer, 400, "validation error")
    assert set(answer.json()["data"]["data"]) == {"required"}


def test_413_for_a_large_body(refused: Refused, db: None) -> None:
    body = b'{"data": "' + b"x" * BODY_LIMIT + b'"}'
    refused(Client().put("/v2/api_auth", body, content_type="application/json"), 413, "body too large")


@pytest.mark.parametrize("path", ["", "/cdrs", "/users", "/recordings"])
def test_what_nobody_foresaw_is_a_500_in_the_envelope(
    api: Api, refused: Refused, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    monkeypatch.setattr(AccountView, "account", property(lambda view: 1 // 0))
    browser = Client(raise_request_exception=False, headers=api.headers)
    answer = browser.get(f"/v2/accounts/{api.account.pk.hex}{path}")
    refused(answer, 500, "internal_error")
    assert "division" not in answer.content.decode()
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert answer["X-Request-ID"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_host_that_is_not_served_is_400_in_the_envelope(refused: Refused, settings: Any, db: None) -> None:
    settings.ALLOWED_HOSTS = ["calls.example.com"]
    refused(Client(headers={"Host": "evil.example"}).get("/v2/token_auth"), 400, "validation error")


def test_options_tells_the_verbs(api: Api) -> None:
    answer = api.raw(f"accounts/{api.account.pk.hex}/users", "OPTIONS")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"methods": ["GET", "PUT", "HEAD", "OPTIONS"]}
    assert answer["Allow"] == "GET, PUT, HEAD, OPTIONS"


def test_options_of_what_is_not_yours_is_404(api: Api, outsider: Api, refused: Refused) -> None:
    refused(api.raw(f"accounts/{outsider.account.pk.hex}/users", "OPTIONS"), 404, "bad_identifier")


@pytest.mark.parametrize("query", ["", "?accept=text/csv"])
def test_head_has_the_headers_and_no_body(api: Api, query: str) -> None:
    make_leg(make_call(api.account))
    path = f"accounts/{api.account.pk.hex}/cdrs{query}"
    head, get = api.raw(path, "HEAD"), api.raw(path)
    assert (head.status_code, head["Content-Type"]) == (200, get["Content-Type"])
    assert (b"".join(head.streaming_content) if head.streaming else head.content) == b""


def test_head_of_a_file_reads_no_rows(api: Api) -> None:
    make_leg(make_call(api.account))
    with CaptureQueriesContext(connection) as captured:
        answer = api.raw(f"accounts/{api.account.pk.hex}/cdrs?accept=text/csv", "HEAD")
        b"".join(answer.streaming_content)
    assert not any('FROM "cdr_leg"' in query["sql"] for query in captured.captured_queries)
