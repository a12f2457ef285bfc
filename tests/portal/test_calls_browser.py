"""The calls list by keyboard alone: filters, views, many calls at once, tags and reviews."""

# ruff: noqa: F811
from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from cdr.saved_views import SavedView
from recordings.models import LegalHold, Tag
from recordings.tagging import set_tags
from reviews.models import Assignment
from tests.portal.tenant import Tenant, make_tenant
from tests.portal.test_browser import Visit, browser, pytestmark, visit  # noqa: F401 - the same browser

PATIENT = 20_000
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(timezone.now(), calls=60)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('tr')?.querySelector('.open')?.innerText ?? ''"))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until it is there, as somebody without a mouse does."""
    for _ in range(60):
        if page.evaluate("which => document.activeElement.matches(which)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def test_calls_are_chosen_and_tagged_by_keyboard_alone(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("supervisor@hanbit.example")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-ticked]")).to_have_text("2")
    page.locator(".bulk summary", has_text="Tag").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#bulk-tag")).to_be_focused()
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tagged 2 calls")).to_be_visible(timeout=PATIENT)
    assert Tag.objects.filter(name=HOSTILE).count() == 2
    assert visit.objections() == []
    assert visit.complaints == []


def test_the_drawer_is_entered_and_left_by_keyboard(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("supervisor@hanbit.example")
    page.keyboard.press("j")
    name = focused(page)
    page.keyboard.press("o")
    expect(page.locator("#drawer h2")).to_have_text(name, timeout=PATIENT)
    expect(page.locator("#drawer")).to_be_focused(timeout=PATIENT)
    tab_to(page, "#tag-add")
    page.keyboard.type("vip")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .tag", has_text="vip")).to_be_visible(timeout=PATIENT)
    expect(page.locator("#tag-add")).to_be_focused()
    expect(page.locator(".row-tags", has_text="vip")).to_have_count(1)
    leave(page)
    expect(page.locator("#drawer")).to_be_hidden()
    assert focused(page) == name
    assert visit.complaints == []


def leave(page: Page) -> None:
    """Out of the field and out of the drawer; the browser's own suggestions take a key when they are open."""
    for _ in range(3):
        if page.locator("#drawer").is_visible():
            page.keyboard.press("Escape")
            page.wait_for_timeout(100)


def test_filters_are_set_and_taken_back(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    set_tags(tenant.talked, ["vip"], None)
    visit.sign_in("admin@hanbit.example")
    page.locator("#facet-tag").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#count")).to_have_text("1 call", timeout=PATIENT)
    assert "tag=vip" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#facet-tag")).to_be_focused()
    page.locator("#facet-spans").click()
    page.locator("[name=talk_min]").fill("5:00")
    page.keyboard.press("Enter")
    page.wait_for_url("**talk_min=5**")
    expect(page.locator("#facet-spans")).to_contain_text("Talk time from 5:00", timeout=PATIENT)
    assert visit.objections() == []
    page.keyboard.press("Escape")
    page.locator("#unset-tag").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#facet-tag")).not_to_contain_text("vip", timeout=PATIENT)
    page.wait_for_url(lambda url: "tag=" not in url and "talk_min=5" in url)
    assert visit.complaints == []


def test_a_view_is_saved_opened_and_deleted(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    visit.go("/calls/?period=7d&outcome=abandoned")
    page.locator(".view-menu.is-save summary").focus()
    page.keyboard.press("Enter")
    assert visit.objections() == []
    page.keyboard.press("Tab")
    page.keyboard.type("Missed")
    page.keyboard.press("Enter")
    expect(page.locator(".views [aria-current]")).to_have_text("Missed", timeout=PATIENT)
    page.click("#facet-direction")
    page.get_by_label("Inbound", exact=True).check()
    expect(page.locator(".views [aria-current]")).to_contain_text("changed", timeout=PATIENT)
    page.get_by_label("Change the view Missed").click()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name=re.compile("Delete .Missed.")).click()
    expect(page.get_by_text("is deleted")).to_be_visible(timeout=PATIENT)
    assert not SavedView.objects.exists()
    assert visit.complaints == []


def test_rows_between_two_are_chosen_with_shift_and_given_to_review(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    page.locator(".tick").nth(0).click()
    page.locator(".tick").nth(3).click(modifiers=["Shift"])
    expect(page.locator("[data-ticked]")).to_have_text("4")
    expect(page.locator("[data-all]")).to_be_hidden()
    page.locator("[data-tick-all]").click()
    expect(page.locator("[data-ticked]")).to_have_text("50")
    expect(page.locator("[data-all]")).to_be_visible()
    page.locator("[data-untick]").click()
    expect(page.locator(".bulk")).to_be_hidden()
    page.locator(".tick").nth(1).click()
    page.locator(".bulk summary", has_text="Assign").click()
    assert visit.objections() == []
    page.select_option("#bulk-reviewer", label="Sora Admin")
    page.get_by_role("button", name="Assign for review").click()
    expect(page.get_by_text("1 call for Sora Admin to review")).to_be_visible(timeout=PATIENT)
    page.get_by_role("link", name="To review").click()
    expect(page.locator(".row-review")).to_have_count(1, timeout=PATIENT)
    page.locator(".calls .open").first.click()
    page.get_by_role("button", name="Mark reviewed").click()
    expect(page.locator("#review .state")).to_have_text("Reviewed", timeout=PATIENT)
    assert Assignment.objects.get().done_at
    assert visit.complaints == []


def test_many_calls_are_held_without_script(
    browser: Browser, live_server: LiveServer, tenant: Tenant
) -> None:
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), live_server.url)
    visit.sign_in("admin@hanbit.example")
    page = visit.page
    page.locator(".tick").nth(0).check()
    page.locator(".tick").nth(2).check()
    page.locator(".bulk summary", has_text="Hold").click()
    page.fill("#bulk-reason", "Case 7")
    page.locator("#bulk-reason").press("Enter")
    expect(page.get_by_text("On hold from now on: 2 calls")).to_be_visible(timeout=PATIENT)
    context.close()
    assert LegalHold.objects.count() == 2
