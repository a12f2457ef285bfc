"""The matrix and the simulator in a real browser: by keyboard, in each theme and width, without scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, Device, Role
from policies.change import change, document_of
from tests.factories import PASSWORD, make_account, make_device, make_user
from tests.portal.browser import chromium, launch

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
PAGES = "/admin/policies/recordingpolicy"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="needs the packages of `make assets`"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        patched.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        launched = launch(playwright)
        yield launched
        launched.close()


@pytest.fixture
def account() -> Account:
    account = make_account("Hanbit Care", time_zone="Asia/Seoul")
    make_user(account, email="admin@hanbit.example")
    change(account, lambda _: {"endpoint": {"outbound": {"any": {"enabled": True}}}}, None)
    return account


@pytest.fixture
def device(account: Account) -> Device:
    anna = make_user(account, Role.AGENT, name="Anna Kovač")
    return make_device(account, "1001-desk", owner=anna, name="1001-desk")


def sign_in(page: Page, server: LiveServer) -> list[str]:
    """Sign in; return what the browser complains of from then on."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/sign-in/")
    page.fill("#email", "admin@hanbit.example")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/**")
    return complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_axe_is_silent(
    browser: Browser, live_server: LiveServer, device: Device, theme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    page = browser.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    complaints = sign_in(page, live_server)
    key = device.account_id.hex
    for path in (
        f"{PAGES}/device/{device.pk.hex}/?any=1",
        f"{PAGES}/account/{key}/",
        f"{PAGES}/phones/{key}/history/",
        f"{PAGES}/simulator/{key}/?call_from=offnet&call_to=onnet&callees=1001-desk",
        f"/admin/accounts/device/{device.pk}/change/",
    ):
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run('.policy').then(result => result.violations)")
        assert [each["id"] for each in found] == []
        complaints.clear()
    page.context.close()


def test_a_cell_is_chosen_by_keyboard_tried_and_saved(
    browser: Browser, live_server: LiveServer, device: Device
) -> None:
    page = browser.new_page()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}{PAGES}/device/{device.pk.hex}/")
    page.get_by_role("group").first.wait_for()
    page.locator("[name='inbound.offnet.enabled'][value=inherit]").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Try", exact=True).press("Enter")
    expect(page.get_by_text("1 change not saved")).to_be_visible()
    expect(page.get_by_role("heading", name="One file")).to_be_visible()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert document_of(device) == {"inbound": {"offnet": {"enabled": True}}}
    page.context.close()


def test_it_works_without_scripts(browser: Browser, live_server: LiveServer, device: Device) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, live_server)
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}{PAGES}/device/{device.pk.hex}/")
    page.locator("summary", has_text="Calls to 1001-desk, outside").click()
    page.fill("#inbound-offnet-time_limit", "12000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It must be at most 10800.")).to_be_visible()
    page.fill("#inbound-offnet-time_limit", "1200")
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()
    assert document_of(device) == {"inbound": {"offnet": {"time_limit": 1200}}}
    plain.close()
    context.close()
