"""The matrix, the history and the simulator in the admin."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Role, User
from policies.change import change, document_of
from policies.models import PolicyChange
from tests.factories import make_account, make_device, make_operator, make_user

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def put(target: Any, document: Any) -> None:
    change(target, lambda _: document, None)


def url(name: str, target: Any) -> str:
    return reverse(f"admin:policies_{name}", args=[target.pk.hex])


def form_of(page: str) -> dict[str, str]:
    """The fields of the page's form as a browser would send them untouched."""
    form = page[page.index('name="base"') - 300 :]
    fields = {"base": re.findall(r'name="base" value="([^"]*)"', form)[0].replace("&quot;", '"')}
    fields |= dict(re.findall(r'type="radio" name="([^"]+)" value="([^"]*)" checked', form))
    fields |= dict(re.findall(r'<input class="input"[^>]* name="([^"]+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        fields[name] = (re.findall(r'value="([^"]*)" selected', options) or [""])[0]
    return fields


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def save(client: Client, address: str, changed: dict[str, str]) -> Any:
    return client.post(address, form_of(page_of(client, address)) | changed | {"_save": "1"})


@pytest.fixture
def account() -> Account:
    return make_account("Acme")


@pytest.fixture
def client(account: Account) -> Client:
    return signed_in(make_user(account, email="boss@acme.example"))


@pytest.mark.parametrize("kind", ["account", "phones", "user", "device"])
def test_a_cell_is_set_and_inherited_again(account: Account, client: Client, kind: str) -> None:
    targets: dict[str, Any] = {"user": make_user(account, Role.AGENT), "device": make_device(account)}
    target = targets.get(kind, account)
    half = {"account": "account", "phones": "endpoint"}.get(kind)
    address = url(kind, target)
    fields = {
        "inbound.offnet.enabled": "on",
        "inbound.offnet.time_limit": " 60 ",
        "outbound.onnet.begins": "answer",
    }
    assert save(client, address, fields).status_code == 302
    part = {
        "inbound": {"offnet": {"enabled": True, "time_limit": 60}},
        "outbound": {"onnet": {"record_on_answer": True, "record_on_bridge": False}},
    }
    assert document_of(target) == ({half: part} if half else part)
    assert save(client, address, {}).status_code == 302
    assert PolicyChange.objects.count() == 1
    nothing = dict.fromkeys(("inbound.offnet.time_limit", "outbound.onnet.begins"), "")
    assert save(client, address, nothing | {"inbound.offnet.enabled": "inherit"}).status_code == 302
    assert document_of(target) is None


def test_the_other_half_and_what_is_not_shown_stay(account: Account, client: Client) -> None:
    stored = {
        "account": {"any": {"any": {"format": "wav"}}},
        "endpoint": {"any": {"onnet": {"enabled": True}}},
    }
    put(account, stored)
    save(client, url("phones", account), {"inbound.offnet.enabled": "off"})
    expected = {"any": {"onnet": {"enabled": True}}, "inbound": {"offnet": {"enabled": False}}}
    assert document_of(account) == stored | {"endpoint": expected}


