"""Take a picture of every page, light and dark, wide and narrow, into ``screenshots/``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from accounts.models import Role  # noqa: E402
from cdr.models import Call  # noqa: E402
from cdr.recount import rebuild  # noqa: E402
from recordings.holding import hold_call  # noqa: E402
from recordings.tagging import set_tags  # noqa: E402
from tests import factories  # noqa: E402
from tests.portal.board import make_board  # noqa: E402
from tests.portal.browser import launch  # noqa: E402
from tests.portal.tenant import (  # noqa: E402
    Tenant,
    conversation,
    make_comments,
    make_deliveries,
    make_tenant,
    make_troubled_switches,
)

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
WIDTHS = {1280: 900, 390: 844}
THEMES = ("light", "dark")


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing of single requests."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the portal on a free port of this machine."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def fill() -> dict[str, str]:
    """Fill the database; return the addresses to take pictures of by name, for the tenant's admin."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    tenant = make_tenant(now)
    make_troubled_switches(tenant.account, now)
    make_board(tenant.account, now)
    make_exports(tenant.account, now)
    rebuild(tenant.account)
    make_deliveries(tenant.account, tenant.talked.recordings.get(), now)
    factories.make_operator(email="op@example.com", name="Olga Operator")
    empty = factories.make_account("Dasom Clinic", time_zone="Asia/Seoul", country="KR")
    factories.make_user(empty, "admin", email="new@dasom.example", name="Nam Ji")
    for index in range(3):
        started = now - timedelta(hours=index)
        factories.make_call(
            None, started_at=started, caller_number=f"0305557014{index}", caller_name="<b>Mallory</b>"
        )
    make_comments(tenant, now)
    hold_call(tenant.talked, None, "Case 7: the caller's lawyer asked for it")
    make_judged(tenant)
    missing = tenant.account.pk
    states = {state: call_in_state(missing, state) for state in ("missing", "failed", "recording")}
    return {
        "calls": "/calls/",
        "calls-nothing": "/calls/?q=010-5840-0599",
        "calls-filtered": "/calls/?period=7d&outcome=answered&outcome=abandoned&talk_min=0:30&tag=card",
        "call": f"/calls/{tenant.talked.pk.hex}/",
        **other_calls(tenant, now),
        **{f"call-{state}": f"/calls/{call}/" for state, call in states.items()},
        "health": "/health/",
        "recordings": "/recordings/?show=missing",
        "recordings-none": "/recordings/?show=outside&period=today",
        "deliveries": "/deliveries/",
        "deliveries-none": "/deliveries/?state=failed&period=yesterday",
        **board_pages(tenant.account),
        "callbacks": "/callbacks/",
        "statistics": "/statistics/",
        "statistics-agents": "/statistics/agents/",
        "exports": "/exports/",
        "compliance": "/compliance/",
        "erasure": f"/compliance/erasures/{make_erasure(tenant.account, now)}/",
        **settings_pages(tenant.account),
        "orphans": "/orphans/",
        "orphan": f"/orphans/{make_orphan(tenant.talked)}/",
        "not-found": "/calls/00000000000000000000000000000000/",
    }


def make_judged(tenant: Tenant) -> None:
    """Give calls tags and reviewers, and the list saved views."""
    reviewer, admin = tenant.people[Role.REVIEWER], tenant.people[Role.ADMIN]
    names = ["call back", "card", "complaint", "<script>alert(1)</script>"]
    for index, call in enumerate(Call.objects.filter(account=tenant.account).order_by("-started_at")[:40]):
        if index % 4 == 1:
            set_tags(call, names[: index % 5], None)
        if index % 7 == 2:
            factories.make_assignment(call, reviewer if index % 2 else admin)
        if index % 7 == 4:
            factories.make_assignment(call, reviewer, done_at=timezone.now(), done_by=str(reviewer))
    factories.make_view(tenant.account, None, "Long Billing calls", "queue=3010%40default&talk_min=5%3A00")
    factories.make_view(tenant.account, admin, "Abandoned this week", "period=7d&outcome=abandoned")


