"""Exports at the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django_q.models import OrmQ

from accounts.keys import issue_token
from accounts.models import AuditEntry, Role
from ccportal.exports import work
from recordings.exports import Export
from tests.api.conftest import Api, Refused, api_of
from tests.factories import make_call, make_user


@pytest.fixture(autouse=True)
def _clean_storage(tmp_path: Path, settings: Any) -> None:
    storages = {**settings.STORAGES}
    storages["recordings"] = {**storages["recordings"], "OPTIONS": {"location": tmp_path / "audio"}}
    settings.STORAGES = storages
    settings.DATA_DIR = tmp_path


def put(api: Api, **data: Any) -> Any:
    body = json.dumps({"data": {"kind": "calls", "format": "csv"} | data})
    return api.raw(
        f"accounts/{api.account.pk.hex}/exports", "PUT", data=body, content_type="application/json"
    )


def made(api: Api, **data: Any) -> str:
    key: str = put(api, **data).json()["data"]["id"]
    OrmQ.objects.all().delete()
    work.go_on(key)
    return key


def file_of(api: Api, key: str, **headers: str) -> Any:
    return api.own(f"/exports/{key}/file", headers=headers)


def test_a_file_is_asked_for_made_and_downloaded_in_ranges(api: Api) -> None:
    make_call(api.account, caller_number="0305550001")
    answer = put(api, filters={"filter_caller_id_number": "0305550001"})
    key = answer.json()["data"]["id"]
    assert (answer.status_code, answer["Location"][-32:]) == (201, key)
    assert file_of(api, key).status_code == 404
    work.go_on(key)
    document = api.own(f"/exports/{key}").json()["data"]
    assert (document["state"], document["rows_done"], document["rows_total"]) == ("ready", 1, 1)
    whole = file_of(api, key)
    sent = b"".join(whole.streaming_content)
    assert len(sent) == document["size"]
    assert whole["Content-Disposition"].startswith(f'attachment; filename="{document["file_name"]}"')
    part = file_of(api, key, Range="bytes=10-19")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, sent[10:20])
    assert AuditEntry.objects.filter(action="export.download").count() == 1
    assert [row["id"] for row in api.rows("/exports")] == [key]


def test_deleting_removes_it(api: Api) -> None:
    key = made(api)
    answer = api.raw(f"accounts/{api.account.pk.hex}/exports/{key}", "DELETE")
    assert answer.json()["data"]["state"] == "deleted"
    assert file_of(api, key).json()["data"] == {"message": "It was deleted.", "reason": "deleted"}


@pytest.mark.parametrize(
    ("data", "path", "rule"),
    [
        ({"kind": "people"}, "kind", "enum"),
        ({"format": "zip"}, "format", "enum"),
        ({"colour": "red"}, "colour", "additionalProperties"),
        ({"filters": {"filter_colour": "red"}}, "filter_colour", "additionalProperties"),
        ({"filters": {"page_size": "5"}}, "filters.page_size", "additionalProperties"),
        ({"filters": {"created_from": "yesterday"}}, "created_from", "type"),
        ({"filters": {"created_from": 5}}, "filters.created_from", "type"),
        ({"ids": ["x"]}, "ids.0", "pattern"),
        ({"ids": ["0" * 32], "filters": {}}, "ids", "additionalProperties"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, refused: Refused, data: dict[str, Any], path: str, rule: str
) -> None:
    answer = put(api, **data)
    refused(answer, 400, "validation error")
    assert rule in answer.json()["data"][path]
    assert not Export.objects.exists()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AGENT])
def test_who_may_not_export_is_refused(api: Api, refused: Refused, role: Role) -> None:
    refused(put(api_of(make_user(api.account, role))), 403, "forbidden")


def test_a_narrowed_token_needs_the_list_too(api: Api, refused: Refused) -> None:
    api.headers = {"X-Auth-Token": issue_token(user=api.user, scopes=["exports"])}
    refused(put(api), 403, "forbidden")
    api.headers = {"X-Auth-Token": issue_token(user=api.user, scopes=["exports", "cdrs:read"])}
    assert put(api).status_code == 201


def test_supervisors_see_their_own(api: Api) -> None:
    first, second = (api_of(make_user(api.account, Role.SUPERVISOR)) for _ in range(2))
    key = made(first)
    for program in (first, api):
        answer = file_of(program, key)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content)
    assert file_of(second, key).status_code == 404
    assert second.rows("/exports") == []
