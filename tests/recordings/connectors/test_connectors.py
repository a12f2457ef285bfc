"""Calls told to a process tool over SOAP: each step once, whatever fails, and nothing forgotten."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Account
from cdr.models import Call
from recordings.connectors.models import Connector
from recordings.connectors.sending import recording_ready
from recordings.delivery.models import Delivery, DeliveryState
from recordings.delivery.network import Network
from recordings.delivery.outbox import deliver, send_again
from tests.factories import make_contact
from tests.recordings.connectors.process_tool import (
    SECRET,
    SIGN_IN,
    STEPS,
    Tool,
    done_and_hang_up,
    hang_up,
    refusing,
    replying,
    tool_running,
    wsdl,
)
from tests.recordings.delivery.conftest import SOUND, Finished
from tests.recordings.delivery.receivers import Handler

pytestmark = pytest.mark.django_db
QUICK = Network(connect_seconds=2, silence_seconds=0.5, whole_seconds=3)
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.fixture
def tool() -> Iterator[Tool]:
    with tool_running() as (running, _):
        yield running


@pytest.fixture
def connector(account: Account, tool: Tool) -> Connector:
    row = Connector(
        account=account,
        name="Process tool",
        wsdl=f"{tool.url}/tool?wsdl",
        secrets={"password": SECRET},
        sign_in=SIGN_IN,
        steps=deepcopy(STEPS),
    )
    row.full_clean()
    row.save()
    return row


@pytest.fixture
def delivery(connector: Connector, finished: Finished, call: Call) -> Delivery:
    make_contact(connector.account, call.caller_number, name="Erika Muster")
    recording_ready(finished(stopped_at=timezone.now()))
    return Delivery.objects.get(connector=connector)


def sent(delivery: Delivery, network: Network | None = None) -> Delivery:
    Delivery.objects.update(next_try_at=timezone.now())
    found = deliver(delivery.pk, network)
    assert found
    return found


def test_an_incident_is_opened_with_the_file(delivery: Delivery, tool: Tool, call: Call) -> None:
    assert sent(delivery).state == DeliveryState.SENT
    assert tool.asked == ["login", "getProcess", "getObjectdef", "createObjectref", "addFile"]
    [incident] = tool.incidents
    assert incident["title"] == f"{call.caller_number} Erika Muster to {call.dialed_number}: {call.outcome}"
    assert incident["objectdef"] == "process Calls, Incident"
    file = tool.files["incident 1"]
    assert (file["name"], base64.b64decode(file["content"])) == ("x.wav", SOUND)


def test_a_call_is_told_once(delivery: Delivery, tool: Tool, finished: Finished) -> None:
    sent(delivery)
    assert delivery.recording
    recording_ready(delivery.recording)
    assert deliver(delivery.pk, QUICK) is None
    assert len(tool.incidents) == Delivery.objects.count() == 1


def test_what_was_acknowledged_is_not_done_again(delivery: Delivery, tool: Tool) -> None:
    tool.on["addFile"] = [refusing, refusing, hang_up]
    first, second = sent(delivery), sent(delivery)
    assert (first.state, first.error) == (
        DeliveryState.PENDING,
        "addFile: the receiver refused: the disk is full",
    )
    assert second.state == DeliveryState.PENDING
    assert sent(delivery).state == DeliveryState.SENT
    assert len(tool.incidents) == tool.asked.count("createObjectref") == 1
    assert list(tool.files) == ["incident 1"]


def test_a_session_that_is_over_is_begun_anew(delivery: Delivery, tool: Tool) -> None:
    def forget(handler: Handler, do: Callable[[], None]) -> None:
        del handler
        tool.sessions.clear()
        do()

    tool.on["createObjectref"] = [forget]
    assert sent(delivery).state == DeliveryState.SENT
    assert tool.asked.count("login") == 2
    assert len(tool.incidents) == 1


def test_what_is_done_once_and_not_answered_waits_for_a_person(delivery: Delivery, tool: Tool) -> None:
    tool.on["createObjectref"] = [done_and_hang_up]
    failed = sent(delivery)
    assert failed.state == DeliveryState.FAILED
    assert "not known whether incident was done" in failed.error
    assert len(tool.incidents) == 1
    send_again(Delivery.objects.all())
    assert sent(delivery).state == DeliveryState.SENT
    assert tool.asked.count("getProcess") == 1


def test_a_worker_that_was_killed_over_it_leaves_it_to_a_person(delivery: Delivery, tool: Tool) -> None:
    Delivery.objects.update(payload=delivery.payload | {"begun": "incident"})
    assert sent(delivery).state == DeliveryState.FAILED
    assert tool.asked == []


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (refusing, "disk is full"),
        (hang_up, "getProcess:"),
        (replying(b"<html>", 503), "status 503"),
        (replying(b"not XML at all"), "cannot be read"),
        (replying(b"x" * (4 * 1024 * 1024 + 1)), "longer than"),
        (replying(BOMB), "cannot be read"),
        (replying(OUTSIDE), "cannot be read"),
        (replying(b"<a/>"), "cannot be read"),
        (lambda handler, _: handler.connection.recv(1), "in time"),
    ],
    ids=["fault", "cut", "status", "garbage", "huge", "bomb", "entity", "other", "hang"],
)
def test_whatever_goes_wrong_is_told_and_tried_again(
    delivery: Delivery, tool: Tool, behave: Any, words: str
) -> None:
    tool.on["getProcess"] = [behave, behave]
    failed = sent(delivery, QUICK if words == "in time" else None)
    assert (failed.state, failed.next_try_at is not None) == (DeliveryState.PENDING, True)
    assert words in failed.error
    tool.on.clear()
    assert sent(delivery).state == DeliveryState.SENT


def test_a_redirect_to_another_host_is_refused(delivery: Delivery, tool: Tool) -> None:
    def inside(handler: Handler, _: Callable[[], None]) -> None:
        handler.answer(307, b"", Location="http://10.0.0.1/soap")

    tool.on["getProcess"] = [inside]
    failed = sent(delivery)
    assert failed.state == DeliveryState.FAILED
    assert "Refused" in failed.error


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ('<import namespace="urn:x" location="http://10.0.0.1/x.wsdl"/>', "Refused"),
        ('<import namespace="urn:x" location="file:///etc/passwd"/>', "Refused"),
    ],
)
def test_a_wsdl_leads_nowhere_inside(delivery: Delivery, tool: Tool, part: str, words: str) -> None:
    tool.document = lambda handler: handler.answer(200, wsdl(tool.url, part))
    failed = sent(delivery)
    assert words in failed.error
    assert tool.asked == []


@pytest.mark.parametrize(
    "document", [b"", b"no WSDL", BOMB, OUTSIDE, b"x" * (4 * 1024 * 1024 + 1)], ids=range(5)
)
def test_what_is_no_wsdl_is_told(delivery: Delivery, tool: Tool, document: bytes) -> None:
    tool.document = lambda handler: handler.answer(200, document)
    failed = sent(delivery)
    assert failed.state == DeliveryState.PENDING
    assert "WSDL" in failed.error


def test_without_its_key_a_secret_is_not_sent_and_the_call_waits(
    delivery: Delivery, tool: Tool, settings: Any
) -> None:
    settings.CCPORTAL_ENCRYPTION_KEYS = ["another key of more than thirty-two letters"]
    waiting = sent(delivery)
    assert (waiting.state, "CCPORTAL_ENCRYPTION_KEYS" in waiting.error) == (DeliveryState.PENDING, True)
    assert not tool.asked


def test_no_secret_is_told(
    delivery: Delivery, connector: Connector, tool: Tool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    Connector.objects.update(secrets={"password": "wrong-but-secret"})
    failed = sent(delivery)
    assert failed.error == "login: the receiver refused: bad password …"
    assert "wrong-but-secret" not in caplog.text


def wrong(**changes: Any) -> Connector:
    step = {"name": "one", "operation": "a", "arguments": changes.pop("arguments", {})}
    fields = {"wsdl": "https://tool.example/?wsdl", "steps": [step], "secrets": {"password": "x"}} | changes
    return Connector(account=Account.objects.create(name="A"), name="T", **fields)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arguments": {"x": "{caler}"}}, "one: there is no field {caler}"),
        ({"arguments": {"x": "{"}}, "no template"),
        ({"arguments": {"x": "{started:%Y}"}}, "formats a field"),
        ({"arguments": {"x": "{session}"}}, "no field {session}"),
        ({"arguments": {"x": "{secret.token}"}}, "no field {secret.token}"),
        ({"arguments": {"x": "{result.one}"}}, "no field {result.one}"),
        ({"steps": []}, "steps"),
        ({"steps": [{"name": "a"}]}, "operation"),
        ({"steps": [{"name": "a", "operation": "b"}] * 2}, "differently"),
        ({"sign_in": {"session": "a"}}, "operation"),
        ({"secrets": {"a": 1}}, "names and texts"),
        ({"wsdl": "file:///etc/passwd"}, "http"),
    ],
    ids=range(12),
)
def test_a_wrong_mapping_is_refused_when_it_is_saved(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        wrong(**changes).full_clean()
    assert words in str(refused.value)


def test_the_test_command_asks_the_wsdl_and_sends_nothing(
    connector: Connector, tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("test_connector", connector.account.name, connector.name)
    assert "createObjectref: fits" in capsys.readouterr().out
    assert tool.asked == []
    connector.steps[3]["arguments"]["colour"] = "red"
    connector.save()
    with pytest.raises(CommandError, match="colour"):
        call_command("test_connector", connector.account.name, connector.name)
