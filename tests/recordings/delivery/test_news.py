"""Webhooks hear of what happened, once, in words that they can verify."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import actor_for
from accounts.contacts import name_callers
from accounts.keys import issue_token
from accounts.models import Account, Switch
from ccportal.pipeline import apply_bodies
from cdr import ingest
from cdr.assign import assign
from cdr.models import Call
from recordings.basis import basis_of
from recordings.delivery import news
from recordings.delivery.documents import call_document, recording_document
from recordings.delivery.models import Delivery, DeliveryState, Event, Webhook
from recordings.delivery.outbox import deliver
from recordings.models import State
from recordings.process import StepFailed, done, fail
from switch import events as ev
from switch.esl.translate import Translator
from tests import captures
from tests.factories import make_account, make_call, make_contact, make_operator, make_user
from tests.recordings.delivery.conftest import Finished
from tests.recordings.delivery.receivers import receiving, taking

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).parents[3] / "docs" / "deliveries.md"


def told(delivery: Delivery) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(delivery.payload["body"])
    return body


def hearing(hook: Webhook, **fields: Any) -> Webhook:
    for name, value in fields.items():
        setattr(hook, name, value)
    hook.save()
    return hook


@pytest.fixture
def captured_call(account: Account, switch: Switch, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A call of the account that was captured; the webhook was there before it."""
    Webhook.objects.update(since=timezone.now() - timedelta(days=9000))
    monkeypatch.setattr(news, "SENT_KEPT_FOR", timedelta(days=9000))
    switch.account = account
    switch.save()
    for body in captures.bodies("queue_answered"):
        apply_bodies(switch, [body])
    return Call.objects.get()


def test_a_recording_that_is_ready_is_told(finished: Finished, hook: Webhook) -> None:
    recording = finished(state=State.PROCESSING)
    done(recording, basis_of(recording))
    delivery = Delivery.objects.get(webhook=hook)
    body = told(delivery)
    assert (body["event"], body["id"], body["account_id"]) == (
        "recording.ready",
        delivery.pk.hex,
        hook.account_id.hex,
    )
    data = body["data"]
    assert (data["id"], data["state"], data["duration_ms"]) == (recording.pk.hex, "ready", 2000)
    assert data["caller_id_name"] == "Kim & Söhne"


@pytest.mark.parametrize("permanent", [True, False])
def test_a_recording_is_told_to_have_failed_when_nobody_tries_again(
    finished: Finished, hook: Webhook, permanent: bool
) -> None:
    fail(finished(state=State.PROCESSING), StepFailed("It is no audio.", permanent=permanent))
    events = [told(row)["event"] for row in Delivery.objects.filter(webhook=hook)]
    assert events == ["recording.failed"] * permanent


def test_a_missing_recording_is_told_with_the_reason(finished: Finished, hook: Webhook) -> None:
    recording = finished(state=State.MISSING, finding="missing", state_reason="There is no file.")
    news.recordings_failed([recording.pk])
    data = told(Delivery.objects.get(webhook=hook))["data"]
    assert (data["state"], data["finding"], data["state_reason"]) == (
        "missing",
        "missing",
        "There is no file.",
    )


@pytest.mark.parametrize(
    "fields", [{"events": [Event.CALL_ENDED.value]}, {"enabled": False}], ids=["others", "switched off"]
)
def test_who_does_not_want_to_hear_is_not_told(finished: Finished, hook: Webhook, fields: Any) -> None:
    hearing(hook, **fields)
    news.recording_ready(finished().pk)
    assert not Delivery.objects.exists()


def test_another_accounts_webhook_is_not_told(finished: Finished, hook: Webhook) -> None:
    other = make_account("Other", parent=hook.account)
    Webhook.objects.create(account=other, name="x", url="https://x.example/")
    Webhook.objects.filter(pk=hook.pk).update(account=other, name="y")
    news.recording_ready(finished().pk)
    assert not Delivery.objects.exists()


def test_a_call_that_ended_is_told_once(switch: Switch, captured_call: Call) -> None:
    body = told(Delivery.objects.get(subject="call.ended"))
    assert body["data"]["id"] == captured_call.pk.hex
    assert body["data"]["outcome"] == captured_call.outcome
    assert body["data"]["ended"]
    apply_bodies(switch, captures.bodies("queue_answered"))
    assert Delivery.objects.filter(subject="call.ended").count() == 1


