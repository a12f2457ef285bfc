"""The board and the agents' pages: what they show, to whom, and what looking again costs."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AuditEntry, Role, Switch, Team, User
from ccportal.portal import live
from cdr.buckets import Step, start_of
from cdr.models import QueueFigures
from queues.live import rise
from queues.models import Agent, Queue, SwitchOrder
from tests import factories
from tests.portal import board
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


SHOWN = (
    "Baek Hyun-woo",
    "010-3321-7791",
    "3010 Billing",
    "ringing <bdi>1004 Deniz",
    "4:06",
    "On a call",
    "with <bdi>Seo Jun",
    "1 ready, 1 ringing, 1 on a call, 1 in wrap-up, 1 on break",
)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin anew, and forget nothing meanwhile however slow the machine is."""
    live.forget()
    for memory in (live.VERSIONS, live.PARTS, live.WATCHERS):
        monkeypatch.setattr(memory, "seconds", 60.0)


@pytest.fixture
def switch(db: None, account: Account) -> Switch:
    return board.make_board(account, timezone.now())


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response
    return response.content.decode()


def lead(account: Account, queue: str, *agents: str) -> User:
    """A supervisor of a team with one queue and some agents."""
    user = factories.make_user(account, Role.SUPERVISOR)
    team: Team = factories.make_team(account, "Team")
    team.members.add(user)
    Queue.objects.get(account=account, name=queue).teams.add(team)
    for name in agents:
        person = factories.make_user(account, Role.AGENT, agent_name=name)
        team.members.add(person)
    return user


def test_the_board_shows_who_waits_and_what_agents_do(admin: Client, switch: Switch) -> None:
    shown = page(admin, "/queues/")
    for words in SHOWN:
        assert words in shown


def test_a_queue_has_a_page_of_its_own(admin: Client, switch: Switch) -> None:
    shown = page(admin, f"/queues/{Queue.objects.get(name='3010@default').pk.hex}/")
    assert "Baek Hyun-woo" in shown
    assert "Nam Ga-eul" not in shown


def test_a_supervisor_sees_the_queues_and_people_of_the_team(
    account: Account, switch: Switch, sign_in: SignIn
) -> None:
    client = sign_in(lead(account, "3000@default", "1002"))
    for path in ("/queues/", f"/queues/live?account={account.pk.hex}"):
        shown = page(client, path)
        assert "Nam Ga-eul" in shown
        assert "Ben Okafor" in shown
        assert "Baek Hyun-woo" not in shown
        assert "Anna" not in shown


def test_another_tenant_sees_nothing_of_it(switch: Switch, account: Account, sign_in: SignIn) -> None:
    other = sign_in(factories.make_user(factories.make_account("Elsewhere"), Role.ADMIN))
    assert "Baek" not in page(other, "/queues/")
    assert other.get(f"/queues/live?account={account.pk.hex}").status_code == 401
    assert "Baek" not in page(other, "/queues/live")


def test_without_a_session_nothing_is_told(switch: Switch, account: Account) -> None:
    assert Client().get(f"/queues/live?account={account.pk.hex}").status_code == 401


def part(client: Client, account: Account, tag: str = "", path: str = "/queues/live") -> Any:
    headers = {"If-None-Match": tag} if tag else {}
    return client.get(f"{path}?account={account.pk.hex}", headers=headers)


@pytest.mark.parametrize("path", ["/queues/live", "/agents/live"])
def test_an_unchanged_part_is_304_without_a_query(
    path: str, admin: Client, account: Account, switch: Switch, django_assert_num_queries: Any
) -> None:
    tag = part(admin, account, path=path).headers["ETag"]
    with django_assert_num_queries(0):
        assert part(admin, account, tag, path).status_code == 304


