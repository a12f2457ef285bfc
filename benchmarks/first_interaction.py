"""When a person can act on the list of a million calls, in a browser; benchmarks.million makes them."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, sync_playwright

from accounts.models import Account
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from benchmarks.live_board import sign_in, web_server
from benchmarks.million import ADDRESS, CALLS, whole_calls
from tests.portal.browser import chromium, launch

LIMIT_SECONDS = 1.0
ADDRESSES = ("/calls/", "/calls/?period=all", "/calls/?period=all&outcome=abandoned&q=010")
TENANT = "Measured"
STEP = ".calls tr[aria-current]"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=10, help="times each page is opened (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    if not (url := os.environ.get(ADDRESS)):
        yield skipped("first interaction", "python -m benchmarks.million FOLDER COMMAND names the database")
    elif chromium() is None:
        yield skipped("first interaction", "there is no Chromium")
    else:
        with whole_calls(CALLS):
            cookie = sign_in(Account.objects.get(name=TENANT), time.time_ns())
            connection.close()
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        with web_server(url) as (port, _), sync_playwright() as playwright:
            yield from visit(launch(playwright), f"http://127.0.0.1:{port}", cookie, options.runs)


def visit(browser: Browser, base: str, cookie: str, runs: int) -> Iterator[Figure]:
    for address in ADDRESSES:
        for name, fresh in (("first visit", True), ("later visits", False)):
            taken = [opened(browser, base, address, cookie, fresh=fresh) for _ in range(runs)]
            yield Figure(f"{address}, {name}, p95", percentile(taken, 95), "s", LIMIT_SECONDS, "at most")
    browser.close()


def opened(browser: Browser, base: str, address: str, cookie: str, *, fresh: bool) -> float:
    """Seconds from asking for the page until a key moves along the list; ``fresh``: with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    page = context.new_page()
    if not fresh:
        page.goto(base + address)
    began = time.perf_counter()
    page.goto(base + address, wait_until="commit")
    while not page.locator(STEP).count():
        page.keyboard.press("j")
    taken = time.perf_counter() - began
    context.close()
    return taken


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
