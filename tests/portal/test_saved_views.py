"""Saved views: kept, shared, opened with, replaced and deleted."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AuditEntry, Role, User
from cdr.saved_views import MOST_VIEWS, DefaultView, SavedView
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(account: Account) -> User:
    factories.make_call(account, started_at=timezone.now())
    return factories.make_user(account)


@pytest.fixture
def client(person: User, sign_in: SignIn) -> Client:
    return sign_in(person)


def tabs(client: Client, path: str = "/calls/?view=all") -> dict[str, str]:
    body = client.get(path).content.decode()
    found = re.findall(r'<li><a href="([^"]*)"[^>]*>.*?<bdi class="cut">(.*?)</bdi>', body)
    return {unescape(label): unescape(href) for href, label in found}


def test_a_view_is_saved_as_its_filters_and_stays_relative(client: Client, person: User) -> None:
    answer = client.post(
        "/calls/views", {"name": "Missed  <b>", "query": "?period=7d&outcome=abandoned&older=1-2&x=y"}
    )
    view = SavedView.objects.get()
    assert (view.name, view.query, view.person) == ("Missed <b>", "period=7d&outcome=abandoned", person)
    assert answer["Location"] == f"/calls/?period=7d&outcome=abandoned&view={view.pk.hex}"
    assert tabs(client)["Missed <b>"] == answer["Location"]
    assert not AuditEntry.objects.filter(action__startswith="view.").exists()


def test_what_a_person_keeps_is_not_shown_to_others(
    client: Client, account: Account, sign_in: SignIn, person: User
) -> None:
    view = factories.make_view(account, person, "Private")
    shared = factories.make_view(account, None, "Everyone's")
    other = sign_in(factories.make_user(account))
    assert "Private" in tabs(client)
    assert "Private" not in tabs(other)
    assert "Everyone's" in tabs(other)
    assert other.post(f"/calls/views/{view.pk.hex}", {"do": "delete"}).status_code == 404
    stranger = sign_in(factories.make_user(factories.make_account()))
    assert stranger.post(f"/calls/views/{shared.pk.hex}", {"do": "delete"}).status_code == 404
    assert SavedView.objects.count() == 2


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMIN, 302), (Role.SUPERVISOR, 302), (Role.REVIEWER, 403), (Role.AGENT, 403)]
)
def test_who_may_share(account: Account, sign_in: SignIn, role: Role, status: int) -> None:
    client = sign_in(factories.make_user(account, role))
    assert client.post("/calls/views", {"name": "Ours", "shared": "on"}).status_code == status
    assert SavedView.objects.filter(person=None).count() == (status == 302)
    assert AuditEntry.objects.filter(action="view.share").count() == (status == 302)
    theirs = factories.make_view(account, None, "Theirs")
    assert client.post(f"/calls/views/{theirs.pk.hex}", {"do": "delete"}).status_code == status


def test_a_view_is_renamed_replaced_and_deleted(client: Client, account: Account, person: User) -> None:
    view = factories.make_view(account, person, "Old", "period=today")
    path = f"/calls/views/{view.pk.hex}"
    client.post(path, {"do": "rename", "name": "New"})
    client.post(path, {"do": "replace", "name": "ignored", "query": "?direction=inbound"})
    view.refresh_from_db()
    assert (view.name, view.query) == ("New", "direction=inbound")
    client.post(path, {"do": "rename", "name": " "})
    factories.make_view(account, person, "Taken")
    client.post(path, {"do": "rename", "name": "Taken"})
    view.refresh_from_db()
    assert view.name == "New"
    assert client.post(path, {"do": "delete"})["Location"] == "/calls/?view=all"
    assert not SavedView.objects.filter(pk=view.pk).exists()


def test_a_person_s_list_opens_with_the_chosen_view(
    client: Client, account: Account, person: User, sign_in: SignIn
) -> None:
    view = factories.make_view(account, None, "Ours", "direction=inbound&tag=a+%26+b")
    path = f"/calls/views/{view.pk.hex}"
    client.post(path, {"do": "default"})
    assert client.get("/calls/")["Location"] == f"/calls/?direction=inbound&tag=a+%26+b&view={view.pk.hex}"
    assert tabs(client)["All calls"] == "/calls/?view=all"
    assert client.get("/calls/?view=all").status_code == 200
    assert sign_in(factories.make_user(account)).get("/calls/").status_code == 200
    client.post(path, {"do": "no-default"})
    assert client.get("/calls/").status_code == 200
    client.post(path, {"do": "default"})
    client.post(path, {"do": "delete"})
    assert not DefaultView.objects.exists()
    assert client.get("/calls/").status_code == 200


def test_the_view_that_is_looked_at_is_marked_and_says_when_it_was_changed(
    client: Client, account: Account, person: User
) -> None:
    view = factories.make_view(account, person, "Mine", "direction=inbound")
    same = client.get(f"/calls/?direction=inbound&view={view.pk.hex}").content.decode()
    assert re.search(r'aria-current="page"[^>]*><bdi class="cut">Mine</bdi></a>', same)
    assert 'value="replace"' not in same
    other = client.get(f"/calls/?direction=outbound&view={view.pk.hex}").content.decode()
    assert "Mine</bdi><span" in other
    assert 'value="replace"' in other
    assert f'name="view" value="{view.pk.hex}"' in other


def test_a_hostile_query_is_read_as_filters_only(client: Client, account: Account, person: User) -> None:
    view = factories.make_view(
        account, person, "<script>", 'period=nonsense&q="><script>&next=//evil.example'
    )
    assert tabs(client)["<script>"] == f"/calls/?q=%22%3E%3Cscript%3E&view={view.pk.hex}"
    assert "<script>&" not in client.get("/calls/?view=all").content.decode()


@pytest.mark.parametrize("name", ["", "x" * 81, "\x00"])
def test_a_view_without_a_fit_name_is_not_kept(client: Client, name: str) -> None:
    client.post("/calls/views", {"name": name, "query": "?period=7d"})
    assert not SavedView.objects.exists()


def test_a_person_keeps_only_so_many_views(client: Client, account: Account, person: User) -> None:
    SavedView.objects.bulk_create(
        SavedView(account=account, person=person, name=f"{number}") for number in range(MOST_VIEWS)
    )
    client.post("/calls/views", {"name": "One more"})
    assert SavedView.objects.count() == MOST_VIEWS
