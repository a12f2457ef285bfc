"""What is done to several calls at once, and who reviews them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AuditEntry, Role, User
from cdr.models import Call
from recordings.models import LegalHold
from recordings.tagging import tags_of
from reviews.assignments import follow_calls, move_assignments
from reviews.models import Assignment
from tests import factories
from tests.factories import NOON
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls(account: Account) -> list[Call]:
    return [factories.make_call(account, started_at=NOON + timedelta(minutes=each)) for each in range(4)]


def post(client: Client, calls: list[Call], **fields: Any) -> Any:
    return client.post("/calls/bulk", {"call": [call.pk.hex for call in calls], **fields})


def said(client: Client) -> str:
    return client.get("/calls/?period=all").content.decode()


def test_ticked_calls_are_tagged_and_untagged(admin: Client, calls: list[Call]) -> None:
    answer = post(admin, calls[:3], do="tag", tag=" vip ", back="period=7d&older=1-2&next=//evil.example")
    assert answer["Location"] == "/calls/?period=7d&older=1-2&next=%2F%2Fevil.example"
    assert [tags_of(call) for call in calls] == [["vip"]] * 3 + [[]]
    assert "Tagged 3 calls: vip" in said(admin)
    post(admin, calls[1:], do="untag", tag="vip")
    assert [tags_of(call) for call in calls] == [["vip"], [], [], []]


def test_all_that_match_are_meant_when_that_is_ticked(admin: Client, calls: list[Call]) -> None:
    Call.objects.filter(pk=calls[3].pk).update(direction="outbound")
    post(admin, calls[:1], do="tag", tag="vip", all="1", list="?period=all&direction=inbound")
    assert [tags_of(call) for call in calls] == [["vip"]] * 3 + [[]]


def test_too_many_calls_are_refused_and_none_is_changed(
    admin: Client, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccportal.portal.bulk.MOST_AT_ONCE", 3)
    post(admin, [], do="tag", tag="vip", all="1", list="?period=all")
    assert not any(tags_of(call) for call in calls)
    assert "At most 1,000 calls at once" in said(admin)


def test_ticked_calls_are_put_on_hold_each_on_record(admin: Client, calls: list[Call]) -> None:
    post(admin, calls[:2], do="hold", reason="Case 7 <b>")
    assert {hold.call_id for hold in LegalHold.objects.all()} == {call.pk for call in calls[:2]}
    assert AuditEntry.objects.filter(action="hold.place").count() == 2
    post(admin, calls, do="hold", reason=" ")
    assert LegalHold.objects.count() == 2


def test_enter_means_the_field_that_is_filled_in(admin: Client, calls: list[Call]) -> None:
    post(admin, calls[:1], do="enter", tag="", reason="Case 7", reviewer="")
    assert LegalHold.objects.count() == 1
    post(admin, calls[:1], do="enter", tag="vip", reason="", reviewer="")
    assert tags_of(calls[0]) == ["vip"]
    post(admin, calls[:1], do="enter")
    assert "Choose what to do" in said(admin)


def test_calls_of_others_are_left_alone(admin: Client, calls: list[Call]) -> None:
    theirs = factories.make_call(factories.make_account())
    post(admin, [theirs], do="tag", tag="vip")
    post(admin, [], do="tag", tag="vip")
    assert not tags_of(theirs)
    assert "Tick the calls first" in said(admin)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.SUPERVISOR, {"tag", "hold", "assign", "done"}),
        (Role.REVIEWER, {"tag", "done"}),
        (Role.AGENT, set()),
    ],
)
def test_each_role_does_what_it_may(account: Account, sign_in: SignIn, role: Role, allowed: set[str]) -> None:
    person = factories.make_user(account, role)
    call = factories.make_call(account, user=person)
    client = sign_in(person)
    fields = {"tag": "vip", "reason": "Case", "reviewer": person.pk.hex}
    for what in ("tag", "hold", "assign", "done"):
        status = post(client, [call], do=what, **fields).status_code
        assert status == (302 if what in allowed else 403), what


def test_calls_are_given_to_a_reviewer_who_sees_them(
    admin: Client, account: Account, calls: list[Call]
) -> None:
    queue = factories.make_queue(account, "3000@default")
    team = factories.make_team(account, queues=[queue])
    reviewer = factories.make_user(account, Role.REVIEWER, name="Rita", teams=[team])
    for call in calls[:2]:
        factories.make_visit(call, "3000@default")
    post(admin, calls, do="assign", reviewer=reviewer.pk.hex, due="2026-12-24", note="Listen to the end")
    rows = {row.call_id: row for row in Assignment.objects.all()}
    assert set(rows) == {call.pk for call in calls[:2]}
    row = rows[calls[0].pk]
    assert (row.reviewer, row.due_on, row.note) == (reviewer, date(2026, 12, 24), "Listen to the end")
    assert row.started_at == calls[0].started_at
    assert "2 calls for Rita to review; 2 left out" in said(admin)
    assert AuditEntry.objects.filter(action="review.assign").count() == 2


@pytest.mark.parametrize("kind", ["agent", "stranger", "inactive", "nobody"])
def test_only_reviewers_of_the_account_are_given_calls(
    admin: Client, account: Account, calls: list[Call], kind: str
) -> None:
    home = factories.make_account() if kind == "stranger" else account
    role = Role.AGENT if kind == "agent" else Role.REVIEWER
    person = factories.make_user(home, role, is_active=kind != "inactive")
    post(admin, calls, do="assign", reviewer="x" if kind == "nobody" else person.pk.hex)
    assert not Assignment.objects.exists()
    assert "Choose who is to review" in said(admin)


def review(client: Client, call: Call, do: str, **fields: str) -> Any:
    return client.post(f"/calls/{call.pk.hex}/review", {"do": do, **fields})


def test_a_review_is_given_done_given_anew_and_taken_back(
    admin: Client, account: Account, calls: list[Call]
) -> None:
    call, reviewer = calls[0], factories.make_user(account, Role.ADMIN, name="Rita")
    review(admin, call, "assign", reviewer=reviewer.pk.hex)
    assert "Rita" in admin.get(f"/calls/{call.pk.hex}/").content.decode()
    review(admin, call, "done")
    review(admin, call, "done")
    row = Assignment.objects.get()
    assert row.done_at is not None
    assert AuditEntry.objects.filter(action="review.done").count() == 1
    assert "Reviewed" in said(admin)
    review(admin, call, "assign", reviewer=reviewer.pk.hex)
    assert Assignment.objects.get().done_at is None
    review(admin, call, "withdraw")
    assert not Assignment.objects.exists()


def test_a_call_that_nobody_was_to_review_can_be_reviewed(admin: Client, calls: list[Call]) -> None:
    review(admin, calls[0], "done")
    assert Assignment.objects.get(call=calls[0]).done_at


def test_an_overdue_review_says_so(admin: Client, account: Account, calls: list[Call]) -> None:
    person = factories.make_user(account)
    factories.make_assignment(calls[0], person, due_on=timezone.now().date() - timedelta(days=2))
    assert "Overdue" in admin.get(f"/calls/{calls[0].pk.hex}/").content.decode()


def test_agents_see_nothing_of_reviews(account: Account, sign_in: SignIn, calls: list[Call]) -> None:
    person: User = factories.make_user(account, Role.AGENT)
    call = factories.make_call(account, user=person)
    factories.make_assignment(call, factories.make_user(account, name="Rita Reviewer"))
    client = sign_in(person)
    for path in (f"/calls/{call.pk.hex}/", f"/calls/{call.pk.hex}/drawer", "/calls/?period=all"):
        assert "Rita" not in client.get(path).content.decode()
    assert review(client, call, "done").status_code == 403


def test_a_merged_call_keeps_the_one_assignment(account: Account, calls: list[Call]) -> None:
    person = factories.make_user(account)
    old, new, other = calls[:3]
    factories.make_assignment(old, person, note="old")
    move_assignments({old.pk: new.pk})
    follow_calls([new.pk])
    row = Assignment.objects.get()
    assert (row.call, row.started_at) == (new, new.started_at)
    factories.make_assignment(other, person, note="other")
    move_assignments({other.pk: new.pk})
    assert Assignment.objects.get(call=new).note == "old"
