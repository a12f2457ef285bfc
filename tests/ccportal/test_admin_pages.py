from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.keys import find_key, find_token, issue_key, issue_token
from accounts.models import (
    CLIP_SUFFIX,
    FILE_NAME_TEMPLATE,
    Account,
    ApiKey,
    AuditEntry,
    PhoneNumber,
    Role,
    Switch,
    User,
)
from accounts.tenant_admin import CappedPaginator, any_begins_with
from cdr.models import Call
from tests.factories import (
    PASSWORD,
    make_account,
    make_call,
    make_operator,
    make_phone_number,
    make_switch,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "seven wise owls"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(page: str, *args: Any) -> str:
    return reverse(f"admin:{page}", args=args)


def person_form(account: Account | None, role: str, **more: Any) -> dict[str, Any]:
    return {
        "account": str(account.pk) if account else "",
        "role": role,
        "email": "new@tenant.example",
        "username": "new",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
        "is_active": "on",
    } | more


def test_a_person_without_a_user_name_gets_one_from_the_address() -> None:
    account = make_account()
    form = person_form(account, "agent", username="", email="bo.park@tenant.example")
    assert signed_in(make_user(account)).post(url("accounts_user_add"), form).status_code == 302
    assert User.objects.get(email="bo.park@tenant.example").username == "bo.park"


def test_an_admin_makes_a_person_who_signs_in() -> None:
    account = make_account()
    team = make_team(account)
    admin = make_user(account)
    form = person_form(account, "supervisor", teams=[str(team.pk)])
    assert signed_in(admin).post(url("accounts_user_add"), form).status_code == 302
    person = authenticate(None, username="new@tenant.example", password=NEW_PASSWORD)
    assert isinstance(person, User)
    assert (person.role, person.account, list(person.teams.all())) == (Role.SUPERVISOR, account, [team])
    entry = AuditEntry.objects.get(object_id=person.pk.hex)
    assert (entry.action, entry.actor, entry.account, entry.address) == (
        "add",
        admin.email,
        account,
        "127.0.0.1",
    )


@pytest.mark.parametrize("form", [{"role": "operator"}, {"role": "operator", "account": ""}, {"account": ""}])
def test_an_admin_makes_nobody_who_stands_above(form: dict[str, str]) -> None:
    account = make_account()
    client = signed_in(make_user(account))
    answer = client.post(url("accounts_user_add"), person_form(account, "admin") | form)
    assert answer.status_code == 200
    assert not User.objects.filter(username="new").exists()
    assert "operator" not in client.get(url("accounts_user_add")).content.decode()


def test_an_admin_cannot_rise_or_make_others_superusers() -> None:
    account = make_account()
    admin = make_user(account)
    change = url("accounts_user_change", admin.pk)
    form = person_form(account, "operator", email=admin.email, username=admin.username)
    signed_in(admin).post(change, form | {"is_superuser": "on", "is_staff": "on"})
    signed_in(admin).post(change, form | {"role": "admin", "is_superuser": "on", "user_permissions": ["1"]})
    admin.refresh_from_db()
    assert (admin.role, admin.is_superuser) == (Role.ADMIN, False)


def test_an_admin_does_not_touch_an_operator_who_has_an_account() -> None:
    account = make_account()
    operator = make_user(account, Role.OPERATOR)
    client = signed_in(make_user(account))
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    answers = [
        client.post(url("auth_user_password_change", operator.pk), passwords),
        client.post(url("accounts_user_change", operator.pk), person_form(account, "agent")),
        client.post(url("accounts_user_delete", operator.pk), {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_a_new_password_ends_sign_ins_at_the_api() -> None:
    account = make_account()
    person = make_user(account, Role.AGENT)
    token = issue_token(user=person)
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    answer = signed_in(make_user(account)).post(url("auth_user_password_change", person.pk), form)
    assert answer.status_code == 302
    assert find_token(token) is None
    assert authenticate(None, username=person.email, password=NEW_PASSWORD) == person


def test_a_weak_password_is_refused() -> None:
    account = make_account()
    form = person_form(account, "agent", password1="12345", password2="12345")
    assert signed_in(make_user(account)).post(url("accounts_user_add"), form).status_code == 200
    assert not User.objects.filter(username="new").exists()


def account_form(**more: str) -> dict[str, str]:
    form = {
        "name": "New",
        "time_zone": "UTC",
        "file_name_template": FILE_NAME_TEMPLATE,
        "clip_suffix": CLIP_SUFFIX,
        "country": "DE",
        "custom_variables": "[]",
        "enabled": "on",
    }
    return form | more


def test_a_reseller_makes_accounts_only_below_its_own() -> None:
    reseller, stranger = make_account(), make_account()
    client = signed_in(make_user(reseller))
    for parent in ("", str(stranger.pk)):
        assert client.post(url("accounts_account_add"), account_form(parent=parent)).status_code == 200
    answer = client.post(url("accounts_account_add"), account_form(parent=str(reseller.pk)))
    assert answer.status_code == 302
    assert Account.objects.get(name="New").parent == reseller


def test_an_admin_does_not_move_or_enlarge_the_own_account() -> None:
    reseller = make_account()
    account = make_account("Own", parent=reseller, realm="own.example")
    form = account_form(name="Renamed", realm="wanted.example", parent="", account_code="x")
    form.pop("enabled")
    answer = signed_in(make_user(account)).post(url("accounts_account_change", account.pk), form)
    assert answer.status_code == 302
    account.refresh_from_db()
    assert (account.name, account.realm, account.parent) == ("Renamed", "own.example", reseller)
    assert account.account_code is None
    assert account.enabled


def test_no_account_stands_below_itself() -> None:
    account = make_account("Top")
    child = make_account(parent=account)
    form = account_form(parent=str(child.pk))
    assert (
        signed_in(make_operator()).post(url("accounts_account_change", account.pk), form).status_code == 200
    )
    account.refresh_from_db()
    assert account.parent is None


def test_what_is_below_moves_along() -> None:
    old, new = make_account(), make_account()
    child = make_account(parent=old)
    grandchild = make_account(parent=child)
    child.parent = new
    child.save()
    assert set(Account.objects.tree_of(new)) == {new, child, grandchild}
    assert set(Account.objects.tree_of(old)) == {old}


def test_a_new_keys_secret_is_shown_once() -> None:
    account = make_account()
    client = signed_in(make_user(account))
    form = {"account": str(account.pk), "name": "CRM", "role": "reviewer"}
    answer = client.post(url("accounts_apikey_add"), form)
    (plain,) = re.findall(r"\b[0-9a-f]{64}\b", answer.content.decode())
    key = find_key(plain)
    assert key
    assert (key.account, key.name, key.role) == (account, "CRM", Role.REVIEWER)
    pages = [url("accounts_apikey_change", key.pk), url("accounts_apikey_changelist"), "/admin/"]
    assert not any(plain in client.get(page).content.decode() for page in pages)


def test_a_key_can_be_revoked_and_not_changed() -> None:
    account = make_account()
    key, plain = issue_key(account)
    client = signed_in(make_user(account))
    form = {"account": str(account.pk), "name": "Other", "role": "agent"}
    assert client.post(url("accounts_apikey_change", key.pk), form).status_code == 404
    action = {"action": "revoke", "_selected_action": [str(key.pk)]}
    assert client.post(url("accounts_apikey_changelist"), action).status_code == 302
    assert find_key(plain) is None
    assert ApiKey.objects.get().name == "API key"
    assert AuditEntry.objects.filter(action="revoke", object_id=key.pk.hex).exists()


def test_another_tenants_key_is_not_revoked() -> None:
    _, plain = issue_key(make_account())
    key = ApiKey.objects.get()
    action = {"action": "revoke", "_selected_action": [str(key.pk)]}
    signed_in(make_user(make_account())).post(url("accounts_apikey_changelist"), action)
    assert find_key(plain)


def test_a_number_is_taken_however_it_is_written() -> None:
    make_phone_number(make_account(), "+49 30 901820")
    account = make_account()
    client = signed_in(make_user(account))
    form = {"number": "49-30-90 18 20", "account": str(account.pk)}
    assert client.post(url("accounts_phonenumber_add"), form).status_code == 200
    assert client.post(url("accounts_phonenumber_add"), form | {"number": "none"}).status_code == 200
    assert PhoneNumber.objects.count() == 1


def test_a_switchs_password_is_not_shown_and_stays() -> None:
    switch = make_switch(password="hush-hush")
    client = signed_in(make_operator())
    page = client.get(url("accounts_switch_change", switch.pk)).content.decode()
    assert "hush-hush" not in page
    form = {
        "name": "pbx",
        "kind": "freeswitch",
        "host": "192.0.2.1",
        "port": "8021",
        "time_zone": "UTC",
        "offnet_profiles": '["external"]',
        "offnet_contexts": "[]",
        "path_mapping": '{"/var/rec": "/mnt/rec"}',
        "enabled": "on",
    }
    assert client.post(url("accounts_switch_change", switch.pk), form).status_code == 302
    switch.refresh_from_db()
    assert (switch.name, switch.password, switch.offnet_profiles) == ("pbx", "hush-hush", ["external"])
    for wrong in ({"path_mapping": '{"a": 1}'}, {"offnet_profiles": '"x"'}, {"time_zone": "Nowhere"}):
        assert client.post(url("accounts_switch_change", switch.pk), form | wrong).status_code == 200
    assert Switch.objects.get().path_mapping == {"/var/rec": "/mnt/rec"}


@pytest.mark.parametrize(
    "term", ["0105", "0105 555", "+0105", "0707", pytest.param("1001", id="callee"), "01055551234"]
)
def test_calls_are_found_by_the_first_digits_of_a_number(term: str) -> None:
    account = make_account()
    call = make_call(account, caller_number="010 5555-1234", dialed_number="0707", callee_number="1001")
    make_call(account, caller_number="0106", dialed_number="0708", callee_number="1002")
    answer = signed_in(make_user(account)).get(url("cdr_call_changelist"), {"q": term})
    assert [row.pk for row in answer.context["cl"].result_list] == [call.pk]


@pytest.mark.parametrize("digits", ["9", "99", "199", "0", "12"])
def test_a_range_of_digits_is_a_prefix(digits: str) -> None:
    account = make_account()
    for number in ("", "0", "09", "1", "12", "129", "13", "19", "199", "1995", "2", "98", "9", "99", "999"):
        make_call(account, caller_number=number)
    found = Call.objects.filter(any_begins_with(("caller_digits",), digits))
    expected = Call.objects.filter(caller_digits__startswith=digits)
    assert set(found) == set(expected)
    assert found.exists()


def test_names_in_the_list_are_escaped() -> None:
    account = make_account()
    call = make_call(account, caller_number="<script>alert(1)</script>", caller_name="<img src=x>")
    client = signed_in(make_user(account))
    pages = [client.get(url("cdr_call_changelist")), client.get(url("cdr_call_change", call.pk))]
    assert not any("<script>alert" in page.content.decode() for page in pages)
    assert not any("<img src=x>" in page.content.decode() for page in pages)


def test_counting_ends_at_ten_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.tenant_admin.MOST_COUNTED", 3)
    account = make_account()
    for _ in range(5):
        make_call(account)
    assert CappedPaginator(Call.objects.all(), 50).count == 3
    assert CappedPaginator(["a", "b"], 50).count == 2


def test_no_list_counts_all_rows_or_asks_per_row() -> None:
    account = make_account()
    admin = make_user(account)
    counts = []
    for _ in range(2):
        for _ in range(10):
            make_call(account)
            make_user(account, Role.AGENT)
        with CaptureQueriesContext(connection) as queries:
            for page in ("cdr_call_changelist", "accounts_user_changelist"):
                assert signed_in(admin).get(url(page)).status_code == 200
        counts.append(len(queries))
    whole = [query["sql"] for query in queries if "COUNT(*)" in query["sql"] and "LIMIT" not in query["sql"]]
    assert counts[0] == counts[1]
    assert whole == []
