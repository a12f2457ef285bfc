"""Tags on the page of a call, in the drawer and in the list."""

from __future__ import annotations

import html
import uuid

import pytest
from django.test import Client

from accounts.models import Account, AuditEntry, Role, User
from cdr.models import Call
from recordings.models import Tag
from recordings.tagging import set_tags, tags_of
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
HOSTILE = ['<script>alert("1")</script>', "=cmd|' /C calc'!A0", "a & b", "\u202egnp.exe", "{{ 7|add:7 }}"]


@pytest.fixture
def call(account: Account) -> Call:
    return factories.make_call(account)


def path_of(call: Call) -> str:
    return f"/calls/{call.pk.hex}/tags"


def test_a_tag_is_added_and_removed_without_script(admin: Client, call: Call) -> None:
    answer = admin.post(path_of(call), {"add": "  call   back "})
    assert (answer.status_code, answer["Location"]) == (302, f"/calls/{call.pk.hex}/#tags")
    assert tags_of(call) == ["call back"]
    admin.post(path_of(call), {"remove": "call back"})
    assert tags_of(call) == []
    assert AuditEntry.objects.filter(action="call.tag", object_id=call.pk.hex).count() == 2


def test_the_part_alone_comes_back_to_htmx_with_the_row_s_chips(admin: Client, call: Call) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/calls/?q=1"}
    body = admin.post(path_of(call), {"add": "vip"}, headers=headers).content.decode()
    assert "<html" not in body
    assert f'id="tags-of-{call.pk.hex}" hx-swap-oob="true"' in body
    headers["HX-Current-URL"] = f"http://testserver/calls/{call.pk.hex}/"
    assert "hx-swap-oob" not in admin.post(path_of(call), {"add": "x"}, headers=headers).content.decode()


@pytest.mark.parametrize("written", ["x" * 65, "y" * 4000])
def test_what_is_too_long_is_said_and_not_kept(admin: Client, call: Call, written: str) -> None:
    body = admin.post(path_of(call), {"add": written}, headers={"HX-Request": "true"}).content.decode()
    assert "64 characters at most" in body
    assert not Tag.objects.exists()


def test_hostile_tags_are_shown_as_they_are(admin: Client, call: Call) -> None:
    set_tags(call, HOSTILE, None)
    for path in (f"/calls/{call.pk.hex}/", f"/calls/{call.pk.hex}/drawer", "/calls/?period=all"):
        body = admin.get(path).content.decode()
        assert "<script>alert" not in body
        assert html.escape(min(HOSTILE)) in body
    for tag in HOSTILE:
        admin.post(path_of(call), {"remove": tag})
    assert tags_of(call) == []


def test_other_tags_of_the_account_are_offered(admin: Client, call: Call) -> None:
    factories.make_tag(factories.make_call(call.account), "complaint")
    factories.make_tag(factories.make_call(factories.make_account()), "theirs")
    body = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert '<option value="complaint">' in body
    assert "theirs" not in body


@pytest.mark.parametrize(
    ("role", "status"), [(Role.REVIEWER, 302), (Role.SUPERVISOR, 302), (Role.AGENT, 403)]
)
def test_who_may_tag(account: Account, sign_in: SignIn, role: Role, status: int) -> None:
    person: User = factories.make_user(account, role)
    call = factories.make_call(account, user=person)
    browser = sign_in(person)
    assert browser.post(path_of(call), {"add": "vip"}).status_code == status
    assert ('name="add"' in browser.get(f"/calls/{call.pk.hex}/").content.decode()) == (status == 302)


def test_a_call_of_others_is_not_there(admin: Client, sign_in: SignIn, account: Account) -> None:
    theirs = factories.make_call(factories.make_account())
    assert admin.post(path_of(theirs), {"add": "vip"}).status_code == 404
    assert admin.post(f"/calls/{uuid.uuid4().hex}/tags", {"add": "vip"}).status_code == 404
    reviewer = sign_in(factories.make_user(account, Role.REVIEWER))
    assert reviewer.post(path_of(factories.make_call(account)), {"add": "vip"}).status_code == 404
    assert not Tag.objects.exists()
