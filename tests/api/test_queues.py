"""Queues with their tiers, and agents, as programs make and change them; the switches are told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts.models import Device
from accounts.phones import a1_hash
from queues.models import Agent, Queue, QueueServer, SwitchOrder, Tier
from queues.orders import step_of
from tests.api.conftest import Api
from tests.api.test_patch import send
from tests.factories import make_account, make_switch

AGENT = {"name": "1001", "managed": True, "contact": "user/1001", "wrap_up_time": 5}
QUEUE = {"name": "sales@x", "managed": True, "strategy": "round-robin", "max_wait_time": 300}


@pytest.fixture(autouse=True)
def server(db: None) -> QueueServer:
    return QueueServer.objects.create(switch=make_switch())


def made(api: Api, path: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = send(api, "PUT", path, document)
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["data"])


def ordered() -> list[str]:
    orders = SwitchOrder.objects.order_by("number")
    return [step_of(order).command.line.removeprefix("callcenter_config ") for order in orders]


def test_a_queue_is_made_read_changed_and_removed(api: Api) -> None:
    agent = made(api, "/agents", AGENT)
    queue = made(api, "/queues", QUEUE | {"tiers": [{"agent_id": agent["id"], "level": 2}]})
    assert queue["tiers"] == [{"agent_id": agent["id"], "agent_name": "1001", "level": 2, "position": 1}]
    assert (queue["max_wait_time"], queue["discard_abandoned_after"]) == (300, 60)
    path = f"/queues/{queue['id']}"
    changed = send(api, "PATCH", path, {"strategy": "random"}).json()["data"]
    assert (changed["strategy"], changed["max_wait_time"], len(changed["tiers"])) == ("random", 300, 1)
    assert send(api, "PATCH", path, {"tiers": []}).json()["data"]["tiers"] == []
    assert api.own(path).json()["data"]["strategy"] == "random"
    assert send(api, "DELETE", path, {}).status_code == 200
    assert api.own(path).status_code == 404
    assert ordered()[-3:] == ["queue reload sales@x", "tier del sales@x 1001", "queue unload sales@x"]


def test_what_was_read_can_be_sent_back(api: Api) -> None:
    agent = made(api, "/agents", AGENT)
    queue = made(api, "/queues", QUEUE | {"tiers": [{"agent_id": agent["id"]}]})
    before = len(ordered())
    for path, document in ((f"/queues/{queue['id']}", queue), (f"/agents/{agent['id']}", agent)):
        assert send(api, "POST", path, document).json()["data"] == document
    assert len(ordered()) == before


def test_a_replaced_agent_loses_what_was_not_sent(api: Api) -> None:
    agent = made(api, "/agents", AGENT)
    send(api, "POST", f"/agents/{agent['id']}", {"name": "1001", "managed": True, "contact": "user/1002"})
    assert Agent.objects.get().wrap_up_time == 10
    assert ordered()[-2:] == ["agent set contact 1001 user/1002", "agent set wrap_up_time 1001 10"]


@pytest.mark.parametrize(
    ("path", "document", "wrong"),
    [
        ("/queues", QUEUE | {"name": "a b"}, "name"),
        ("/queues", QUEUE | {"moh_sound": "$${hold_music}"}, "moh_sound"),
        ("/queues", QUEUE | {"record_template": "/r/${system(id)}.wav"}, "record_template"),
        ("/queues", QUEUE | {"strategy": "loudest"}, "strategy"),
        ("/queues", QUEUE | {"max_wait_time": 86_401}, "max_wait_time"),
        ("/queues", QUEUE | {"tiers": [{"agent_id": "0" * 32}]}, "tiers"),
        ("/agents", AGENT | {"contact": "[api_on_answer=system id]user/1"}, "contact"),
        ("/agents", {"name": "1001", "managed": True}, "contact"),
        ("/agents", AGENT | {"status": "Available"}, "status"),
    ],
)
def test_what_a_switch_must_not_get_is_refused(
    api: Api, path: str, document: dict[str, Any], wrong: str
) -> None:
    answer = send(api, "PUT", path, document)
    assert (answer.status_code, list(answer.json()["data"])) == (400, [wrong])
    assert not Queue.objects.exists()
    assert not Agent.objects.exists()
    assert ordered() == []


def test_another_account_s_agent_serves_no_queue_of_ours(api: Api) -> None:
    theirs = Agent.objects.create(account=make_account(), name="1001")
    answer = send(api, "PUT", "/queues", QUEUE | {"tiers": [{"agent_id": theirs.pk.hex}]})
    assert answer.status_code == 400
    assert not Tier.objects.exists()


def test_a_phone_s_password_is_written_and_never_read(api: Api) -> None:
    api.account.realm = "a.example"
    api.account.save()
    phone = {"name": "Desk", "sip_username": "1001", "password": "correct horse battery"}
    document = made(api, "/devices", phone)
    assert Device.objects.get().a1_hash == a1_hash("1001", "a.example", "correct horse battery")
    shown = str(document) + api.own(f"/devices/{document['id']}").content.decode()
    assert not any(word in shown for word in ("password", "a1_hash", Device.objects.get().a1_hash))
    assert send(api, "PATCH", f"/devices/{document['id']}", {"password": "short"}).status_code == 400
    basic = base64.b64encode(b"1001:correct horse battery").decode()
    assert basic not in shown
