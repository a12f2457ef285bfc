"""PATCH of ``call_recording``: every row of the table in docs/api.md, and two at one moment."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection

from accounts.models import Device, Role
from policies.models import PolicyChange, RecordingPolicy
from tests.api.conftest import Api, Refused, api_of
from tests.factories import make_account, make_device, make_user

STORED = {"inbound": {"offnet": {"enabled": True, "format": "mp3"}}}
KINDS = ["account", "endpoint", "user", "device"]


def send(api: Api, method: str, path: str, data: Any) -> Any:
    body = json.dumps({"data": data})
    return api.raw(f"accounts/{api.account.pk.hex}{path}", method, data=body, content_type="application/json")


def path_of(api: Api, kind: str) -> str:
    """The address of a thing of the kind; the account has two halves."""
    if kind in ("account", "endpoint"):
        return ""
    return f"/users/{api.user.pk.hex}" if kind == "user" else f"/devices/{a_device(api).pk.hex}"


def a_device(api: Api) -> Device:
    return Device.objects.filter(account=api.account).first() or make_device(api.account)


def wrapped(kind: str, document: Any) -> Any:
    return {kind: document} if kind in ("account", "endpoint") and document else document


def recording_of(api: Api, path: str) -> Any:
    return api.own(path).json()["data"].get("call_recording", "absent")


ROWS = [
    (
        {"outbound": {"offnet": {"enabled": True}}},
        {**STORED, "outbound": {"offnet": {"enabled": True}}},
    ),
    ({"inbound": {"offnet": {"format": None}}}, {"inbound": {"offnet": {"enabled": True}}}),
    (
        {"inbound": {"offnet": {"enabled": False}}},
        {"inbound": {"offnet": {"enabled": False, "format": "mp3"}}},
    ),
    ({"inbound": {"offnet": {}}}, {"inbound": {"offnet": {}}}),
    ({"inbound": {"_rev": 1, "pvt_x": 2}}, STORED),
    (
        {"inbound": {"offnet": {"enabled": "false", "time_limit": "60"}}},
        {"inbound": {"offnet": {"enabled": False, "format": "mp3", "time_limit": 60}}},
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("asked", "afterwards"), ROWS, ids=range(len(ROWS)))
def test_rows_of_the_table(api: Api, kind: str, asked: Any, afterwards: Any) -> None:
    path = path_of(api, kind)
    assert send(api, "PATCH", path, {"call_recording": wrapped(kind, STORED)}).status_code == 200
    answer = send(api, "PATCH", path, {"call_recording": wrapped(kind, asked)})
    assert answer.status_code == 200
    assert answer.json()["data"]["call_recording"] == wrapped(kind, afterwards)
    assert recording_of(api, path) == wrapped(kind, afterwards)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "afterwards"),
    [({"call_recording": None}, "absent"), ({"call_recording": {}}, {}), ({}, "kept")],
    ids=["null", "empty", "nothing"],
)
def test_null_removes_empty_clears_nothing_changes_nothing(
    api: Api, kind: str, asked: Any, afterwards: Any
) -> None:
    path = path_of(api, kind)
    send(api, "PATCH", path, {"call_recording": wrapped(kind, STORED)})
    assert send(api, "PATCH", path, asked).status_code == 200
    expected = wrapped(kind, STORED) if afterwards == "kept" else afterwards
    assert recording_of(api, path) == expected


def cell(**params: Any) -> Any:
    return {"inbound": {"offnet": params}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "path", "rule"),
    [
        (cell(time_limit=20000), "inbound.offnet.time_limit", "maximum"),
        (cell(time_limit=4), "inbound.offnet.time_limit", "minimum"),
        (cell(time_limit=10**30), "inbound.offnet.time_limit", "maximum"),
        (cell(enabled=1), "inbound.offnet.enabled", "type"),
        (cell(enabled="yes"), "inbound.offnet.enabled", "type"),
        (cell(enabled="on"), "inbound.offnet.enabled", "type"),
        (cell(format="ogg"), "inbound.offnet.format", "enum"),
        (cell(volume=3), "inbound.offnet.volume", "additionalProperties"),
        (cell(url="http://127.0.0.1/in"), "inbound.offnet.url", "format"),
        (cell(url="http://0xA9FEA9FE/"), "inbound.offnet.url", "format"),
        (cell(url="ftp://[::ffff:10.0.0.1]/"), "inbound.offnet.url", "format"),
        (cell(url="file:///etc/passwd"), "inbound.offnet.url", "format"),
        (cell(url="http://store.example/\r\nX: y"), "inbound.offnet.url", "format"),
        ({"sideways": {"onnet": {}}}, "sideways", "additionalProperties"),
        ({"inbound": {"on-net": {}}}, "inbound.on-net", "additionalProperties"),
        ({"inbound": [1]}, "inbound", "type"),
    ],
)
def test_what_breaks_a_rule_changes_nothing(api: Api, kind: str, asked: Any, path: str, rule: str) -> None:
    target = path_of(api, kind)
    send(api, "PATCH", target, {"call_recording": wrapped(kind, STORED)})
    answer = send(api, "PATCH", target, {"name": "Changed", "call_recording": wrapped(kind, asked)})
    body = answer.json()
    before = f"call_recording.{kind}" if kind in ("account", "endpoint") else "call_recording"
    assert (answer.status_code, body["message"]) == (400, "validation error")
    assert list(body["data"]) == [f"{before}.{path}"]
    assert list(body["data"][f"{before}.{path}"]) == [rule]
    assert recording_of(api, target) == wrapped(kind, STORED)
    assert api.own(target).json()["data"]["name"] != "Changed"


def test_a_broken_rule_says_what_was_wanted(api: Api) -> None:
    body = send(api, "PATCH", path_of(api, "user"), {"call_recording": cell(time_limit=20000)}).json()
    told = body["data"]["call_recording.inbound.offnet.time_limit"]["maximum"]
    assert (told["target"], told["value"]) == (10800, 20000)


@pytest.mark.parametrize(
    ("kind", "document", "path"),
    [
        ("account", STORED, "inbound"),
        ("user", {"account": STORED}, "account"),
        ("device", {"endpoint": {}}, "endpoint"),
    ],
)
def test_the_wrapper_is_the_accounts_alone(api: Api, kind: str, document: Any, path: str) -> None:
    body = send(api, "PATCH", path_of(api, kind), {"call_recording": document}).json()
    assert list(body["data"][f"call_recording.{path}"]) == ["additionalProperties"]
    assert not RecordingPolicy.objects.exists()


@pytest.mark.parametrize("deep", [40, 400])
def test_a_document_without_end_is_refused(api: Api, deep: int) -> None:
    document: Any = {}
    for _ in range(deep):
        document = {"inbound": document}
    answer = send(api, "PATCH", path_of(api, "user"), {"call_recording": document})
    assert answer.status_code == 400


def test_post_replaces_and_what_was_read_can_be_sent_back(api: Api) -> None:
    path = path_of(api, "device")
    send(api, "PATCH", path, {"call_recording": STORED})
    document = api.own(path).json()["data"]
    assert send(api, "POST", path, document).json()["data"] == document
    del document["call_recording"]
    assert "call_recording" not in send(api, "POST", path, document).json()["data"]


def test_changes_are_kept_with_who_made_them(api: Api) -> None:
    path = path_of(api, "user")
    send(api, "PATCH", path, {"call_recording": STORED})
    send(api, "PATCH", path, {"call_recording": STORED})
    send(api, "PATCH", path, {"call_recording": None})
    last, first = PolicyChange.objects.about(api.user)
    assert (first.before, first.after, first.actor) == (None, STORED, api.user.email)
    assert (last.before, last.after, last.changed_by) == (STORED, None, api.user)


def test_who_decides_nothing_sees_no_settings_and_changes_none(api: Api, refused: Refused) -> None:
    send(api, "PATCH", "", {"call_recording": {"account": STORED}})
    agent = api_of(make_user(api.account, Role.AGENT))
    assert "call_recording" not in agent.own().json()["data"]
    refused(send(agent, "PATCH", "", {"call_recording": None}), 403, "forbidden")
    refused(send(agent, "PATCH", f"/users/{agent.user.pk.hex}", {"name": "x"}), 403, "forbidden")
    refused(send(agent, "PATCH", f"/users/{api.user.pk.hex}", {"name": "x"}), 404, "bad_identifier")


def test_another_tenants_document_is_not_found(api: Api, outsider: Api, refused: Refused) -> None:
    device = a_device(api)
    for method in ("PATCH", "POST", "DELETE"):
        refused(send(outsider, method, f"/devices/{device.pk.hex}", {"name": "x"}), 404, "bad_identifier")
        path = f"accounts/{api.account.pk.hex}/devices/{device.pk.hex}"
        refused(outsider.raw(path, method, data=b'{"data": {}}'), 404, "bad_identifier")
    assert Device.objects.filter(pk=device.pk, name=device.name).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["account", "user", "device"])
def test_changes_at_one_moment_are_both_there(kind: str) -> None:
    """Each thread adds the cells of its own; none is lost, and nobody is refused."""
    api = api_of(make_user(make_account("Acme")))
    target = path_of(api, kind)
    cells = [(d, n) for d in ("inbound", "outbound", "any") for n in ("onnet", "offnet", "any")]
    keys = ("time_limit", "record_min_sec")
    start = threading.Barrier(len(keys))
    codes: list[int] = []

    def write(key: str) -> None:
        start.wait(10)
        try:
            for direction, network in cells:
                document = wrapped(kind, {direction: {network: {key: 60}}})
                codes.append(send(api, "PATCH", target, {"call_recording": document}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    both = dict.fromkeys(keys, 60)
    expected = {direction: dict.fromkeys(("onnet", "offnet", "any"), both) for direction, _ in cells}
    assert set(codes) == {200}
    assert recording_of(api, target) == wrapped(kind, expected)
    assert PolicyChange.objects.count() == len(keys) * len(cells)