def test_calls_from_before_the_webhook_are_not_told(account: Account, switch: Switch, hook: Webhook) -> None:
    switch.account = account
    switch.save()
    Webhook.objects.update(since=timezone.now() + timedelta(days=1))
    apply_bodies(switch, captures.bodies("queue_answered"))
    assert Call.objects.get().account_id == account.pk
    assert not Delivery.objects.filter(subject="call.ended").exists()


def test_a_call_that_leaves_quarantine_is_told_once_to_the_account_that_got_it(
    account: Account, switch: Switch, hook: Webhook
) -> None:
    lost = make_call(None, switch=switch, ended_at=timezone.now())
    talking = make_call(None, switch=switch, ended_at=None)
    operator = actor_for(make_operator())
    for _ in range(2):
        assign([lost.pk, talking.pk], account, operator)
    news.calls_assigned([lost.pk])
    body = told(Delivery.objects.get(webhook=hook))
    assert (body["event"], body["data"]["id"]) == ("call.ended", lost.pk.hex)
    assert body["account_id"] == account.pk.hex


def test_every_field_is_what_the_api_says(finished: Finished, call: Call, account: Account) -> None:
    """A webhook has the names and values of /v2, and of a recording what was wrong with it besides."""
    recording = finished()
    recording.call = call
    make_contact(account, call.caller_number)
    make_contact(account, recording.caller_number, name="Nadia")
    name_callers([call, recording])
    client = Client(headers={"X-Auth-Token": issue_token(user=make_user(account))})
    base = f"/v2/accounts/{account.pk.hex}"
    documents = {
        f"{base}/recordings/{recording.pk.hex}": recording_document(recording, recording.media.get()),
        f"{base}/cdrs/interaction?filter_id={call.pk.hex}": call_document(call, [recording.pk]),
    }
    for address, document in documents.items():
        data = client.get(address).json()["data"]
        row = data[0] if isinstance(data, list) else data
        ours = {name: value for name, value in document.items() if name not in ("finding", "state_reason")}
        assert {name: row[name] for name in ours} == ours


def test_without_webhooks_a_batch_costs_one_query(
    account: Account, switch: Switch, django_assert_num_queries: Any
) -> None:
    switch.account = account
    switch.save()
    events = filter(None, map(Translator([]).translate, captures.every_body()))
    result = ingest.ingest(switch, [event for event in events if isinstance(event, ev.LegEvent)])
    with django_assert_num_queries(1):
        news.calls_ended(result.touched)


def test_a_webhook_switched_on_again_hears_from_then_on(hook: Webhook) -> None:
    before = hearing(hook, enabled=False).since
    assert before is None
    assert hearing(hook, enabled=True).since


def sent_to(hook: Webhook, finished: Finished) -> tuple[Any, Delivery]:
    with receiving(taking()) as receiver:
        hearing(hook, url=f"{receiver.url}/hook?x=1")
        news.recording_ready(finished().pk)
        done_with = deliver(Delivery.objects.get(webhook=hook).pk)
    assert done_with
    return receiver.taken[0], done_with


def test_a_post_is_signed(hook: Webhook, finished: Finished) -> None:
    taken, delivery = sent_to(hook, finished)
    moment, _, given = taken.headers["X-CCPortal-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(hook.secret.encode(), f"{moment}.".encode() + taken.body, hashlib.sha256)
    assert given == expected.hexdigest()
    assert (taken.method, taken.path) == ("POST", "/hook?x=1")
    assert taken.headers["X-CCPortal-Delivery"] == json.loads(taken.body)["id"] == delivery.pk.hex
    assert taken.headers["X-CCPortal-Event"] == "recording.ready"


def test_the_example_of_the_docs_verifies_a_post(hook: Webhook, finished: Finished) -> None:
    example = DOCS.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(example, str(DOCS), "exec"), names)
    taken, _ = sent_to(hook, finished)
    signature = taken.headers["X-CCPortal-Signature"]
    assert names["is_genuine"](hook.secret, taken.body, signature)
    assert not names["is_genuine"]("another", taken.body, signature)
    assert not names["is_genuine"](hook.secret, taken.body + b" ", signature)
    old = news.signature(hook.secret, taken.body, 1)
    assert not names["is_genuine"](hook.secret, taken.body, old)


def test_a_webhook_that_was_switched_off_gets_nothing_more(hook: Webhook, finished: Finished) -> None:
    news.recording_ready(finished().pk)
    hearing(hook, enabled=False)
    failed = deliver(Delivery.objects.get(webhook=hook).pk)
    assert failed
    assert (failed.state, failed.error) == (DeliveryState.FAILED, "The webhook is switched off.")
