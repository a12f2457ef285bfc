from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from accounts.actors import actor_for
from accounts.audit import address_of, record, record_each
from accounts.models import AuditEntry
from tests.factories import make_account, make_call, make_media, make_operator, make_recording, make_user

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_which_thing_from_where() -> None:
    account = make_account()
    user = make_user(account)
    call = make_call(account)
    record(actor_for(user, "192.0.2.1"), "play", call, variant="call")
    entry = AuditEntry.objects.get()
    assert (entry.account, entry.user, entry.actor, entry.address) == (account, user, user.email, "192.0.2.1")
    assert (entry.action, entry.object_type, entry.object_id) == ("play", "call", call.pk.hex)
    assert entry.detail == {"variant": "call"}


def test_an_entry_belongs_to_the_account_of_its_thing_not_of_its_doer() -> None:
    account = make_account()
    media = make_media(make_recording(make_call(account)))
    operator = actor_for(make_operator())
    assert record(operator, "download", media).account_id == account.pk
    assert record(operator, "change", account).account_id == account.pk
    assert record(operator, "assign", make_call(None)).account_id is None


def test_what_was_done_to_nothing_in_particular_belongs_to_the_doer() -> None:
    account = make_account()
    assert record(actor_for(make_user(account)), "search", query="x").account_id == account.pk
    assert record(None, "retention").actor == "system"


def test_text_from_a_line_is_kept_as_far_as_a_database_takes_it() -> None:
    hostile = "a\x00b\udcff<script>"
    record(None, "search", query=hostile, more=[{"name": hostile}])
    entry = AuditEntry.objects.get()
    assert entry.detail == {"query": "ab?<script>", "more": [{"name": "ab?<script>"}]}


def test_many_things_are_many_entries() -> None:
    account = make_account()
    record_each(None, "assign", [make_call(account), make_call(account)], account="x")
    assert AuditEntry.objects.filter(account=account, action="assign").count() == 2


def test_an_address_in_a_header_counts_only_behind_a_proxy(settings: Any) -> None:
    request = RequestFactory().get(
        "/", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7", REMOTE_ADDR="192.0.2.1"
    )
    settings.SECURE_PROXY_SSL_HEADER = None
    assert address_of(request) == "192.0.2.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert address_of(request) == "198.51.100.7"


def test_an_address_that_is_none_is_none() -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR="unix:")) is None
