"""The way in and out, and who is shown it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account, Role
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db

PLACES = [
    "/calls/",
    "/calls/count",
    "/accounts/",
    "/quarantine/",
    "/health/",
    f"/calls/{'0' * 32}/",
    f"/recordings/{'0' * 32}/media",
]


@pytest.mark.parametrize("place", PLACES)
def test_who_is_not_signed_in_is_led_to_sign_in_and_then_on(client: Client, place: str) -> None:
    response = client.get(f"{place}?a=b")
    assert (response.status_code, response.headers["Location"]) == (302, f"/sign-in/?next={place}%3Fa%3Db")


def test_a_part_of_a_page_leads_the_whole_page_to_sign_in(client: Client) -> None:
    response = client.get("/calls/", headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == "/sign-in/"


def test_e_mail_and_password_lead_to_where_the_person_wanted(client: Client, account: Account) -> None:
    user = factories.make_user(account)
    data = {"email": user.email.upper(), "password": factories.PASSWORD, "next": "/calls/?q=1"}
    response = client.post("/sign-in/", data)
    assert (response.status_code, response.headers["Location"]) == (302, "/calls/?q=1")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", ""]
)
def test_nobody_is_led_to_another_site(client: Client, account: Account, target: str) -> None:
    user = factories.make_user(account)
    response = client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD, "next": target})
    assert response.headers["Location"] == "/calls/"


def test_without_staying_the_session_ends_with_the_browser(client: Client, account: Account) -> None:
    user = factories.make_user(account)
    client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD})
    assert client.cookies["sessionid"]["max-age"] == ""


def test_staying_is_for_twelve_hours(client: Client, account: Account) -> None:
    user = factories.make_user(account)
    client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD, "stay": "on"})
    assert client.cookies["sessionid"]["max-age"] == 12 * 3600


def test_a_wrong_password_is_told_without_saying_what_was_wrong(client: Client, account: Account) -> None:
    user = factories.make_user(account)
    known = client.post("/sign-in/", {"email": user.email, "password": "wrong"})
    unknown = client.post("/sign-in/", {"email": "nobody@example.com", "password": "wrong"})
    assert known.status_code == unknown.status_code == 400
    assert "That did not match." in known.content.decode()
    assert known.content.decode().count("nobody") == 0


def test_guessing_is_paused_and_the_pause_is_told(client: Client, account: Account) -> None:
    user = factories.make_user(account)
    for _ in range(5):
        client.post("/sign-in/", {"email": user.email, "password": "wrong"})
    response = client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "Too many wrong tries." in response.content.decode()


@pytest.mark.parametrize("email", ["", "\x00", "a" * 5000, "<script>alert(1)</script>", "\ud800"])
def test_what_is_no_e_mail_address_is_a_wrong_one(client: Client, email: str) -> None:
    body = f"email={email}&password=x".encode("utf-8", "surrogatepass")
    response = client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert b"<script>alert" not in response.content


def test_signing_out_takes_a_post_and_ends_the_session(admin: Client) -> None:
    assert admin.get("/sign-out/").status_code == 405
    assert admin.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert admin.get("/calls/").status_code == 302


def test_signing_in_needs_the_form_s_token(account: Account) -> None:
    user = factories.make_user(account)
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


def test_who_is_signed_in_is_not_asked_again(admin: Client) -> None:
    assert admin.get("/sign-in/").headers["Location"] == "/calls/"


def test_pages_stay_out_of_caches_and_search_engines(admin: Client) -> None:
    response = admin.get("/calls/")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert '<meta name="robots" content="noindex, nofollow">' in response.content.decode()
    assert admin.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"


def test_an_operator_first_chooses_an_account(sign_in: SignIn) -> None:
    operator = sign_in(factories.make_operator())
    chosen, other = factories.make_account("Chosen"), factories.make_account("Other")
    factories.make_call(chosen, caller_name="Of the chosen")
    factories.make_call(other, caller_name="Of the other")
    assert operator.get("/calls/").headers["Location"] == "/accounts/"
    operator.post("/accounts/", {"account": chosen.pk.hex})
    page = operator.get("/calls/?period=all").content.decode()
    assert "Of the chosen" in page
    assert "Of the other" not in page


def test_a_reseller_chooses_among_its_own_and_no_other(account: Account, sign_in: SignIn) -> None:
    child = factories.make_account("Child", parent=account)
    stranger = factories.make_account("Stranger")
    reseller = sign_in(factories.make_user(account, Role.ADMIN))
    page = reseller.get("/accounts/").content.decode()
    assert "Child" in page
    assert "Stranger" not in page
    assert reseller.post("/accounts/", {"account": child.pk.hex}).status_code == 302
    assert reseller.post("/accounts/", {"account": stranger.pk.hex}).status_code == 404


def test_the_account_above_is_not_named_to_those_below(account: Account, sign_in: SignIn) -> None:
    child = factories.make_account("Child", parent=account)
    page = sign_in(factories.make_user(child, Role.ADMIN)).get("/accounts/").content.decode()
    assert "Child" in page
    assert account.name not in page


def test_an_account_that_was_lost_is_looked_at_no_more(account: Account, sign_in: SignIn) -> None:
    child = factories.make_account("Child", parent=account)
    reseller = sign_in(factories.make_user(account, Role.ADMIN))
    reseller.post("/accounts/", {"account": child.pk.hex})
    child.parent = None
    child.save()
    factories.make_call(child, caller_name="Lost")
    assert "Lost" not in reseller.get("/calls/?period=all", follow=True).content.decode()
