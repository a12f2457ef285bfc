"""Webhooks of an account in the portal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, AuditEntry
from recordings.delivery.models import Delivery, DeliveryState, Webhook
from recordings.delivery.outbox import deliver
from tests import factories
from tests.recordings.delivery.receivers import receiving, taking

pytestmark = pytest.mark.django_db

FORM = {"name": "CRM", "url": "http://127.0.0.1:1/hook?key=hush", "events": ["call.ended"], "enabled": "on"}


@pytest.fixture(autouse=True)
def _operator_allows_this_machine(settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = ["127.0.0.1"]


def make(account: Account, **fields: Any) -> Webhook:
    return Webhook.objects.create(account=account, **{"name": "CRM", "url": "http://127.0.0.1:1/"} | fields)


def test_a_new_one_shows_its_secret_once(account: Account, admin: Client) -> None:
    page = admin.post("/settings/webhooks/new", FORM).content.decode()
    hook = Webhook.objects.get(account=account)
    assert hook.secret in page
    assert hook.secret not in admin.get(f"/settings/webhooks/{hook.pk.hex}/").content.decode()
    listed = admin.get("/settings/webhooks/").content.decode()
    assert "CRM" in listed
    assert "hush" not in listed
    assert hook.secret not in str(AuditEntry.objects.get().detail)


def test_a_change_is_told_without_what_the_address_may_hide(account: Account, admin: Client) -> None:
    hook = make(account, url="http://user:hush@127.0.0.1:1/a")
    form = FORM | {"url": "http://user:hush@127.0.0.1:1/b", "enabled": ""}
    admin.post(f"/settings/webhooks/{hook.pk.hex}/", form)
    hook.refresh_from_db()
    assert (hook.enabled, hook.events) == (False, ["call.ended"])
    detail = AuditEntry.objects.get().detail
    assert detail["changes"]["enabled"] == [True, False]
    assert "hush" not in str(detail)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Taken"}, "name"),
        ({"name": ""}, "name"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["nothing"]}, "events"),
    ],
)
def test_what_cannot_be_is_refused(
    account: Account, admin: Client, wrong: dict[str, Any], field: str
) -> None:
    make(account, name="Taken")
    answer = admin.post("/settings/webhooks/new", FORM | wrong)
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert Webhook.objects.count() == 1


def test_a_new_secret_takes_the_place_of_the_old(account: Account, admin: Client) -> None:
    hook = make(account)
    old = hook.secret
    page = admin.post(f"/settings/webhooks/{hook.pk.hex}/secret").content.decode()
    hook.refresh_from_db()
    assert hook.secret != old
    assert hook.secret in page
    assert AuditEntry.objects.get().action == "rotate_secret"


def test_a_test_event_arrives_signed(account: Account, admin: Client) -> None:
    with receiving(taking()) as receiver:
        hook = make(account, url=receiver.url)
        admin.post(f"/settings/webhooks/{hook.pk.hex}/test")
        deliver(Delivery.objects.get().pk)
    [post] = receiver.taken
    assert json.loads(post.body)["event"] == "test"
    assert post.headers["X-CCPortal-Signature"].startswith("t=")
    page = admin.get(f"/settings/webhooks/{hook.pk.hex}/").content.decode()
    assert "Delivered" in page


def test_a_test_that_fails_says_so_and_is_not_tried_again(account: Account, admin: Client) -> None:
    hook = make(account)
    admin.post(f"/settings/webhooks/{hook.pk.hex}/test")
    sent = deliver(Delivery.objects.get().pk)
    assert sent
    assert sent.state == DeliveryState.FAILED
    assert "Not delivered" in admin.get(f"/settings/webhooks/{hook.pk.hex}/").content.decode()


def test_nothing_is_sent_to_one_that_is_off(account: Account, admin: Client) -> None:
    hook = make(account, enabled=False)
    page = admin.post(f"/settings/webhooks/{hook.pk.hex}/test", follow=True).content.decode()
    assert "Switch it on first" in page
    assert not Delivery.objects.exists()


def test_one_is_deleted_with_a_line_in_the_log(account: Account, admin: Client) -> None:
    hook = make(account)
    admin.post(f"/settings/webhooks/{hook.pk.hex}/delete")
    assert not Webhook.objects.exists()
    assert AuditEntry.objects.get().action == "delete"


def test_the_page_asks_as_often_for_many_deliveries(
    account: Account, admin: Client, django_assert_max_num_queries: Any
) -> None:
    hook, other = make(account), make(account, name="Other")
    for number in range(30):
        owner = hook if number % 2 else other
        Delivery.objects.create(account=account, kind="webhook", webhook=owner, subject=f"s{number}")
    with django_assert_max_num_queries(9):
        page = admin.get(f"/settings/webhooks/{hook.pk.hex}/").content.decode()
    assert page.count('data-label="Event"') == 10


def test_another_accounts_is_not_there(account: Account, admin: Client) -> None:
    strange = make(factories.make_account("Stranger"))
    for deed in ("", "test", "secret", "delete"):
        assert admin.post(f"/settings/webhooks/{strange.pk.hex}/{deed}", FORM).status_code == 404
    assert Webhook.objects.get(pk=strange.pk).secret == strange.secret