def test_a_changed_part_is_made_once_for_all_who_see_the_same(
    account: Account, switch: Switch, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    first, second = (sign_in(factories.make_user(account, Role.ADMIN)) for _ in range(2))
    assert part(first, account).status_code == part(second, account).status_code == 200
    board.wait(account, switch, timezone.now(), "3020@default", "Choi Ara", "01000000000", 3, [])
    rise([account.pk])
    live.VERSIONS.clear()
    assert "Choi Ara" in part(first, account).content.decode()
    with django_assert_num_queries(0):
        assert "Choi Ara" in part(second, account).content.decode()


def test_the_part_is_the_same_as_long_as_only_time_passes(
    admin: Client, account: Account, switch: Switch
) -> None:
    tag = part(admin, account).headers["ETag"]
    live.forget()
    assert part(admin, account, tag).status_code == 304


@pytest.mark.parametrize("late", [{"connected": False}, {"seen_at": timezone.now() - timedelta(minutes=1)}],
                         ids=["cut", "nobody listens"])  # fmt: skip
def test_a_board_that_nobody_keeps_says_so(late: dict[str, Any], admin: Client, switch: Switch) -> None:
    board.keep(switch, timezone.now(), **late)
    assert "Not live." in page(admin, "/queues/")


@pytest.mark.parametrize("path", ["/queues/", "/agents/"])
def test_the_queries_do_not_grow_with_the_rows(
    path: str, admin: Client, account: Account, switch: Switch, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        factories.make_agent(account, f"9{number:03}")
    with django_assert_max_num_queries(26):
        page(admin, path)


def test_today_s_figures_open_the_calls_they_count(admin: Client, account: Account, switch: Switch) -> None:
    QueueFigures.objects.create(
        account=account,
        span="quarter",
        begins_at=start_of(timezone.now(), Step.QUARTER_HOUR, account.zone),
        queue_name="3010@default",
        offered=4,
        answered=3,
        hung_up=1,
        answer_wait_ms=36_000,
        within_20=3,
    )
    shown = page(admin, "/queues/")
    assert "75.0%" in shown
    assert "0:12" in shown
    assert "queue=3010%40default" in shown
    found = re.search(r'href="([^"]*)" aria-label="Offered 4: show these calls"', shown)
    assert found
    assert admin.get(html.unescape(found[1])).status_code == 200


def order(client: Client, agent: Agent, word: str) -> Any:
    return client.post("/agents/", {"order": f"{agent.pk.hex}:{word}"})


def agent(name: str) -> Agent:
    return Agent.objects.get(name=name)


def test_a_break_is_asked_of_the_switch(admin: Client, switch: Switch) -> None:
    assert order(admin, agent("1002"), "pause").status_code == 302
    placed = SwitchOrder.objects.get()
    assert (placed.switch_id, placed.kind, placed.arguments) == (
        switch.pk, "set_agent_status", ["1002", "On Break"]
    )  # fmt: skip
    shown = page(admin, "/agents/")
    assert "Break of 1002 Ben Okafor is on its way to the switch." in shown
    assert "Break asked for" in shown
    assert AuditEntry.objects.filter(action="agent.pause").exists()


def test_a_refusal_is_shown_with_the_switch_s_words(admin: Client, switch: Switch) -> None:
    order(admin, agent("1002"), "login")
    SwitchOrder.objects.update(state="failed", answer="Agent not found!")
    assert "Login refused: Agent not found!" in page(admin, "/agents/")


def test_an_agent_sets_the_own_status_and_no_other(account: Account, switch: Switch, sign_in: SignIn) -> None:
    client = sign_in(factories.make_user(account, Role.AGENT, agent_name="1003"))
    assert order(client, agent("1003"), "resume").status_code == 302
    assert order(client, agent("1002"), "logout").status_code == 404
    assert SwitchOrder.objects.count() == 1


def test_a_reviewer_sees_agents_and_sets_none(account: Account, switch: Switch, sign_in: SignIn) -> None:
    user = lead(account, "3000@default", "1002")
    User.objects.filter(pk=user.pk).update(role=Role.REVIEWER)
    client = sign_in(User.objects.get(pk=user.pk))
    assert "agent-order" in page(client, "/agents/")
    assert 'name="order"' not in page(client, "/agents/")
    assert order(client, agent("1002"), "logout").status_code == 403


def test_an_agent_whom_no_switch_knows_is_said_to_be_unknown(admin: Client, account: Account) -> None:
    unknown = factories.make_agent(account, "7777")
    assert order(admin, unknown, "login").status_code == 302
    assert "No switch knows 7777 yet" in page(admin, "/agents/")


@pytest.mark.parametrize("value", ["", "nonsense", "0" * 32 + ":login", ":", "x:login"])
def test_a_strange_order_is_not_found(value: str, admin: Client, switch: Switch) -> None:
    assert admin.post("/agents/", {"order": value}).status_code == 404


def test_an_agent_s_day_has_its_sessions_breaks_and_who_asked(admin: Client, account: Account) -> None:
    zone = account.zone
    noon = timezone.now().astimezone(zone).replace(hour=18, minute=0, second=0, microsecond=0) - timedelta(
        days=1
    )
    board.make_board(account, noon)
    one = agent("1002")
    shown = page(admin, f"/agents/{one.pk.hex}/?day={noon:%Y-%m-%d}")
    for words in (
        "sora@hanbit.example",
        "0:16:00".removeprefix("0:"),
        "12:00:00",
        "In a queue call",
        "1 session",
    ):
        assert words in shown
    assert page(admin, f"/agents/{one.pk.hex}/?day=nonsense")


def test_agents_can_be_narrowed_to_a_state(admin: Client, switch: Switch) -> None:
    shown = page(admin, "/agents/?state=break")
    assert "Mei Tanaka" in shown
    assert "Ben Okafor" not in shown
