"""What people do in the portal, in a real browser: no console error, nothing refused, axe silent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from cdr.recount import rebuild
from recordings.holding import hold_call
from tests import factories
from tests.portal.browser import chromium, launch
from tests.portal.tenant import Tenant, make_deliveries, make_tenant, make_troubled_switches

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
WAVESURFER = Path(__file__).resolve().parents[2] / "static/vendor/wavesurfer/wavesurfer.esm.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(
        not (AXE.exists() and WAVESURFER.exists()), reason="needs the packages of `make assets`"
    ),
    pytest.mark.django_db(transaction=True),
]


@dataclass
class Visit:
    """A page and everything that went wrong or came over the wire while it was looked at."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda response: self.responses.append(response))

    def complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, email: str, then: str = "**/calls/**") -> None:
        self.go("/sign-in/")
        self.page.fill("#email", email)
        self.page.fill("#password", factories.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(then)

    def objections(self) -> list[str]:
        """What axe has against the page as it stands; that axe's own style is refused is no complaint."""
        self.page.wait_for_load_state("networkidle")
        before = list(self.complaints)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run().then(result => result.violations)")
        self.complaints[:] = before
        return [f"{each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}" for each in found]

    def statuses(self, part: str) -> list[int]:
        return [response.status for response in self.responses if part in response.url]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE") if before is None else None


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(timezone.now(), calls=60)


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    seen = Visit(context.new_page(), live_server.url)
    yield seen
    context.close()
    strangers = {response.url for response in seen.responses if not response.url.startswith(live_server.url)}
    assert not {url for url in strangers if not url.startswith(("data:", "blob:"))}


def test_signing_in_filtering_opening_a_call_and_hearing_it(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    page.fill("#q", "+82 10 5840 0500")
    expect(page.locator("#count")).to_have_text("1 call")
    assert "q=%2B82" in page.url
    page.locator(".calls .open").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/calls/{tenant.talked.pk.hex}/**")
    page.wait_for_selector("call-player[data-drawn]")
    page.click("[data-play]")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    expect(page.locator("[data-now]")).to_have_text("1:53")
    page.locator("[data-position]").evaluate(
        "slider => { slider.value = 500000; slider.dispatchEvent(new Event('input')) }"
    )
    expect(page.locator("[data-now]")).to_have_text(re.compile(r"8:2\d"))
    assert set(visit.statuses("/media")) == {206}
    assert visit.complaints == []


def test_the_waveform_is_drawn_where_the_recording_was(visit: Visit, tenant: Tenant) -> None:
    visit.sign_in("admin@hanbit.example")
    visit.go(f"/calls/{tenant.talked.pk.hex}/")
    visit.page.wait_for_selector("call-player[data-drawn]")
    wave, box = (visit.page.locator(each).bounding_box() for each in ("[data-wave]", "[data-wave-box]"))
    assert wave is not None
    assert box is not None
    assert (wave["x"] - box["x"]) / box["width"] == pytest.approx(112 / 552, abs=0.01)
    assert wave["width"] / box["width"] == pytest.approx(440 / 552, abs=0.01)


def test_the_player_obeys_the_keyboard(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    visit.go(f"/calls/{tenant.talked.pk.hex}/")
    page.wait_for_selector("call-player[data-drawn]")
    page.keyboard.press("]")
    expect(page.locator("[data-now]")).to_have_text("2:02")
    page.keyboard.press("+")
    expect(page.locator("[data-speed]")).to_have_value("1.25")
    page.locator("[data-position]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-now]")).to_have_text("2:07")
    page.keyboard.press("Space")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    assert visit.complaints == []


def test_the_list_is_walked_by_keys_with_the_drawer_beside_it(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("supervisor@hanbit.example")
    page.locator(".calls .open", has_text="Kim Min-seo").first.click()
    expect(page.locator("#drawer h2")).to_have_text("Kim Min-seo")
    page.wait_for_selector("#drawer call-player[data-drawn]")
    assert visit.objections() == []
    page.keyboard.press("j")
    expect(page.locator("#drawer h2")).not_to_have_text("Kim Min-seo")
    page.keyboard.press("k")
    expect(page.locator("#drawer h2")).to_have_text("Kim Min-seo")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.locator("#q").blur()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    assert visit.complaints == []


def test_filters_follow_what_is_chosen_and_the_address_keeps_them(visit: Visit, tenant: Tenant) -> None:
    page = visit.page
    visit.sign_in("admin@hanbit.example")
    page.click("#facet-outcome")
    page.get_by_label("Abandoned").check()
    expect(page.locator("#facet-outcome")).to_contain_text("Abandoned")
    page.wait_for_url("**outcome=abandoned**")
    assert set(page.locator(".calls td.c-out").all_inner_texts()) == {"Abandoned"}
    page.reload()
    assert set(page.locator(".calls td.c-out").all_inner_texts()) == {"Abandoned"}
    page.click("#clear")
    expect(page.locator(".calls .state.is-good").first).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_has_nothing_against_any_page(
    browser: Browser, live_server: LiveServer, tenant: Tenant, theme: str, width: int
) -> None:
    factories.make_operator(email="op@example.com")
    factories.make_call(None)
    make_troubled_switches(tenant.account, timezone.now())
    make_deliveries(tenant.account, tenant.talked.recordings.get(), timezone.now())
    hold_call(tenant.talked, None, "Case 7")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), live_server.url)
    visit.go("/sign-in/")
    objections = {"sign-in": visit.objections()}
    visit.sign_in("admin@hanbit.example")
    call = f"/calls/{tenant.talked.pk.hex}/"
    for path in (
        "/calls/",
        "/calls/?q=nobody",
        call,
        "/health/",
        "/recordings/?show=missing",
        "/compliance/",
        "/orphans/",
        "/deliveries/",
    ):
        visit.go(path)
        objections[path] = visit.objections()
    visit.page.context.clear_cookies()
    visit.sign_in("op@example.com", "**/accounts/")
    for path in ("/accounts/", "/quarantine/", "/health/"):
        visit.go(path)
        objections[path] = visit.objections()
    context.close()
    assert {path: found for path, found in objections.items() if found} == {}
    assert visit.complaints == []


@pytest.mark.parametrize(
    "path", ["/calls/", "/calls/{}/", "/quarantine/", "/health/", "/recordings/?show=missing", "/deliveries/"]
)
def test_no_page_is_wider_than_a_phone(
    browser: Browser, live_server: LiveServer, tenant: Tenant, path: str
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    visit = Visit(context.new_page(), live_server.url)
    factories.make_operator(email="op@example.com")
    factories.make_call(None, caller_name="x" * 255)
    make_troubled_switches(tenant.account, timezone.now())
    make_deliveries(tenant.account, tenant.talked.recordings.get(), timezone.now())
    visit.sign_in("op@example.com", "**/accounts/")
    visit.page.get_by_role("button", name=f"Open {tenant.account.name}").click()
    visit.go(path.format(tenant.talked.pk.hex))
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


def test_without_script_lists_forms_and_listening_work(
    browser: Browser, live_server: LiveServer, tenant: Tenant
) -> None:
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), live_server.url)
    visit.sign_in("admin@hanbit.example")
    visit.page.fill("#q", "01058400500")
    visit.page.locator("#q").press("Enter")
    visit.page.wait_for_url("**q=01058400500**")
    visit.page.locator(".calls .open").click()
    assert visit.page.locator("audio").get_attribute("controls") is not None
    context.close()


def test_statistics_are_drawn_and_told(visit: Visit, tenant: Tenant) -> None:
    rebuild(tenant.account)
    visit.sign_in("admin@hanbit.example")
    for path in ("/statistics/", "/statistics/agents/"):
        visit.go(path)
        expect(visit.page.locator("[data-chart]")).to_be_visible()
        visit.page.locator(".tip").first.focus()
        expect(visit.page.locator(".tip > span").first).to_be_visible()
        assert visit.objections() == []
    assert visit.complaints == []
