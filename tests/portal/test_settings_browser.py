"""Settings, two-step sign-in, passwords, sessions and the menu of accounts in a real browser."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from playwright.sync_api import Browser, expect

from accounts.models import Account, ApiKey, User
from accounts.password_links import send_reset
from accounts.second_step import has_second_step
from tests import factories
from tests.portal.codes import code_of
from tests.portal.test_browser import Visit, browser, pytestmark, visit  # noqa: F401 - the same browser

FIT = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture
def account(transactional_db: None) -> Account:
    account = factories.make_account("Hanbit Care", time_zone="Asia/Seoul", country="KR")
    factories.make_account("Hanbit Dental", parent=account)
    factories.make_account("Busan Clinic", parent=account)
    factories.make_user(account, email="admin@hanbit.example", name="Sora Oh")
    return account


def test_a_second_step_is_set_up_and_asked_for(visit: Visit, account: Account) -> None:  # noqa: F811
    page, person = visit.page, User.objects.get()
    visit.sign_in(person.email)
    page.get_by_role("link", name="my account").click()
    page.get_by_role("link", name="Set it up").click()
    assert page.locator(".qr").evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert visit.objections() == []
    page.fill("#id_code", code_of(person, -1))
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    assert has_second_step(person)
    assert visit.objections() == []
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url("**/sign-in/")
    visit.sign_in(person.email, then="**/sign-in/code/")
    assert visit.objections() == []
    page.fill("#code", code_of(person))
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/**")
    assert visit.complaints == []


def test_a_forgotten_password_is_chosen_anew(visit: Visit, account: Account) -> None:  # noqa: F811
    page = visit.page
    visit.go("/sign-in/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.fill("#id_email", "admin@hanbit.example")
    page.keyboard.press("Enter")
    page.wait_for_url("**/password/sent/")
    assert visit.objections() == []
    send_reset("admin@hanbit.example", visit.base)
    link = re.search(r"http\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(link[0])
    page.fill("#id_new_password1", "seven wise old owls")
    page.fill("#id_new_password2", "seven wise old owls")
    assert visit.objections() == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/password/chosen/")
    assert visit.complaints == []


def test_another_browser_is_signed_out(visit: Visit, account: Account, browser: Browser) -> None:  # noqa: F811
    other = browser.new_context(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1")
    try:
        phone = Visit(other.new_page(), visit.base)
        phone.sign_in("admin@hanbit.example")
        visit.sign_in("admin@hanbit.example")
        visit.page.set_viewport_size({"width": 390, "height": 844})
        visit.go("/me/")
        assert visit.objections() == []
        assert visit.page.evaluate(FIT)
        visit.page.get_by_role("button", name="Sign out Safari on iPhone").click()
        expect(visit.page.get_by_role("status")).to_contain_text("is signed out")
        phone.go("/calls/")
        phone.page.wait_for_url("**/sign-in/**")
    finally:
        other.close()
    assert visit.complaints == []


def test_the_account_is_changed_by_keyboard(visit: Visit, account: Account) -> None:  # noqa: F811
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    visit.go("/settings/")
    page.locator("[data-switcher]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#switcher")).to_contain_text("You are in Hanbit Care")
    page.keyboard.type("hanbit d")
    expect(page.locator("#switcher-found button")).to_have_count(1)
    assert visit.objections() == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/**")
    expect(page.locator(".nav-account")).to_contain_text("Hanbit Dental")
    page.locator("[data-switcher]").click()
    expect(page.locator("#switcher-found")).to_contain_text("Looked at lately")
    page.keyboard.press("Escape")
    expect(page.locator("#switcher")).to_be_hidden()
    assert visit.complaints == []


def test_settings_are_changed_and_names_are_shown_while_typing(visit: Visit, account: Account) -> None:  # noqa: F811
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    visit.go("/settings/recordings/")
    page.fill("#id_file_name_template", "{queue}-{agent}")
    expect(page.locator("#preview")).to_contain_text("support-1001.mp3")
    page.fill("#id_file_name_template", "{nobody}")
    expect(page.locator("#preview")).to_contain_text("no field of a file name")
    page.fill("#id_file_name_template", "{queue}-{caller}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    visit.go("/settings/storage/")
    page.get_by_label("A bucket of Amazon S3").check()
    page.fill("#id_bucket", "calls")
    page.fill("#id_endpoint", "http://127.0.0.1:1")
    page.fill("#id_access_key", "a")
    page.fill("#id_secret_key", "b")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#trial [role=alert]")).to_contain_text("Endpoint")
    expect(page.locator("#id_secret_key")).to_have_value("b")
    visit.go("/settings/keys/")
    page.fill("#id_name", "CRM")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("[data-select]")).to_have_value(re.compile(r"^[0-9a-f]{64}$"))
    assert ApiKey.objects.get().name == "CRM"
    assert visit.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_axe_is_silent(visit: Visit, account: Account, width: int) -> None:  # noqa: F811
    visit.page.set_viewport_size({"width": width, "height": 844})
    visit.sign_in("admin@hanbit.example")
    places = ("", "recordings/", "storage/", "webhooks/", "webhooks/new", "keys/")
    for place in (*(f"/settings/{place}" for place in places), "/me/", "/me/two-step/"):
        visit.go(place)
        assert visit.objections() == [], place
        assert visit.page.evaluate(FIT), place
    assert visit.complaints == []
