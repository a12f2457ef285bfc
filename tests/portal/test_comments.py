"""Comments on the page of a call: written, changed and deleted there, pinned to it, seen by whom."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from accounts.actors import actor_for
from accounts.models import Account, Role, User
from cdr.models import Call, CallAlias
from reviews.commenting import write
from reviews.models import Comment
from tests import factories
from tests.portal.conftest import SignIn
from tests.portal.tenant import HOSTILE_NAMES

pytestmark = pytest.mark.django_db
QUEUE = "3000@default"


@pytest.fixture
def call(account: Account) -> Call:
    return factories.make_call(account, queue_name=QUEUE)


@pytest.fixture
def reviewer(account: Account) -> User:
    team = factories.make_team(account, queues=[factories.make_queue(account, QUEUE)])
    return factories.make_user(account, Role.REVIEWER, name="Rita", teams=[team])


@pytest.fixture
def client(reviewer: User, sign_in: SignIn) -> Client:
    return sign_in(reviewer)


def address(call: Call, comment: Comment | None = None, what: str = "") -> str:
    return f"/calls/{call.pk.hex}/comments" + (f"/{comment.pk.hex}{what}" if comment else "")


def written(call: Call, user: User, text: str = "Mine") -> Comment:
    actor = actor_for(user)
    assert actor
    return write(call, actor, text, call.started_at + timedelta(seconds=7))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("0:07", 7), ("7", 7), ("1:02", 62), ("", None), ("9:99:99", 65), ("100:00:00", 65)],
)
def test_a_comment_is_pinned_to_a_second_of_the_call(
    call: Call, client: Client, told: str, seconds: int | None
) -> None:
    answer = client.post(address(call), {"text": "Well said", "at": told})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/calls/{call.pk.hex}/#comments")
    comment = Comment.objects.get()
    assert comment.at == (None if seconds is None else call.started_at + timedelta(seconds=seconds))
    html = client.get(f"/calls/{call.pk.hex}/").content.decode()
    assert "Well said" in html
    assert ("Comment 1 at" in html) == (seconds is not None)


@pytest.mark.parametrize("data", [{}, {"text": " "}, {"text": "x", "at": "soon"}, {"text": "x" * 2001}])
def test_what_is_wrong_is_told_and_nothing_written_is_lost(
    call: Call, client: Client, data: dict[str, str]
) -> None:
    answer = client.post(address(call), data)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert 'role="alert"' in html
    assert f">{data.get('text', '')}</textarea>" in html
    assert not Comment.objects.exists()


def test_with_script_only_the_comments_and_their_pins_come_anew(call: Call, client: Client) -> None:
    answer = client.post(address(call), {"text": "Well said", "at": "0:07"}, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert html.startswith('<section class="card" id="comments"')
    assert 'id="pins-row" hx-swap-oob="true"' in html
    assert "<html" not in html


def test_the_author_says_it_otherwise(call: Call, client: Client, reviewer: User) -> None:
    comment = written(call, reviewer)
    client.post(address(call, comment), {"text": "Better said", "at": "0:09"})
    comment.refresh_from_db()
    assert (comment.text, comment.at) == ("Better said", call.started_at + timedelta(seconds=9))
    assert ", edited" in client.get(f"/calls/{call.pk.hex}/").content.decode()
    answer = client.post(address(call, comment), {"text": "", "at": ""})
    assert answer.status_code == 400
    assert '<details class="comment-acts" open>' in answer.content.decode()


def test_only_the_author_and_administrators_delete(
    account: Account, call: Call, client: Client, reviewer: User, sign_in: SignIn
) -> None:
    comment = written(call, reviewer)
    other = sign_in(factories.make_user(account, Role.REVIEWER, teams=list(reviewer.teams.all())))
    assert other.post(address(call, comment), {"text": "Not mine"}).status_code == 403
    assert other.post(address(call, comment, "/delete")).status_code == 403
    admin = sign_in(factories.make_user(account, Role.ADMIN))
    assert admin.post(address(call, comment), {"text": "Not mine"}).status_code == 403
    assert Comment.objects.get().text == "Mine"
    assert admin.post(address(call, comment, "/delete")).status_code == 302
    assert not Comment.objects.exists()


def test_a_comment_is_looked_for_on_its_own_call(
    account: Account, call: Call, client: Client, reviewer: User
) -> None:
    comment = written(call, reviewer)
    other = factories.make_call(account, queue_name=QUEUE)
    assert client.post(address(other, comment), {"text": "x"}).status_code == 404
    assert client.post(address(other, comment, "/delete")).status_code == 404
    assert Comment.objects.get().text == "Mine"


@pytest.mark.parametrize(("role", "may"), [(Role.SUPERVISOR, True), (Role.AGENT, False)])
def test_agents_neither_write_nor_read_them(
    account: Account, call: Call, reviewer: User, sign_in: SignIn, role: Role, may: bool
) -> None:
    comment = written(call, reviewer, "Slow to greet")
    user = factories.make_user(account, role, teams=list(reviewer.teams.all()))
    Call.objects.update(user=user)
    browser = sign_in(user)
    html = browser.get(f"/calls/{call.pk.hex}/").content.decode()
    assert ("Slow to greet" in html, 'id="comments"' in html) == (may, may)
    assert browser.post(address(call), {"text": "x"}).status_code == (302 if may else 403)
    assert browser.post(address(call, comment, "/delete")).status_code == (403 if may else 404)


def test_what_is_written_while_two_calls_become_one_is_kept(
    account: Account, call: Call, client: Client
) -> None:
    alias = CallAlias.objects.create(id=uuid.uuid4(), call=call)
    answer = client.post(f"/calls/{alias.pk.hex}/comments", {"text": "Just in time"})
    assert answer.headers["Location"] == f"/calls/{call.pk.hex}/#comments"
    assert Comment.objects.get().call == call


def test_hostile_words_and_names_are_shown_as_they_are(call: Call, client: Client, reviewer: User) -> None:
    for name in HOSTILE_NAMES:
        written(call, reviewer, name)
    User.objects.filter(pk=reviewer.pk).update(name=HOSTILE_NAMES[5])
    html = client.get(f"/calls/{call.pk.hex}/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(&quot;caller&quot;)&lt;/script&gt;" in html
    assert re.search(r"line<br>break<br>name", html)


def test_a_call_without_recording_is_commented_on(call: Call, client: Client) -> None:
    client.post(address(call), {"text": "Rang for long", "at": "0:04"})
    html = client.get(f"/calls/{call.pk.hex}/").content.decode()
    assert "Rang for long" in html
    assert 'href="#t=4000"' in html


def test_without_script_a_pin_leads_to_the_sound(account: Account, call: Call, admin: Client) -> None:
    recording = factories.make_recording(call, started_at=call.started_at + timedelta(seconds=5))
    factories.make_media(recording, factories.tone(8.0))
    admin.post(address(call), {"text": "Here", "at": "0:07"})
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert f'href="/recordings/{recording.pk.hex}/media?format=wav#t=2.0"' in html