def other_calls(tenant: Tenant, now: datetime) -> dict[str, str]:
    """A caller who gave up, and a call of three hours."""
    from cdr.models import Call

    abandoned = Call.objects.filter(account=tenant.account, outcome="abandoned")[0]
    began = now - timedelta(hours=4)
    long = factories.make_call(
        tenant.account,
        started_at=began,
        ended_at=began + timedelta(hours=3),
        duration_ms=10_800_000,
        talk_ms=10_795_000,
    )
    factories.make_leg(long)
    factories.make_media(factories.make_recording(long), conversation(240), duration_ms=10_795_000)
    return {"call-abandoned": f"/calls/{abandoned.pk.hex}/", "call-long": f"/calls/{long.pk.hex}/"}


def make_exports(account: Any, now: datetime) -> None:
    from recordings.exports import Export

    told: list[dict[str, Any]] = [
        {
            "state": "running",
            "rows_done": 4000,
            "rows_total": 9120,
            "file_name": "calls-20261121-101500.xlsx",
        },
        {"state": "queued", "format": "zip", "kind": "recordings", "file_name": "audio-20261121-101400.zip"},
        {"state": "ready", "rows_done": 812, "rows_total": 812, "size": 231_400, "file_name": "march.csv"},
        {"state": "failed", "state_reason": "Who asked for it may not export this any more."},
    ]
    for age, fields in enumerate(told):
        defaults = {"kind": "calls", "format": "csv", "file_name": "calls-20261119-090000.csv"}
        asked_at, until = now - timedelta(minutes=3 * age), now + timedelta(days=6)
        expires = until if fields["state"] == "ready" else None
        Export.objects.create(
            account=account,
            asked_by="admin@hanbit.example",
            asked_at=asked_at,
            expires_at=expires,
            **defaults | fields,
        )


def make_erasure(account: Any, now: datetime) -> str:
    from recordings.erasure.models import Erasure

    return Erasure.objects.create(
        account=account,
        ending="518",
        key="3f9c1e40" * 8,
        asked_by="admin@hanbit.example",
        asked_at=now - timedelta(hours=3),
        finished_at=now - timedelta(hours=2, minutes=58),
        phase="done",
        counts={"calls": 41, "legs": 96, "recordings": 38, "audio files": 79, "contacts": 1, "exports": 2},
        stayed={"calls on hold": 2},
        elsewhere={"archive.hanbit.example": 12},
    ).pk.hex


def take_erasure_preview(page: Page, base: str, theme: str, width: int) -> None:
    page.goto(f"{base}/compliance/")
    page.fill("#erase-number", "010-5840-0500")
    page.get_by_role("button", name="Show what would go").click()
    take(page, "erasure-preview", theme, width)


def settings_pages(account: Any) -> dict[str, str]:
    from accounts.keys import issue_key, revoke_key
    from accounts.models import Authenticator, User
    from accounts.second_step import new_recovery_codes
    from recordings.delivery.models import Webhook

    for name in ("Busan Clinic", "Daegu Hospital", "Hanbit Dental", "Hanbit Eyes & Ears"):
        factories.make_account(name, parent=account)
    hook = Webhook.objects.filter(account=account).first() or Webhook.objects.create(
        account=account, name="CRM", url="https://crm.hanbit.example/hook"
    )
    issue_key(account, "reviewer", "Quality dashboard", ["cdrs:read", "recordings:read"])
    revoke_key(issue_key(account, "admin", "Old CRM")[0])
    secured = User.objects.get(email="admin@hanbit.example")
    careful = factories.make_user(account, "admin", email="careful@hanbit.example", name="Lee Su-jin")
    Authenticator.objects.create(user=careful, key="00" * 20, confirmed_at=timezone.now())
    new_recovery_codes(careful)
    Authenticator.objects.filter(user=secured).delete()
    return {
        "settings": "/settings/",
        "settings-recordings": "/settings/recordings/",
        "settings-storage": "/settings/storage/",
        "settings-webhooks": "/settings/webhooks/",
        "settings-webhook": f"/settings/webhooks/{hook.pk.hex}/",
        "settings-keys": "/settings/keys/",
        "me": "/me/",
        "me-two-step": "/me/two-step/",
    }


def board_pages(account: Any) -> dict[str, str]:
    from queues.models import Agent, Queue

    queue = Queue.objects.get(account=account, name="3010@default")
    agent = Agent.objects.get(account=account, name="1002")
    return {
        "queues": "/queues/",
        "queue": f"/queues/{queue.pk.hex}/",
        "agents": "/agents/",
        "agent": f"/agents/{agent.pk.hex}/",
    }


