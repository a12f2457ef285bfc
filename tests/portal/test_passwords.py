"""Choosing a password by a link from an e-mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from accounts.keys import find_token, issue_token
from accounts.models import Account, AuditEntry, Role, User
from accounts.password_links import send_invitation, send_reset
from tests import factories
from tests.portal.codes import set_up
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db

NEW = "seven wise old owls"
SITE = "http://testserver"


@pytest.fixture
def person(account: Account) -> User:
    return factories.make_user(account, Role.ADMIN, name="Kim <b>Ada</b>")


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def follow(client: Client, link: str) -> Any:
    """Open the link; the form is at the address that it leads to, which has no token."""
    return client.get(link, follow=True)


def choose(client: Client, link: str, new: str = NEW, again: str = NEW) -> Any:
    where = follow(client, link).request["PATH_INFO"]
    return client.post(where, {"new_password1": new, "new_password2": again})


def signs_in(user: User, password: str) -> bool:
    answer = Client().post("/sign-in/", {"email": user.email, "password": password})
    return bool(answer.status_code == 302)


def test_the_answer_is_the_same_for_who_is_known_and_who_is_not(
    client: Client, person: User, django_assert_max_num_queries: Any
) -> None:
    answers = []
    for email in (person.email, "nobody@example.com"):
        with django_assert_max_num_queries(12) as asked:
            answer = client.post("/password/", {"email": email})
        answers.append((answer.status_code, answer.headers["Location"], len(asked)))
    assert answers[0] == answers[1]
    assert OrmQ.objects.count() == 2
    assert not mail.outbox


def test_the_link_lets_choose_once(client: Client, person: User) -> None:
    send_reset(person.email.upper(), SITE)
    link = link_in_mail()
    assert choose(client, link).headers["Location"] == "/password/chosen/"
    assert (signs_in(person, NEW), signs_in(person, factories.PASSWORD)) == (True, False)
    assert follow(Client(), link).status_code == 400
    assert AuditEntry.objects.get().action == "password.reset"


def test_it_signs_nobody_in_and_ends_what_is_open(client: Client, person: User) -> None:
    thief, token = Client(), issue_token(user=person)
    thief.post("/sign-in/", {"email": person.email, "password": factories.PASSWORD})
    send_reset(person.email, SITE)
    choose(client, link_in_mail())
    assert client.get("/calls/").status_code == 302
    assert thief.get("/calls/").status_code == 302
    assert find_token(token) is None


def test_the_second_step_stays(client: Client, person: User) -> None:
    set_up(person)
    send_reset(person.email, SITE)
    choose(client, link_in_mail())
    answer = client.post("/sign-in/", {"email": person.email, "password": NEW})
    assert answer.headers["Location"] == "/sign-in/code/"


def test_the_link_is_good_for_an_hour(client: Client, person: User, monkeypatch: Any) -> None:
    send_reset(person.email, SITE)
    link = link_in_mail()
    later = timezone.localtime().replace(tzinfo=None) + timedelta(minutes=61)
    monkeypatch.setattr("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda _: later)
    assert follow(client, link).status_code == 400


def test_a_sign_in_meanwhile_ends_the_link(client: Client, person: User) -> None:
    send_reset(person.email, SITE)
    assert signs_in(person, factories.PASSWORD)
    assert follow(client, link_in_mail()).status_code == 400


@pytest.mark.parametrize("link", ["/password/x/y/", "/password/MQ/set-password/", "/welcome/%00/y/"])
def test_what_is_no_link_is_told_so(client: Client, db: None, link: str) -> None:
    answer = follow(client, link)
    assert (answer.status_code, b"good no more" in answer.content) == (400, True)


@pytest.mark.parametrize(("new", "again"), [("short", "short"), (NEW, "another"), ("", "")])
def test_what_is_no_good_password_is_refused(client: Client, person: User, new: str, again: str) -> None:
    send_reset(person.email, SITE)
    assert choose(client, link_in_mail(), new, again).status_code == 400
    assert signs_in(person, factories.PASSWORD)


def test_nobody_who_may_not_sign_in_gets_one(person: User) -> None:
    User.objects.update(is_active=False)
    send_reset(person.email, SITE)
    send_invitation(person.pk.hex, SITE)
    assert not mail.outbox


def test_the_mail_is_plain_and_says_the_name_as_it_is(person: User) -> None:
    send_reset(person.email, SITE)
    [sent] = mail.outbox
    assert (sent.to, sent.from_email) == ([person.email], "ccportal@localhost")
    assert "Kim <b>Ada</b>" in sent.body


def test_asking_is_slowed_down(client: Client, person: User) -> None:
    statuses = [client.post("/password/", {"email": person.email}).status_code for _ in range(6)]
    assert statuses == [302] * 5 + [429]


@pytest.mark.parametrize("email", ["", "nobody", "a@b\x00.example", "x" * 300 + "@example.com"])
def test_what_is_no_address_is_told_beside_the_field(client: Client, email: str) -> None:
    answer = client.post("/password/", {"email": email})
    assert (answer.status_code, b'id="id_email_error"' in answer.content) == (400, True)


def test_a_new_person_without_a_password_is_invited(
    client: Client, account: Account, sign_in: SignIn
) -> None:
    form = {"account": str(account.pk), "role": "agent", "email": "new@example.com", "username": "new"}
    admin = sign_in(factories.make_user(account))
    assert admin.post("/admin/accounts/user/add/", form).status_code == 302
    new = User.objects.get(username="new")
    assert not new.has_usable_password()
    assert OrmQ.objects.count() == 1
    send_invitation(new.pk.hex, SITE)
    assert account.name in mail.outbox[-1].body
    assert choose(client, link_in_mail()).status_code == 302
    assert signs_in(new, NEW)


def test_an_invitation_is_good_for_three_days(client: Client, person: User, monkeypatch: Any) -> None:
    send_invitation(person.pk.hex, SITE)
    link, now = link_in_mail(), timezone.localtime().replace(tzinfo=None)
    for hours, status in ((71, 200), (73, 400)):
        later = now + timedelta(hours=hours)
        monkeypatch.setattr(
            "django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda _, later=later: later
        )
        assert follow(Client(), link).status_code == status


def test_an_invitations_token_is_no_reset(client: Client, person: User) -> None:
    send_invitation(person.pk.hex, SITE)
    assert follow(client, link_in_mail().replace("/welcome/", "/password/")).status_code == 400