def test_two_people_at_one_moment_lose_nothing(account: Account, client: Client) -> None:
    address = url("account", account)
    first, second = (form_of(page_of(client, address)) for _ in range(2))
    client.post(address, first | {"inbound.offnet.enabled": "on", "_save": "1"})
    client.post(address, second | {"inbound.onnet.enabled": "off", "_save": "1"})
    assert document_of(account) == {
        "account": {"inbound": {"offnet": {"enabled": True}, "onnet": {"enabled": False}}}
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("inbound.offnet.time_limit", "12000", "at most 10800"),
        ("inbound.offnet.record_min_sec", "soon", "an integer"),
        ("inbound.offnet.format", "ogg", "one of mp3, wav"),
        ("inbound.offnet.url", "http://169.254.169.254/", "leads into a network"),
        ("inbound.offnet.url", "javascript:alert(1)", "begins with http"),
    ],
)
@pytest.mark.parametrize("kind", ["account", "device"])
def test_what_breaks_a_rule_is_marked_and_not_saved(
    account: Account, client: Client, kind: str, field: str, value: str, message: str
) -> None:
    target = account if kind == "account" else make_device(account)
    answer = save(client, url(kind, target), {field: value, "outbound.onnet.enabled": "on"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert message in page
    assert f'value="{value}"' in page or field.endswith("format")
    assert 'aria-invalid="true"' in page or field.endswith("format")
    assert document_of(target) is None


def test_where_each_value_comes_from_is_told(account: Account, client: Client) -> None:
    anna = make_user(account, Role.AGENT, name="Anna")
    device = make_device(account, owner=anna, name="Desk")
    put(account, {"endpoint": {"any": {"offnet": {"enabled": True}}}})
    put(anna, {"inbound": {"offnet": {"enabled": False}}})
    page = page_of(client, url("device", device))
    assert f'From <a class="link" href="{url("user", anna)}">Anna</a>, over <a class="link"' in page
    put(device, {"inbound": {"any": {"enabled": True}}})
    assert "Set here, as inbound.any, over <a" in page_of(client, url("device", device))
    assert "records calls from inside" in page_of(client, url("user", anna))


def test_trying_saves_nothing_and_decides_with_the_changes(account: Account, client: Client) -> None:
    device = make_device(account)
    address = url("device", device)
    form = form_of(page_of(client, address)) | {"inbound.offnet.enabled": "on", "_try": "1"}
    page = client.post(address, form | {"try_from": "offnet", "try_role": "rings"}).content.decode()
    assert "One file" in page
    assert "Recorded by the device&#x27;s inbound.offnet." in page
    assert "1 change not saved" in page
    assert document_of(device) is None


def test_an_old_document_is_restored_as_a_new_change(account: Account, client: Client) -> None:
    device = make_device(account)
    for enabled in (True, False):
        put(device, {"any": {"any": {"enabled": enabled}}})
    old = PolicyChange.objects.about(device).last()
    page = page_of(client, url("device_history", device))
    assert "any.any.enabled" in page
    assert client.post(url("restore", old)).status_code == 302
    assert document_of(device) == {"any": {"any": {"enabled": True}}}
    newest = PolicyChange.objects.about(device).first()
    assert newest
    assert (newest.restores, newest.actor, newest.before) == (
        old,
        "boss@acme.example",
        {"any": {"any": {"enabled": False}}},
    )
    assert client.get(url("restore", old)).status_code == 405


def test_the_simulator_says_who_is_recorded_and_who_is_not(account: Account, client: Client) -> None:
    on, off = make_device(account, name="On"), make_device(account, name="Off")
    put(on, {"any": {"any": {"enabled": True, "format": "wav"}}})
    asked = {"call_from": "offnet", "call_to": "onnet", "callees": f"{on.sip_username}, {off.sip_username}"}
    page = client.get(url("simulator", account), asked).content.decode()
    assert "One file" in page
    assert "Leg of On" in page
    assert "The callee: nothing switches inbound.offnet on." in page
    stranger = make_device(make_account(), "9001", name="Strange phone")
    asked["callees"] = stranger.sip_username
    page = client.get(url("simulator", account), asked).content.decode()
    assert "Nothing here is called 9001." in page
    assert "Strange phone" not in page


def test_the_simulator_knows_people_and_forwards(account: Account, client: Client) -> None:
    make_user(account, Role.AGENT, username="anna", extension="1001", name="Anna")
    device = make_device(account, "1002")
    put(device, {"inbound": {"offnet": {"enabled": True}}})
    asked = {"call_from": "offnet", "call_to": "offnet", "callees": "1001", "forwarder": "1002"}
    page = client.get(url("simulator", account), asked).content.decode()
    assert "Forwarded leg" in page
    assert "Leg of Anna" in page
    assert "Name one." in client.get(url("simulator", account), asked | {"caller": "1, 2"}).content.decode()


@pytest.mark.parametrize("page", ["accounts_account", "accounts_user", "accounts_device"])
def test_the_matrix_is_on_the_page_of_the_thing(account: Account, client: Client, page: str) -> None:
    rows = {
        "accounts_account": account,
        "accounts_user": make_user(account),
        "accounts_device": make_device(account),
    }
    row = rows[page]
    shown = page_of(client, reverse(f"admin:{page}_change", args=[row.pk]))
    kind = page.removeprefix("accounts_")
    assert f'action="{url(kind, row)}"' in shown
    assert 'name="inbound.offnet.enabled"' in shown
    assert 'name="inbound' not in page_of(client, reverse(f"admin:{page}_add"))


def test_an_operator_has_no_matrix_and_starts_at_the_accounts() -> None:
    operator = make_operator()
    client = signed_in(operator)
    page_of(client, reverse("admin:accounts_user_change", args=[operator.pk]))
    assert client.get(url("user", operator)).status_code == 404
    start = client.get(reverse("admin:policies_recordingpolicy_changelist"))
    assert start["Location"] == reverse("admin:accounts_account_changelist")


def test_pages_are_nobody_elses(account: Account) -> None:
    device = make_device(account)
    put(device, {"any": {"any": {"enabled": True}}})
    old = PolicyChange.objects.get()
    for user in (make_user(make_account()), make_user(account, Role.SUPERVISOR)):
        client = signed_in(user)
        pages = [url("device", device), url("device_history", device), url("simulator", account)]
        assert [client.get(page).status_code for page in pages] == [404] * 3
        assert client.post(url("device", device), {"_save": "1", "base": "{}"}).status_code == 404
        assert client.post(url("restore", old)).status_code == 404
    assert PolicyChange.objects.count() == 1


def test_names_and_values_are_escaped(account: Account, client: Client) -> None:
    person = make_user(account, Role.AGENT, name="<script>alert(1)</script>")
    device = make_device(account, owner=person, name="<img src=x>")
    put(person, {"any": {"any": {"url": "https://store.example/?a='b&c"}}})
    for address in (url("user", person), url("device", device), url("user_history", person)):
        page = page_of(client, address)
        assert "<script>alert" not in page
        assert "<img src=x>" not in page


@pytest.mark.parametrize("base", ["", "[]", "nonsense", json.dumps([1] * 10), '{"inbound": 3}'])
def test_a_form_that_was_tampered_with_breaks_nothing(account: Account, client: Client, base: str) -> None:
    fields = {"base": base, "inbound.offnet.enabled": "on", "inbound.offnet.begins": "x", "_save": "1"}
    assert client.post(url("account", account), fields).status_code in (200, 302)
