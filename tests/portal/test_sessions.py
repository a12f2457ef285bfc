"""My account: the password, and the browsers in which somebody is signed in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.keys import find_token, issue_token
from accounts.models import Account, AuditEntry, BrowserSession, Role, User
from accounts.sessions import SEEN, browser_of
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/140 Safari/537 Edg/140"
NEW = "a quite different password"


@pytest.fixture
def person(account: Account) -> User:
    return factories.make_user(account, Role.AGENT)


def browser(user: User, agent: str = FIREFOX, password: str = factories.PASSWORD) -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/sign-in/", {"email": user.email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return bool(client.get("/calls/").status_code == 200)


def change(client: Client, old: str = factories.PASSWORD, new: str = NEW, again: str = NEW) -> int:
    form = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post("/me/password", form).status_code


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("curl/8.5", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_in_short_words(agent: str, words: str) -> None:
    assert browser_of(agent) == words


def test_each_browser_is_listed_and_this_one_marked(person: User) -> None:
    browser(person, SAFARI)
    page = browser(person).get("/me/").content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("This one") == 1
    assert page.count("127.0.0.1") >= 2


def test_one_is_ended_at_once(person: User) -> None:
    phone, here = browser(person, SAFARI), browser(person)
    row = BrowserSession.objects.get(browser="Safari on iPhone")
    assert is_in(phone)
    here.post(f"/me/sessions/{row.pk.hex}/end")
    assert not is_in(phone)
    assert is_in(here)
    assert AuditEntry.objects.get().action == "session.end"


def test_all_others_are_ended(person: User) -> None:
    others = [browser(person, SAFARI), browser(person, EDGE)]
    here = browser(person)
    here.post("/me/sessions/others/end")
    assert [is_in(each) for each in [*others, here]] == [False, False, True]


def test_nobody_ends_anothers(person: User, account: Account) -> None:
    victim = browser(factories.make_user(account, Role.AGENT))
    row = BrowserSession.objects.get()
    for role in (Role.AGENT, Role.ADMIN):
        assert (
            browser(factories.make_user(account, role)).post(f"/me/sessions/{row.pk.hex}/end").status_code
            == 404
        )
    assert is_in(victim)


def test_signing_out_takes_it_off_the_list(person: User) -> None:
    browser(person).post("/sign-out/")
    assert not BrowserSession.objects.exists()


def test_what_has_ended_by_itself_is_not_listed(person: User) -> None:
    browser(person, SAFARI)
    Session.objects.update(expire_date=timezone.now() - timedelta(hours=1))
    assert "Safari" not in browser(person).get("/me/").content.decode()


def test_being_seen_is_noted_now_and_then(person: User) -> None:
    client = browser(person)
    [before] = BrowserSession.objects.values_list("last_seen_at", flat=True)
    client.get("/calls/")
    assert BrowserSession.objects.get().last_seen_at == before
    session = client.session
    session[SEEN] -= 600
    session.save()
    client.get("/calls/")
    assert BrowserSession.objects.get().last_seen_at > before


def test_a_new_password_ends_everything_but_this_browser(person: User) -> None:
    other, here, token = browser(person, SAFARI), browser(person), issue_token(user=person)
    assert change(here) == 302
    assert (is_in(other), is_in(here), find_token(token)) == (False, True, None)
    assert [row.browser for row in BrowserSession.objects.all()] == ["Firefox on Linux"]
    assert is_in(browser(person, password=NEW))
    assert AuditEntry.objects.get().action == "password.change"


@pytest.mark.parametrize(
    "form", [{"old": "wrong"}, {"new": "short", "again": "short"}, {"again": "something else here"}]
)
def test_what_is_no_good_password_is_refused(person: User, form: dict[str, str]) -> None:
    client = browser(person)
    assert change(client, **form) == 400
    person.refresh_from_db()
    assert person.check_password(factories.PASSWORD)


def test_guessing_the_old_password_is_paused(person: User) -> None:
    client = browser(person)
    assert [change(client, old="wrong") for _ in range(6)] == [400] * 5 + [429]


def test_an_administrator_signs_somebody_out_everywhere(
    person: User, account: Account, sign_in: SignIn
) -> None:
    client, token = browser(person), issue_token(user=person)
    form = {"action": "end_sessions", "_selected_action": [person.pk]}
    sign_in(factories.make_user(account)).post("/admin/accounts/user/", form)
    assert (is_in(client), find_token(token)) == (False, None)
    assert AuditEntry.objects.get().action == "session.end_all"
