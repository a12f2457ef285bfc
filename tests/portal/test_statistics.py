"""The statistics pages: what they show, and that every number opens the calls it counts."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Role
from cdr.buckets import midnight
from cdr.figure_tables import Span
from cdr.models import AgentFigures, AgentOffer, QueueVisit
from cdr.recount import rebuild
from queues.live_rows import AgentNow
from queues.models import Queue
from tests import factories as make

pytestmark = pytest.mark.django_db

LINK = re.compile(
    r'<a[^>]*href="(/calls/\?figure=[^"]+)"[^>]*aria-label="([^"]+) ([\d,.:%]+): show these calls"'
)
COUNT = re.compile(r'<span class="num">([\d,]+)</span> (?:visit|offer)')


@pytest.fixture
def account() -> Account:
    account = make.make_account(time_zone="Asia/Kolkata")
    fill(account, timezone.now() - timedelta(days=1))
    rebuild(account)
    return account


@pytest.fixture
def signed_in(account: Account, client: Client) -> Client:
    client.force_login(make.make_user(account))
    return client


def fill(account: Account, at: datetime) -> None:
    """Visits of every kind to two queues, one of them with limits of its own."""
    make.make_queue(account, "3000@default", label="Support")
    make.make_queue(account, "3001@default", service_level_seconds=5, short_abandon_seconds=0)
    for queue in ("3000@default", "3001@default"):
        for wait in (3, 8, 25):
            answer(account, queue, at, wait)
        for reason, wait in (
            *(("BREAK_OUT", 2), ("BREAK_OUT", 40), ("TIMEOUT", 60), ("NO_AGENT_TIMEOUT", 5)),
            *(("EXIT_WITH_KEY", 9), ("", 4)),
        ):
            leave(account, queue, at, wait, reason)
        waiting(account, queue, at)


def answer(account: Account, queue: str, at: datetime, wait: int) -> QueueVisit:
    call = make.make_call(account, started_at=at)
    answered = at + timedelta(seconds=wait)
    visit = make.make_visit(call, queue, joined_at=at, answered_at=answered, wait_ms=wait * 1000)
    make.make_offer(
        visit,
        offered_at=at,
        answered_at=answered,
        ended_at=answered + timedelta(seconds=50),
        hold_ms=5_000,
        wrap_up_ms=10_000,
        transferred=wait == 8,
    )
    make.make_offer(visit, "1002", outcome="failed", hangup_cause="NO_ANSWER", answered_at=None, talk_ms=None)
    return visit


def leave(account: Account, queue: str, at: datetime, wait: int, reason: str) -> None:
    call = make.make_call(account, started_at=at, outcome="abandoned", agent_name="")
    fields = {"answered_at": None, "agent_name": "", "duration_ms": 0, "cancel_reason": reason}
    left = at + timedelta(seconds=wait)
    visit = make.make_visit(call, queue, joined_at=at, left_at=left, wait_ms=wait * 1000, **fields)
    cause = "ORIGINATOR_CANCEL"
    make.make_offer(visit, outcome="failed", hangup_cause=cause, answered_at=None, talk_ms=None)


def waiting(account: Account, queue: str, at: datetime) -> None:
    call = make.make_call(account, started_at=at, ended_at=None, outcome="in_progress")
    make.make_visit(call, queue, joined_at=at, answered_at=None, left_at=None, wait_ms=None, agent_name="")


@pytest.mark.parametrize("page", ["/statistics/", "/statistics/agents/"])
def test_every_number_opens_exactly_the_calls_it_counts(signed_in: Client, page: str) -> None:
    body = signed_in.get(page, {"period": "7d"}).content.decode()
    links = LINK.findall(body)
    assert len(links) > 20
    for address, label, shown in links:
        listed = signed_in.get(html.unescape(address)).content.decode()
        told = COUNT.search(listed)
        assert told, label
        if shown.isdigit():
            assert told[1] == shown, label
            if "agent=" in address or page == "/statistics/":
                assert listed.count('class="c-when num"') == int(shown), label


def test_definitions_are_kept(signed_in: Client) -> None:
    """Of nine done visits of 3000: three answered, two of them in 20 s, one hung up after 2 s."""
    body = signed_in.get("/statistics/", {"period": "7d", "queue": "3000@default"}).content.decode()
    tiles = dict(re.findall(r'aria-label="(Offered|Abandoned|Service level|ASA|AHT) ([\d.:%]+): show', body))
    assert tiles == {
        "Offered": "10",
        "Abandoned": "5",
        "Service level": "22.2%",
        "ASA": "0:12",
        "AHT": "1:00",
    }


def test_a_changed_threshold_holds_for_the_past(signed_in: Client) -> None:
    Queue.objects.filter(name="3000@default").update(service_level_seconds=25, short_abandon_seconds=3)
    body = signed_in.get("/statistics/", {"period": "7d", "queue": "3000@default"}).content.decode()
    assert "Service level 33.3%: show" in body


def test_a_caller_sent_back_is_two_visits_of_one_call(signed_in: Client, account: Account) -> None:
    at = timezone.now() - timedelta(days=3)
    visit = answer(account, "3009@default", at, 4)
    make.make_visit(visit.call, "3009@default", joined_at=at + timedelta(minutes=1))
    rebuild(account)
    body = signed_in.get("/statistics/", {"period": "7d", "queue": "3009@default"}).content.decode()
    address = html.unescape(next(url for url, label, _ in LINK.findall(body) if label == "Offered"))
    listed = signed_in.get(address).content.decode()
    assert COUNT.findall(listed) == ["2"]
    assert listed.count('class="c-when num"') == 1


def test_a_login_that_goes_on_counts_until_now(signed_in: Client, account: Account) -> None:
    since = timezone.now() - timedelta(hours=2)
    AgentNow.objects.create(
        account=account,
        switch=make.make_switch(account),
        agent_name="1001",
        status="Available",
        status_since=since,
    )
    body = signed_in.get("/statistics/agents/", {"period": "7d", "agent": "1001"}).content.decode()
    assert "2:00:0" in body


def test_supervisors_see_their_queues_and_agents(account: Account, client: Client) -> None:
    team = make.make_team(account, queues=[Queue.objects.get(name="3000@default")])
    client.force_login(make.make_user(account, Role.SUPERVISOR, teams=[team], agent_name="1001"))
    queues = client.get("/statistics/").content.decode()
    assert "Support" in queues
    assert "3001" not in queues
    agents = client.get("/statistics/agents/").content.decode()
    assert "1001" in agents
    assert "1002" not in agents


def test_the_file_has_every_figure_and_no_formulas(signed_in: Client, account: Account) -> None:
    make.make_queue(account, "=cmd@default")
    answer(account, "=cmd@default", timezone.now() - timedelta(hours=30), 4)
    rebuild(account)
    answer_ = signed_in.get("/statistics/", {"period": "7d", "format": "csv"})
    lines = b"".join(answer_.streaming_content).decode().split("\r\n")  # type: ignore[attr-defined]
    assert lines[0].startswith("queue,label,offered,answered,abandoned")
    assert any(line.startswith("'=cmd@default") for line in lines)


@pytest.mark.parametrize("step", ["quarter_hour", "hour", "day", "week", "month"])
def test_steps_add_up_to_the_whole(signed_in: Client, step: str) -> None:
    body = signed_in.get("/statistics/", {"period": "yesterday", "by": step}).content.decode()
    assert body.count("<tbody>") == 2


def test_a_page_asks_few_questions(signed_in: Client, django_assert_max_num_queries: object) -> None:
    for page in ("/statistics/", "/statistics/agents/"):
        with django_assert_max_num_queries(13):  # type: ignore[operator]
            signed_in.get(page, {"period": "30d"})


def many_agents(account: Account, number: int) -> None:
    """Agents 2000 and on; each has one visit more than the one before."""
    begins_at = midnight(timezone.now().astimezone(account.zone).date(), account.zone)
    AgentFigures.objects.bulk_create(
        AgentFigures(account=account, span=span, begins_at=begins_at, agent_name=f"{2000 + n}", offered=n + 1)
        for n in range(number)
        for span in Span
    )


def test_many_agents_are_shown_a_page_at_a_time(client: Client) -> None:
    account = make.make_account(time_zone="Asia/Kolkata")
    client.force_login(make.make_user(account))
    many_agents(account, 120)
    pages = [client.get("/statistics/agents/", {"page": page}).content.decode() for page in (1, 2, 3, 9, -1)]
    names = [re.findall(r"<bdi>(2\d{3})</bdi></th>", page) for page in pages]
    assert [name for some in names[:3] for name in some] == [f"{2000 + n}" for n in range(120)]
    assert [len(some) for some in names] == [50, 50, 20, 20, 50]
    assert all(f"All, Offered {sum(range(121)):,}: show these calls" in page for page in pages)


def test_the_table_is_sorted_by_a_figure(client: Client) -> None:
    account = make.make_account(time_zone="Asia/Kolkata")
    client.force_login(make.make_user(account))
    many_agents(account, 60)
    for sort, first in (("-offered", "2059"), ("offered", "2000"), ("", "2000"), ("nothing", "2000")):
        page = client.get("/statistics/agents/", {"sort": sort}).content.decode()
        assert re.findall(r"<bdi>(2\d{3})</bdi></th>", page)[0] == first


def test_nothing_is_said_so(client: Client) -> None:
    client.force_login(make.make_user(make.make_account()))
    assert "No figures in this period" in client.get("/statistics/").content.decode()


def test_offers_of_another_account_are_not_counted(signed_in: Client) -> None:
    stranger = make.make_account()
    answer(stranger, "3000@default", timezone.now() - timedelta(hours=26), 3)
    rebuild(stranger)
    assert AgentOffer.objects.filter(account=stranger).exists()
    body = signed_in.get("/statistics/", {"period": "7d", "queue": "3000@default"}).content.decode()
    assert "Offered 10: show" in body