def make_orphan(call: Any) -> str:
    from recordings.models import Orphan, OrphanState

    return Orphan.objects.create(
        switch=call.switch,
        account=call.account,
        path=f"/var/lib/freeswitch/recordings/outgoing_1001_{call.leg_uuid}.wav",
        size=3_520_044,
        modified_at=call.ended_at,
        state=OrphanState.WAITING,
    ).pk.hex


def call_in_state(account: Any, state: str) -> str:
    from recordings.models import Recording

    return Recording.objects.filter(account=account, state=state).values_list("call__id", flat=True)[0].hex


def sign_in(page: Page, base: str, email: str) -> None:
    page.goto(f"{base}/sign-in/")
    page.fill("#email", email)
    page.fill("#password", factories.PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")


def take(page: Page, name: str, theme: str, width: int) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}-{theme}-{width}.png", full_page=True)


def take_all(browser: Browser, base: str, pages: dict[str, str], theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: print(f"{message.type}: {message.text}"))  # noqa: T201
    page.on("pageerror", lambda error: print(f"error: {error}"))  # noqa: T201
    page.goto(f"{base}/sign-in/")
    take(page, "signin", theme, width)
    for name in ("", "sent/", "chosen/", "x/y/"):
        page.goto(f"{base}/password/{name}")
        take(page, f"password-{name.split('/')[0] or 'forgotten'}", theme, width)
    sign_in(page, base, "careful@hanbit.example")
    take(page, "signin-code", theme, width)
    context.clear_cookies()
    sign_in(page, base, "admin@hanbit.example")
    for name, path in pages.items():
        page.goto(base + path)
        take(page, name, theme, width)
    take_drawer(page, base, theme, width)
    take_erasure_preview(page, base, theme, width)
    take_switcher(page, base, theme, width)
    context.clear_cookies()
    sign_in(page, base, "new@dasom.example")
    take(page, "empty", theme, width)
    page.goto(f"{base}/deliveries/")
    take(page, "deliveries-empty", theme, width)
    context.clear_cookies()
    sign_in(page, base, "op@example.com")
    take(page, "accounts", theme, width)
    for name, path in (
        ("quarantine", "/quarantine/"),
        ("health-operator", "/health/"),
    ):
        page.goto(base + path)
        take(page, name, theme, width)
    context.close()


def take_switcher(page: Page, base: str, theme: str, width: int) -> None:
    page.goto(f"{base}/settings/")
    if width < 900:
        page.click(".menu-btn")
    page.click("[data-switcher]")
    page.fill("#switcher-q", "hanbit")
    page.wait_for_selector("#switcher-found button")
    page.screenshot(path=FOLDER / f"switcher-{theme}-{width}.png")
    page.keyboard.press("Escape")


def take_bulk(page: Page, theme: str, width: int) -> None:
    page.locator(".tick").nth(0).click()
    page.locator(".tick").nth(3).click(modifiers=["Shift"])
    page.locator(".bulk summary", has_text="Assign").click()
    page.screenshot(path=FOLDER / f"calls-bulk-{theme}-{width}.png")
    page.keyboard.press("Escape")
    page.locator("[data-untick]").click()
    page.locator(".view-menu.is-save summary").click()
    page.screenshot(path=FOLDER / f"calls-save-view-{theme}-{width}.png")
    page.keyboard.press("Escape")


def take_drawer(page: Page, base: str, theme: str, width: int) -> None:
    page.goto(f"{base}/calls/")
    if width > 1100:
        page.locator(".calls .open", has_text="Kim Min-seo").first.click()
        page.wait_for_selector("call-player[data-drawn]")
        take(page, "calls-drawer", theme, width)
        page.click("[data-drawer-close]")
        take_bulk(page, theme, width)
        page.click("#facet-outcome")
    else:
        page.click("[data-more-filters]")
    page.screenshot(path=FOLDER / f"calls-filters-{theme}-{width}.png")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.screenshot(path=FOLDER / f"keys-{theme}-{width}.png")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with served() as base, sync_playwright() as playwright:
        pages = fill()
        browser = launch(playwright)
        for theme in THEMES:
            for width in WIDTHS:
                take_all(browser, base, pages, theme, width)
        browser.close()


if __name__ == "__main__":
    main()
