"""What a switch gets over mod_xml_curl: its own queues and phones, and "not found" for all else."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from accounts.phones import a1_hash, set_sip_password
from queues.keys import issue_secret
from queues.models import Agent, Queue, QueueServer, Tier
from queues.orders import place, step
from switch.switch_xml import NOT_FOUND
from tests import factories as make

pytestmark = pytest.mark.django_db
WHOLE = {"section": "configuration", "tag_name": "configuration", "key_value": "callcenter.conf"}
REGISTER = {"section": "directory", "action": "sip_auth", "domain": "a.example", "user": "1001"}
PASSWORD = "correct horse battery"


def serve(account: Account | None = None, **fields: Any) -> QueueServer:
    return QueueServer.objects.create(switch=make.make_switch(account), **fields)


def make_queue(account: Account, name: str = "q@x") -> Queue:
    queue = Queue.objects.create(account=account, name=name, managed=True)
    agent = Agent.objects.create(account=account, name=f"agent-{name}", managed=True, contact="user/1001")
    Tier.objects.create(queue=queue, agent=agent)
    return queue


def ask(client: Client, server: QueueServer, asked: dict[str, str], secret: str = "") -> str:
    response = post(client, server.switch.name, secret or issue_secret(server), asked)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    return str(response.content.decode())


def post(client: Client, name: str, secret: str, asked: dict[str, str]) -> Any:
    told = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return client.post("/xml/", asked, headers={"Authorization": f"Basic {told}"})


def names(text: str, tag: str) -> list[str | None]:
    return [element.get("name") or element.get("id") for element in ET.fromstring(text.encode()).iter(tag)]


def test_a_switch_gets_its_queues(client: Client) -> None:
    server, account = serve(), make.make_account()
    make_queue(account, "a@x")
    make_queue(account, "b@x")
    text = ask(client, server, WHOLE)
    assert (names(text, "queue"), names(text, "agent")) == (["a@x", "b@x"], ["agent-a@x", "agent-b@x"])
    server.refresh_from_db()
    assert server.asked_at is not None


def test_one_queue_is_asked_for(client: Client) -> None:
    server, account = serve(), make.make_account()
    make_queue(account, "a@x")
    make_queue(account, "b@x")
    text = ask(client, server, WHOLE | {"CC-Queue": "b@x"})
    assert (names(text, "queue"), names(text, "agent")) == (["b@x"], ["agent-b@x"])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"section": "configuration", "key_value": "timezones.conf"},
        {"section": "dialplan"},
        WHOLE | {"CC-Queue": "nosuch@x"},
        WHOLE | {"CC-Queue": "a\0b"},
        REGISTER,
    ],
    ids=["nothing", "other file", "dialplan", "unknown queue", "nul", "directory that is not served"],
)
def test_all_else_is_not_found(client: Client, asked: dict[str, str]) -> None:
    server = serve()
    make_queue(make.make_account())
    assert ask(client, server, asked) == NOT_FOUND


def test_without_a_queue_of_ours_the_switch_uses_its_file(client: Client) -> None:
    server = serve()
    make.make_queue(make.make_account(), "seen@x")
    assert ask(client, server, WHOLE) == NOT_FOUND


def test_no_switch_gets_another_tenant_s(client: Client) -> None:
    ours, theirs = make.make_account(realm="a.example"), make.make_account(realm="b.example")
    make_queue(ours)
    set_phone(ours)
    server = serve(theirs, serves_directory=True)
    for asked in (WHOLE, WHOLE | {"CC-Queue": "q@x"}, REGISTER):
        assert ask(client, server, asked) == NOT_FOUND


@pytest.mark.parametrize("told", ["", "Basic", "Basic %%%", "Basic /////w==", "Bearer x", "Basic Og=="])
def test_only_a_switch_may_ask(client: Client, told: str) -> None:
    response = client.post("/xml/", WHOLE, headers={"Authorization": told})
    assert (response.status_code, b"queue" in response.content) == (401, False)


def test_a_secret_is_one_switch_s_and_the_newest(client: Client) -> None:
    one, other = serve(), serve()
    old = issue_secret(one)
    assert post(client, other.switch.name, old, WHOLE).status_code == 401
    issue_secret(one)
    assert post(client, one.switch.name, old, WHOLE).status_code == 401


def test_what_was_ordered_is_never_answered_from_memory(client: Client) -> None:
    server, account = serve(), make.make_account()
    make_queue(account, "a@x")
    secret = issue_secret(server)
    assert names(ask(client, server, WHOLE, secret), "queue") == ["a@x"]
    make_queue(account, "b@x")
    place(server.switch, [step("load_queue", "b@x")])
    assert names(ask(client, server, WHOLE, secret), "queue") == ["a@x", "b@x"]


def set_phone(account: Account, **fields: Any) -> None:
    device = make.make_device(account, "1001", **fields)
    set_sip_password(device, PASSWORD)
    device.save()


def test_a_phone_signs_in_with_its_digest(client: Client) -> None:
    account = make.make_account(realm="a.example")
    set_phone(account)
    text = ask(client, serve(serves_directory=True, context="tenants"), REGISTER)
    parameters = {e.get("name"): e.get("value") for e in ET.fromstring(text.encode()).iter("param")}
    variables = {e.get("name"): e.get("value") for e in ET.fromstring(text.encode()).iter("variable")}
    assert parameters["a1-hash"] == a1_hash("1001", "a.example", PASSWORD)
    assert variables == {"user_context": "tenants", "ccportal_account": account.pk.hex}
    assert PASSWORD not in text


def test_a_phone_that_is_rung_needs_no_digest(client: Client) -> None:
    set_phone(make.make_account(realm="a.example"))
    text = ask(client, serve(serves_directory=True), REGISTER | {"action": "user_call"})
    assert names(text, "user") == ["1001"]
    assert "a1-hash" not in text


@pytest.mark.parametrize(
    ("phone", "account"),
    [({"enabled": False}, {}), ({}, {"enabled": False})],
    ids=["phone disabled", "account disabled"],
)
def test_what_is_disabled_does_not_sign_in(
    client: Client, phone: dict[str, Any], account: dict[str, Any]
) -> None:
    set_phone(make.make_account(realm="a.example", **account), **phone)
    assert ask(client, serve(serves_directory=True), REGISTER) == NOT_FOUND


def test_a_password_ends_with_its_realm(client: Client) -> None:
    account = make.make_account(realm="old.example")
    set_phone(account)
    account.realm = "a.example"
    account.save()
    assert ask(client, serve(serves_directory=True), REGISTER) == NOT_FOUND


def test_few_queries_answer(client: Client, django_assert_max_num_queries: Any) -> None:
    server, account = serve(), make.make_account()
    for n in range(5):
        make_queue(account, f"q{n}@x")
    secret = issue_secret(server)
    with django_assert_max_num_queries(8):
        ask(client, server, WHOLE, secret)
