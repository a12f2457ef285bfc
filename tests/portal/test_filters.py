"""Every filter of the calls list, alone and together, as its address says it."""

from __future__ import annotations

import re
import uuid
from copy import copy
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Role, User
from ccportal.portal.filters import Filters
from ccportal.portal.searching import wanted_by
from cdr.models import AgentOffer, Call
from cdr.search import matching, page_of
from queues.models import Agent
from recordings.models import Tag
from reviews.models import Assignment
from tests import factories
from tests.factories import NOON
from tests.portal.conftest import SignIn
from tests.portal.test_search import explain

pytestmark = pytest.mark.django_db


def found(client: Client, query: str) -> set[str]:
    response = client.get(f"/calls/?period=all&{query}")
    assert response.status_code == 200
    return set(re.findall(r'href="/calls/([0-9a-f]{32})/"', response.content.decode()))


def ids(*calls: Call) -> set[str]:
    return {call.pk.hex for call in calls}


def test_calls_are_found_by_their_tags(account: Account, admin: Client) -> None:
    vip, both, plain = (factories.make_call(account) for _ in range(3))
    factories.make_tag(vip, "vip")
    for name in ("vip", "a & b"):
        factories.make_tag(both, name)
    assert found(admin, "tag=vip") == ids(vip, both)
    assert found(admin, urlencode({"tag": "a & b"})) == ids(both)
    assert found(admin, "tag=vip&tag=a+%26+b") == ids(vip, both)
    assert found(admin, "tag=vip&q=Ada") == ids(vip, both)
    assert found(admin, "tag=none") == set()
    assert plain.pk.hex in found(admin, "")


def test_calls_are_found_by_their_review(account: Account, sign_in: SignIn) -> None:
    me, other = (factories.make_user(account, Role.ADMIN) for _ in range(2))
    mine, theirs, done, plain = (factories.make_call(account) for _ in range(4))
    factories.make_assignment(mine, me)
    factories.make_assignment(theirs, other)
    factories.make_assignment(done, me, done_at=NOON)
    expected = {
        "none": ids(plain),
        "assigned": ids(mine, theirs),
        "mine": ids(mine),
        "reviewed": ids(done),
        "nonsense": ids(mine, theirs, done, plain),
    }
    client = sign_in(me)
    assert {state: found(client, f"review={state}") for state in expected} == expected
    assert found(client, "review=mine&review=reviewed") == ids(mine, done)
    assert found(client, "review=mine&q=Ada") == ids(mine)
    assert found(client, "review=none&review=mine&q=Ada") == ids(plain, mine)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("wait_min=1:30", True),
        ("wait_min=91", False),
        ("wait_max=0:1:30", True),
        ("talk_min=1&talk_max=1:00", True),
        ("talk_min=2:00&talk_max=1:00", True),
        ("talk_min=61", False),
        ("length_max=1:04", False),
        ("talk_min=x", True),
        ("talk_min=-5", True),
        ("talk_min=1:2:3:4", True),
        ("talk_min=999999:99:99", False),
        ("talk_min=%D9%A1", True),
    ],
)
def test_lengths_are_read_as_clocks(account: Account, admin: Client, query: str, matches: bool) -> None:
    call = factories.make_call(account, wait_ms=90_000, talk_ms=60_000, duration_ms=65_000)
    assert found(admin, query) == (ids(call) if matches else set())


def test_an_agent_has_the_calls_that_were_handed_on(account: Account, admin: Client) -> None:
    call = factories.make_call(account)
    visit = factories.make_visit(call, agent_name="1001")
    factories.make_offer(visit, "1001")
    factories.make_offer(visit, "1002")
    factories.make_call(account, agent_name="1003")
    assert found(admin, "agent=1002") == ids(call)
    assert found(admin, "agent=1001&agent=1002") == ids(call)


def test_all_filters_together(account: Account, sign_in: SignIn) -> None:
    person = factories.make_user(account)
    call = factories.make_call(account, started_at=timezone.now() - timedelta(hours=1))
    factories.make_offer(factories.make_visit(call, agent_name="1002"), "1001")
    factories.make_recording(call)
    factories.make_tag(call, "vip")
    factories.make_assignment(call, person)
    query = (
        "period=7d&q=Ada&direction=inbound&outcome=answered&queue=3000%40default&agent=1001&recorded=yes"
        "&tag=vip&review=mine&talk_min=0:30&talk_max=2:00&wait_min=0:05&wait_max=0:20&length_max=1:10"
    )
    client = sign_in(person)
    assert re.findall('/calls/([0-9a-f]{32})/"', client.get(f"/calls/?{query}").content.decode())
    assert client.get(f"/calls/count?{query}").content.decode().split("<")[1].endswith("1")
    for one in query.split("&")[1:]:
        assert ids(call) == found(client, one), one


@pytest.mark.parametrize(
    "query",
    [
        "direction=inbound&tag=vip&tag=%3Cscript%3E&talk_min=1:00&review=mine",
        "period=7d&wait_max=0:30",
        "q=0400&agent=1001",
        "",
    ],
)
def test_an_address_is_read_back_as_it_was(account: Account, query: str) -> None:
    filters = Filters.read(QueryDict(query), account.zone, timezone.now())
    again = Filters.read(QueryDict(filters.address()[1:]), account.zone, timezone.now())
    assert (again.address(), again.choices, again.text) == (filters.address(), filters.choices, filters.text)


