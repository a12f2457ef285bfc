from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.contacts import Contact
from accounts.keys import issue_key
from accounts.models import Account, AuditEntry, Role, User
from policies.models import RecordingPolicy
from queues.models import Difference, QueueServer, SwitchOrder, Tier
from recordings.connectors.models import Connector
from recordings.delivery.models import Delivery, Webhook
from recordings.holds import LegalHold
from recordings.stores import AudioStore
from tests import factories
from tests.factories import make_account, make_call, make_operator, make_user

pytestmark = pytest.mark.django_db


WALKED_ELSEWHERE = {
    AudioStore,
    Connector,
    Contact,
    Delivery,
    Difference,
    LegalHold,
    QueueServer,
    RecordingPolicy,
    SwitchOrder,
    Tier,
    Webhook,
}


@dataclass
class Tenant:
    """An account with one row of every model that has an admin, each with a word nobody else has.

    Those in WALKED_ELSEWHERE have pages of another kind: ``tests/test_tenancy.py`` walks every one.
    """

    account: Account
    admin: User
    rows: list[Any]


def make_tenant(word: str) -> Tenant:
    account = make_account(f"{word} account", realm=f"{word}.example")
    person = make_user(account, username=f"{word}-admin", name=f"{word} admin")
    call = make_call(
        account, caller_name=f"{word} caller", caller_number="5551234", queue_name=f"{word}-queue"
    )
    visit = factories.make_visit(call, f"{word}-queue")
    factories.make_offer(visit)
    recording = factories.make_recording(call, path=f"/rec/{word}.wav")
    factories.make_media(recording, b"RIFF", duration_ms=0)
    rows = [
        account,
        person,
        factories.make_team(account, f"{word} team"),
        factories.make_device(account, f"{word}-phone"),
        factories.make_phone_number(account),
        issue_key(account, name=f"{word} key")[0],
        factories.make_switch(account, f"{word} switch"),
        AuditEntry.objects.create(account=account, actor=f"{word} actor", action="play"),
        factories.make_queue(account, f"{word}-3000@default"),
        factories.make_agent(account, f"{word}-1001"),
        call,
        factories.make_leg(call),
        visit,
        recording,
    ]
    return Tenant(account, person, rows)


@pytest.fixture
def ours() -> Tenant:
    return make_tenant("ours")


@pytest.fixture
def theirs() -> Tenant:
    return make_tenant("secretive")


def page_of(row: models.Model, page: str) -> str:
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=(row.pk,))


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_every_admin_has_a_row_in_this_test(ours: Tenant) -> None:
    ready = {type(row) for row in ours.rows}
    registered = {model for model in admin.site._registry if model._meta.app_label != "django_q"}
    assert registered - {LogEntry, *WALKED_ELSEWHERE} == ready


@pytest.mark.parametrize("page", ["change", "delete", "history"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_tenants_rows_are_not_there(ours: Tenant, theirs: Tenant, page: str, method: str) -> None:
    client = signed_in(ours.admin)
    answers = [getattr(client, method)(page_of(row, page)).status_code for row in theirs.rows]
    assert answers == [404] * len(theirs.rows)


def test_another_tenants_password_page_is_not_there(ours: Tenant, theirs: Tenant) -> None:
    url = reverse("admin:auth_user_password_change", args=(theirs.admin.pk,))
    client = signed_in(ours.admin)
    assert client.get(url).status_code == 404
    assert client.post(url, {"password1": "x", "password2": "x"}).status_code == 404


def test_no_list_shows_another_tenants_rows(ours: Tenant, theirs: Tenant) -> None:
    client = signed_in(ours.admin)
    for row in theirs.rows:
        for query in ("", "?q=secr", f"?account__id__exact={theirs.account.pk}", "?q=5551234"):
            answer = client.get(list_of(type(row)) + query)
            text = answer.content.decode()
            assert answer.status_code in (200, 302, 404)
            assert "secretive" not in text, (list_of(type(row)), query)


def test_own_rows_are_there(ours: Tenant) -> None:
    client = signed_in(ours.admin)
    hidden = {"switch"}
    for row in ours.rows:
        expected = 404 if row._meta.model_name in hidden else 200
        assert client.get(page_of(row, "change")).status_code == expected, row
        assert client.get(list_of(type(row))).status_code == expected, row


def test_an_operator_sees_every_page(ours: Tenant) -> None:
    client = signed_in(make_operator())
    assert client.get("/admin/").status_code == 200
    for row in ours.rows:
        assert client.get(page_of(row, "change")).status_code == 200, row
        assert client.get(list_of(type(row))).status_code == 200, row


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_who_administers_nothing_finds_no_admin(ours: Tenant, role: Role) -> None:
    client = signed_in(make_user(ours.account, role))
    assert client.get("/admin/").status_code == 404
    assert {client.get(page_of(row, "change")).status_code for row in ours.rows} == {404}


def test_nobody_is_asked_to_sign_in(ours: Tenant) -> None:
    answers = {Client().get(page_of(row, "change")).status_code for row in ours.rows}
    assert answers == {302}


def autocomplete(client: Client, source: str, field: str, term: str = "") -> list[str]:
    app, model = source.split(".")
    query = {"app_label": app, "model_name": model, "field_name": field, "term": term}
    answer = client.get(reverse("admin:autocomplete"), query)
    return [result["text"] for result in answer.json()["results"]]


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("cdr.call", "account"),
        ("accounts.device", "owner"),
        ("accounts.user", "teams"),
        ("queues.queue", "teams"),
        ("accounts.account", "parent"),
    ],
)
@pytest.mark.parametrize("term", ["", "secretive"])
def test_autocomplete_finds_only_own_rows(
    ours: Tenant, theirs: Tenant, source: str, field: str, term: str
) -> None:
    assert autocomplete(signed_in(theirs.admin), source, field, term)
    found = autocomplete(signed_in(ours.admin), source, field, term)
    assert not [text for text in found if "secretive" in text]
    assert bool(found) == (term == "")


