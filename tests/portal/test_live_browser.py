"""The live pages in a real browser, before a switch that answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, Switch
from ccportal.listener.clerk import Clerk
from ccportal.listener.live import LiveKeeper
from ccportal.portal import live
from queues.live import rise
from queues.live_rows import AgentNow, WaitingCaller
from queues.models import Agent, Queue
from switch.esl.connection import Address
from switch.esl.native import NativeConnection
from switch.esl.replay import BackgroundSwitch, ReplaySwitch, Terms
from switch.journal import Journal
from tests import factories
from tests.portal import board
from tests.portal.test_browser import Visit, browser, pytestmark, visit  # noqa: F401 - the same browser

FIT = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture
def account(transactional_db: None) -> Account:
    live.forget()
    account = factories.make_account("Hanbit Care", time_zone="Asia/Seoul", country="KR")
    factories.make_user(account, email="admin@hanbit.example", name="Sora Oh")
    return account


@pytest.fixture
def switch(account: Account) -> Switch:
    return board.make_board(account, timezone.now())


@contextmanager
def heard(row: Switch, journal: Journal) -> Iterator[ReplaySwitch]:
    """A switch with one agent, the keeper of its board and the clerk of its orders, all at work."""
    replay = ReplaySwitch(iter(()), Terms(wait_for=99))
    replay.answers.queues.enter("3000@default", ["1002"])
    stop = threading.Event()

    def work(address: Address) -> None:
        keeper, clerk = (
            LiveKeeper(row.pk.hex, row.name, address, journal),
            Clerk(row.pk.hex, row.name, address),
        )
        ear = NativeConnection.open(address)
        ear.subscribe()
        keeper.connected()
        while not stop.is_set():
            keeper.offer(ear.recv(0.05))
            keeper.step(0.0)
            clerk.step()
        ear.close()
        keeper.stop()
        clerk.close()
        connection.close()

    with BackgroundSwitch(replay) as background:
        thread = threading.Thread(target=work, args=(Address("127.0.0.1", background.port),))
        thread.start()
        try:
            yield replay
        finally:
            stop.set()
            thread.join(10)


def test_login_and_break_are_done_by_the_switch_and_show(
    visit: Visit,  # noqa: F811
    account: Account,
    tmp_path: object,
) -> None:
    row = factories.make_switch(account)
    agent = Agent.objects.create(account=account, name="1002", label="Ben Okafor")
    with Journal.open(tmp_path, row.pk.hex) as journal, heard(row, journal) as replay:  # type: ignore[arg-type]
        visit.sign_in("admin@hanbit.example")
        visit.go("/agents/")
        table = visit.page.locator(".agents-table")
        expect(table).to_contain_text("Logged out")
        for word, state, status in (("Log in", "Ready", "Available"), ("Break", "Break", "On Break")):
            visit.page.click(f"#menu-button-{agent.pk.hex}")
            visit.page.get_by_role("button", name=word, exact=True).click()
            expect(table.locator(".state")).to_have_text(state, timeout=8000)
            assert replay.answers.queues.agents["1002"]["status"] == status
    assert visit.complaints == []


@pytest.mark.timing
def test_a_new_caller_shows_within_two_seconds_and_the_focus_stays(
    visit: Visit,  # noqa: F811
    account: Account,
    switch: Switch,
) -> None:
    visit.sign_in("admin@hanbit.example")
    visit.go("/queues/")
    visit.page.focus("#tip-3")
    board.wait(account, switch, timezone.now(), "3020@default", "Choi Ara", "01011112222", 3, [])
    rise([account.pk])
    expect(visit.page.locator("[data-part=waiting]")).to_contain_text("Choi Ara", timeout=2000)
    assert visit.page.evaluate("document.activeElement.id") == "tip-3"
    assert visit.complaints == []


def test_the_clock_of_a_caller_ticks(visit: Visit, account: Account, switch: Switch) -> None:  # noqa: F811
    WaitingCaller.objects.update(joined_at=timezone.now() - timedelta(seconds=57))
    visit.sign_in("admin@hanbit.example")
    visit.go("/queues/")
    clock = visit.page.locator("[data-part=waiting] time").first
    expect(clock).to_have_text("1:01", timeout=8000)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_live_pages_fit_and_axe_is_silent(
    width: int,
    visit: Visit,  # noqa: F811
    account: Account,
    switch: Switch,
) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.sign_in("admin@hanbit.example")
    queue, agent = Queue.objects.get(name="3010@default"), Agent.objects.get(name="1002")
    for path in ("/queues/", f"/queues/{queue.pk.hex}/", "/agents/", f"/agents/{agent.pk.hex}/"):
        visit.go(path)
        assert visit.objections() == [], path
        assert visit.page.evaluate(FIT), path
    assert visit.complaints == []


def test_without_javascript_the_board_and_its_orders_work(
    browser: Browser,  # noqa: F811
    live_server: LiveServer,
    account: Account,
    switch: Switch,
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/sign-in/")
    page.fill("#email", "admin@hanbit.example")
    page.fill("#password", factories.PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto(f"{live_server.url}/queues/")
    expect(page.locator("[data-part=waiting] time").first).to_contain_text("4:")
    page.goto(f"{live_server.url}/agents/")
    agent = Agent.objects.get(name="1003")
    page.click(f"#menu-button-{agent.pk.hex}")
    page.get_by_role("button", name="End the break").click()
    expect(page.locator(".notice").first).to_contain_text("on its way to the switch")
    assert AgentNow.objects.get(agent_name="1003").status == "On Break"
    context.close()