def test_each_filter_that_is_set_has_a_cross_that_takes_it_back(account: Account, admin: Client) -> None:
    factories.make_tag(factories.make_call(account), "vip")
    body = admin.get("/calls/?period=7d&direction=inbound&tag=vip&talk_min=30").content.decode()
    crosses = re.findall(r'<a class="chip-x" id="unset-(\w+)" href="([^"]*)"[^>]*title="Remove">', body)
    assert {name: unescape(href) for name, href in crosses} == {
        "period": "/calls/?direction=inbound&tag=vip&talk_min=0%3A30",
        "direction": "/calls/?period=7d&tag=vip&talk_min=0%3A30",
        "tag": "/calls/?period=7d&direction=inbound&talk_min=0%3A30",
        "spans": "/calls/?period=7d&direction=inbound&tag=vip",
    }


def test_a_menu_offers_the_first_of_very_many_and_finds_the_others(account: Account, admin: Client) -> None:
    factories.make_call(account)
    Agent.objects.bulk_create(
        Agent(account=account, name=f"{number}@default", label=f"Agent {number}")
        for number in range(2000, 2400)
    )
    body = admin.get("/calls/?period=all&agent=2399@default").content.decode()
    assert body.count('name="agent"') == 51
    assert 'value="2399@default" checked' in body
    asked = {"of": "agent", "find_agent": "agent 237", "agent": "2399@default"}
    options = admin.get("/calls/choices", asked).content.decode()
    values = re.findall(r'value="([^"]*)"', options)
    assert values == ["2399@default", *(f"{number}@default" for number in range(2370, 2380))]
    assert admin.get("/calls/choices", {"of": "password"}).status_code == 404
    assert admin.get("/calls/choices", {"of": "tag", "find_tag": "\x00%"}).status_code == 200


def test_agents_are_not_asked_about_reviews(account: Account, sign_in: SignIn) -> None:
    person = factories.make_user(account, Role.AGENT, agent_name="1001")
    factories.make_call(account, agent_name="1001")
    assert 'name="review"' not in sign_in(person).get("/calls/?period=all").content.decode()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("tag=tag3", "tag_account_name_started"),
        ("agent=1003@default", "call_agent_started|offer_agent_listed"),
        ("review=mine", "assignment_open_of_reviewer|assignment_open"),
        ("review=assigned", "assignment_open"),
        ("review=reviewed", "assignment_done|assignment_open"),
    ],
)
@pytest.mark.postgres
def test_what_hangs_from_calls_leads_to_them_along_its_own_index(
    account: Account, query: str, index: str
) -> None:
    person = make_many(account)
    filters = Filters.read(QueryDict(f"period=all&{query}"), account.zone, timezone.now())
    wanted = wanted_by(filters, "KR", {}, rows_of(account), None, person.pk)
    for calls in matching(Call.objects.filter(account=account), wanted):
        plan = explain(calls.order_by("-started_at", "-id")[:51])
        assert re.search(index, plan), plan
        assert "Sort" not in plan, plan


@pytest.mark.postgres
def test_the_end_of_a_number_is_read_along_an_index(account: Account) -> None:
    make_many(account)
    filters = Filters.read(QueryDict("period=all&q=…0003"), account.zone, timezone.now())
    [calls] = matching(
        Call.objects.filter(account=account), wanted_by(filters, "KR", {}, rows_of(account), None, None)
    )
    assert "call_other_reversed" in calls.order_by("-started_at", "-id")[:51].explain()


def rows_of(account: Account) -> Any:
    return lambda model: model._default_manager.filter(account=account)


def make_many(account: Account) -> User:
    """Make calls enough to plan for, each with a tag, an assignment and an offer."""
    person = factories.make_user(account)
    call = factories.make_call(account)
    visit = factories.make_visit(call)
    offer = factories.make_offer(visit)
    calls, tags, offers, assignments = [], [], [], []
    for number in range(3000):
        other = copy(call)
        other.pk, other.leg_uuid = uuid.uuid4(), f"leg {number}"
        other.caller_digits = f"0105840{number:04}"
        other.started_at = NOON + timedelta(minutes=number)
        calls.append(other)
        tags.append(Tag(account=account, call=other, name=f"tag{number % 30}", started_at=other.started_at))
        asked = copy(offer)
        asked.pk, asked.call, asked.listed_at = uuid.uuid4(), other, other.started_at
        asked.agent_name = f"{1000 + number % 40}@default"
        offers.append(asked)
        assignments.append(
            Assignment(
                account=account,
                call=other,
                started_at=other.started_at,
                reviewer=person if number % 9 == 0 else None,
                done_at=NOON if number % 2 else None,
            )
        )
    made: list[tuple[Any, list[Any]]] = [
        (Call, calls),
        (Tag, tags),
        (AgentOffer, offers),
        (Assignment, assignments),
    ]
    for model, rows in made:
        model.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        for table in ("cdr_call", "recordings_tag", "cdr_agentoffer", "reviews_assignment"):
            cursor.execute(f"ANALYZE {table}")
    return person


def test_a_page_of_tagged_calls_costs_one_query_a_tag(account: Account, admin: Client) -> None:
    for _ in range(60):
        factories.make_tag(factories.make_call(account), "vip")
    with CaptureQueriesContext(connection) as seen:
        filters = Filters.read(QueryDict("period=all&tag=vip"), account.zone, timezone.now())
        wanted = wanted_by(filters, "KR", {}, rows_of(account), None, None)
        first = page_of(matching(Call.objects.filter(account=account), wanted))
        rest = page_of(matching(Call.objects.filter(account=account), wanted), older=first.older)
    assert (len(first.rows), len(rest.rows), len(seen)) == (50, 10, 2)