def test_autocomplete_of_switches_is_not_for_tenants(ours: Tenant) -> None:
    query = {"app_label": "cdr", "model_name": "call", "field_name": "switch", "term": ""}
    assert signed_in(ours.admin).get(reverse("admin:autocomplete"), query).status_code in (403, 404)


def test_a_filter_does_not_tell_another_tenants_name(ours: Tenant, theirs: Tenant) -> None:
    client = signed_in(ours.admin)
    for model in ("cdr_call", "accounts_user", "recordings_recording"):
        url = reverse(f"admin:{model}_changelist")
        answer = client.get(url, {"account__id__exact": str(theirs.account.pk)})
        assert "secretive" not in answer.content.decode()


def test_a_form_does_not_tell_or_take_another_tenants_rows(ours: Tenant, theirs: Tenant) -> None:
    client = signed_in(ours.admin)
    url = reverse("admin:accounts_device_add")
    answer = client.get(url, {"account": str(theirs.account.pk), "owner": str(theirs.admin.pk)})
    assert "secretive" not in answer.content.decode()
    form = {"name": "x", "sip_username": "x", "enabled": "on"}
    for account, owner in ((theirs.account, ""), (ours.account, theirs.admin.pk)):
        answer = client.post(url, form | {"account": str(account.pk), "owner": str(owner)})
        assert answer.status_code == 200
        assert not theirs.account.devices.filter(name="x").exists()
        assert not ours.account.devices.filter(name="x").exists()


def test_a_reseller_cannot_join_rows_of_two_children(ours: Tenant) -> None:
    children = [make_account(parent=ours.account) for _ in range(2)]
    owner = make_user(children[1], Role.AGENT)
    form = {"name": "x", "sip_username": "x", "account": str(children[0].pk), "owner": str(owner.pk)}
    answer = signed_in(ours.admin).post(reverse("admin:accounts_device_add"), form)
    assert "same account" in answer.content.decode()
    assert not children[0].devices.exists()


@pytest.mark.parametrize("name", ["account__name__startswith", "owner__password__startswith", "owner__email"])
def test_an_address_cannot_ask_about_what_lies_behind(ours: Tenant, name: str) -> None:
    answer = signed_in(ours.admin).get(reverse("admin:accounts_device_changelist"), {name: "x"})
    assert answer.status_code in (302, 400)


@pytest.mark.parametrize("name", ["password__startswith"])
def test_an_address_cannot_guess_a_secret(ours: Tenant, name: str) -> None:
    answer = signed_in(ours.admin).get(reverse("admin:accounts_user_changelist"), {name: "x"})
    assert answer.status_code in (302, 400)
    key = signed_in(ours.admin).get(
        reverse("admin:accounts_apikey_changelist"), {"key_hash__startswith": "a"}
    )
    assert key.status_code in (302, 400)


@pytest.mark.parametrize("word", ["x", "0" * 32, "\x00", "1"])
def test_an_id_that_is_none_breaks_no_page(ours: Tenant, word: str) -> None:
    client = signed_in(ours.admin)
    device = {"name": "x", "sip_username": "x", "account": word, "owner": word}
    answers = [
        client.get(reverse("admin:accounts_device_add"), {"account": word}),
        client.get(reverse("admin:accounts_user_add"), {"teams": word}),
        client.get(reverse("admin:cdr_call_changelist"), {"account__id__exact": word}),
        client.post(reverse("admin:accounts_device_add"), device),
        client.get(f"/admin/accounts/device/{word}/change/"),
    ]
    assert {answer.status_code for answer in answers} <= {200, 302, 404}
