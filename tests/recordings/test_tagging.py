"""Tags of calls: who has them, where they go when calls change, and how they are listed."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.actors import actor_for
from accounts.models import Account, AuditEntry
from cdr.models import Call
from recordings.awaited import adopt
from recordings.call_tags import MOST_TAGS, Tag, follow_calls, move_tags, names_in
from recordings.tagging import TooManyTags, change_tags, owner_of, set_tags, tag_named, tags_of
from tests.factories import (
    NOON,
    make_account,
    make_call,
    make_lone_recording,
    make_recording,
    make_tag,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


def test_tags_are_added_and_removed_on_record(account: Account) -> None:
    call, actor = make_call(account), actor_for(make_user(account))
    assert change_tags([call], ["vip", "billing"], [], actor) == 1
    assert change_tags([call], ["vip"], ["billing", "unknown"], actor) == 1
    assert change_tags([call], ["vip"], ["billing"], actor) == 0
    assert tags_of(call) == ["vip"]
    details = AuditEntry.objects.filter(action="call.tag").order_by("at").values_list("detail", flat=True)
    assert list(details) == [
        {"added": ["vip", "billing"], "removed": []},
        {"added": ["vip"], "removed": ["billing", "unknown"]},
    ]


def test_many_calls_cost_no_more_queries_than_one(
    account: Account, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    calls = [make_call(account) for _ in range(40)]
    with django_assert_max_num_queries(6):
        assert change_tags(calls, ["vip"], ["old"], None) == 40


def test_a_call_has_no_more_tags_than_it_may(account: Account) -> None:
    call = make_call(account)
    set_tags(call, [f"{number}" for number in range(MOST_TAGS)], None)
    with pytest.raises(TooManyTags):
        change_tags([call, make_call(account)], ["one more"], [], None)
    assert Tag.objects.count() == MOST_TAGS


def test_a_call_of_nobody_is_not_tagged() -> None:
    assert change_tags([make_call(None)], ["vip"], [], None) == 0


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  call   back\n", "call back"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("\ud800x", "?x"),
        ("x" * 65, ""),
        (" \t", ""),
        ("키 \u202evip", "키 \u202evip"),
    ],
)
def test_a_tag_is_one_line_and_otherwise_what_was_written(written: str, kept: str) -> None:
    assert tag_named(written) == kept


def test_a_merged_call_keeps_the_tags_of_both(account: Account) -> None:
    old, new = make_call(account, started_at=NOON + timedelta(minutes=1)), make_call(account)
    for call, names in ((old, "ab"), (new, "bc")):
        set_tags(call, list(names), None)
    move_tags({old.pk: new.pk})
    old.delete()
    follow_calls([new.pk])
    assert tags_of(new) == ["a", "b", "c"]
    assert set(Tag.objects.values_list("started_at", flat=True)) == {NOON}


def test_tags_follow_a_call_that_began_earlier_than_was_known(account: Account) -> None:
    call = make_call(account)
    set_tags(call, ["vip"], None)
    Call.objects.update(started_at=NOON - timedelta(seconds=9))
    follow_calls([call.pk, uuid.uuid4()])
    assert Tag.objects.get().started_at == NOON - timedelta(seconds=9)


def test_tags_go_with_their_call(account: Account) -> None:
    call = make_call(account)
    set_tags(call, ["vip"], None)
    call.delete()
    assert not Tag.objects.exists()


def test_a_recording_that_finds_its_call_brings_its_tags(account: Account) -> None:
    call = make_call(account)
    recording = make_lone_recording(account)
    set_tags(recording, ["own", "both"], None)
    set_tags(call, ["both"], None)
    adopt(recording, call)
    recording.refresh_from_db()
    assert tags_of(owner_of(recording)) == ["both", "own"]
    assert Tag.objects.filter(call=call).count() == Tag.objects.count() == 2


def test_a_tag_is_of_a_call_or_of_a_recording(account: Account) -> None:
    call = make_call(account)
    tag = Tag(account=account, call=call, recording=make_recording(call), name="x", started_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        tag.save()


def test_names_are_listed_once_in_order_and_not_those_of_others(
    account: Account, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("vip", "billing", "card"):
        for _ in range(3):
            make_tag(make_call(account), name)
    make_tag(make_call(make_account()), "theirs")
    with django_assert_max_num_queries(3):
        assert names_in(account) == ["billing", "card", "vip"]
        assert names_in(account, "c") == ["card", "vip"]
        assert names_in(account, most=1) == ["billing"]
