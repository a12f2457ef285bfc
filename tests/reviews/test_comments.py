"""Comments on calls: who may write, change and remove them, what is kept, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import actor_for
from accounts.models import Account, AuditEntry, Role, User
from accounts.tenancy import Actor
from cdr.models import Call
from recordings import retention
from reviews.commenting import NotAComment, change, may_change, may_remove, remove, write
from reviews.models import LONGEST_COMMENT, Comment
from tests import factories as make

pytestmark = pytest.mark.django_db
QUEUE = "3000@default"


@pytest.fixture
def call(db: None) -> Call:
    return make.make_call(make.make_account(), queue_name=QUEUE)


def account_of(call: Call) -> Account:
    assert call.account
    return call.account


def person(call: Call, role: Role, **fields: object) -> User:
    return make.make_user(account_of(call), role, **fields)


def actor(user: User) -> Actor:
    found = actor_for(user)
    assert found
    return found


@pytest.fixture
def reviewer(call: Call) -> Actor:
    queue = make.make_queue(account_of(call), QUEUE)
    return actor(
        person(call, Role.REVIEWER, name="Rita", teams=[make.make_team(account_of(call), queues=[queue])])
    )


def test_a_comment_says_who_what_and_when(call: Call, reviewer: Actor) -> None:
    moment = call.started_at + timedelta(milliseconds=4321)
    comment = write(call, reviewer, "Good.\r\nVery\x00 good.\x1b ", moment)
    comment.refresh_from_db()
    assert (comment.text, comment.at, comment.author_id) == ("Good.\nVery good.", moment, reviewer.user_id)
    assert comment.author_name == reviewer.label
    entry = AuditEntry.objects.get(action="comment.write")
    assert (entry.object_id, entry.account) == (comment.pk.hex, call.account)


@pytest.mark.parametrize("text", ["", " \r\n\t", "\x00\x1b", "\ud800" * (LONGEST_COMMENT + 1)])
def test_nothing_and_too_much_is_no_comment(call: Call, reviewer: Actor, text: str) -> None:
    with pytest.raises(NotAComment):
        write(call, reviewer, text)
    assert not Comment.objects.exists()
    assert not AuditEntry.objects.exists()


def test_those_about_the_whole_call_come_first_then_as_the_call_went(call: Call, reviewer: Actor) -> None:
    for seconds in (20, 10, None):
        at = call.started_at + timedelta(seconds=seconds) if seconds else None
        write(call, reviewer, f"at {seconds}", at)
    assert [comment.text for comment in call.comments.all()] == ["at None", "at 10", "at 20"]


def test_only_the_author_changes_it_and_who_looks_after_the_account_removes_it(
    call: Call, reviewer: Actor
) -> None:
    comment = write(call, reviewer, "Mine")
    others = {role: actor(person(call, role)) for role in (Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN)}
    others[Role.OPERATOR] = actor(make.make_operator())
    assert may_change(reviewer, comment)
    assert may_remove(reviewer, comment)
    assert not any(may_change(other, comment) for other in others.values())
    assert {role for role, other in others.items() if may_remove(other, comment)} == {
        Role.ADMIN,
        Role.OPERATOR,
    }
    assert not may_remove(None, comment)


def test_a_comment_of_somebody_gone_is_nobodys_and_keeps_the_name(call: Call, reviewer: Actor) -> None:
    write(call, reviewer, "Mine")
    User.objects.filter(pk=reviewer.user_id).delete()
    comment = Comment.objects.get()
    assert comment.author_name == reviewer.label
    assert not may_change(Actor(role=Role.ADMIN, rights=reviewer.rights), comment)


def test_changing_and_removing_is_on_record(call: Call, reviewer: Actor) -> None:
    comment = write(call, reviewer, "Mine", call.started_at)
    change(comment, reviewer, "Still mine", None)
    comment.refresh_from_db()
    assert (comment.text, comment.at) == ("Still mine", None)
    assert comment.changed_at
    remove(comment, reviewer)
    assert not Comment.objects.exists()
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"comment.write", "comment.change", "comment.delete"}


def test_teams_see_theirs_and_agents_none(call: Call, reviewer: Actor) -> None:
    write(call, reviewer, "Slow to greet")
    agent = person(call, Role.AGENT)
    Call.objects.update(user=agent)
    other = person(call, Role.REVIEWER)
    assert Comment.objects.visible_to(reviewer).count() == 1
    assert Call.objects.visible_to(actor(agent)).count() == 1
    assert not Comment.objects.visible_to(actor(agent))
    assert not Comment.objects.visible_to(actor(other))


def test_they_go_with_their_call(call: Call, reviewer: Actor) -> None:
    write(call, reviewer, "Soon gone")
    Account.objects.update(keep_calls_days=1)
    Call.objects.update(
        started_at=timezone.now() - timedelta(days=9), ended_at=timezone.now() - timedelta(days=9)
    )
    assert retention.remove_calls(account_of(call))
    assert not Comment.objects.exists()
