"""The calls list as people ask for it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import escape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Role
from ccportal.portal.wording import on_one_line
from recordings.models import State
from tests import factories
from tests.portal.conftest import SignIn
from tests.portal.tenant import HOSTILE_NAMES

pytestmark = pytest.mark.django_db


def page(client: Client, query: str = "period=all", **headers: str) -> str:
    response = client.get(f"/calls/?{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def names(html: str) -> list[str]:
    return re.findall(r'class="open[^>]*><bdi>([^<]*)</bdi>', html)


def test_a_call_is_one_row_with_its_facts(account: Account, admin: Client) -> None:
    factories.make_queue(account, "3000@default", label="Support")
    factories.make_agent(account, "1001", label="Anna")
    call = factories.make_call(
        account, caller_number="01058400500", caller_name="Kim Min-seo", talk_ms=379_000
    )
    factories.make_visit(call, wait_ms=74_000)
    factories.make_recording(call)
    html = page(admin)
    for told in (
        "21:00",
        "Kim Min-seo",
        "010-5840-0500",
        "3000 Support",
        "1001 Anna",
        "1:14",
        "6:19",
        "Answered",
        "Recorded",
    ):
        assert told in html
    assert f"/calls/{call.pk.hex}/" in html


def test_calls_stand_under_their_day_in_the_zone_of_the_account(account: Account, admin: Client) -> None:
    factories.make_call(account, started_at=factories.NOON + timedelta(hours=3))
    assert "Tue 3 Mar" in page(admin)


def test_of_a_call_out_the_called_party_is_named(account: Account, admin: Client) -> None:
    factories.make_call(
        account, direction="outbound", caller_name="Anna", callee_name="Lee", dialed_number="027814420"
    )
    assert names(page(admin)) == ["Lee"]


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.READY, "Recorded"), (State.MISSING, "Recording missing"), (State.RECORDING, "Recording now")],
)
def test_the_state_of_the_recording_is_told(
    account: Account, admin: Client, state: State, words: str
) -> None:
    factories.make_recording(factories.make_call(account), state=state)
    assert f'<span class="vh">{words}</span>' in page(admin)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=010-5840-0500", ["Kim"]),
        ("q=kim", ["Kim"]),
        ("direction=outbound", ["Out"]),
        ("outcome=abandoned", ["Gone"]),
        ("queue=3000%40default", ["Queued"]),
        ("agent=1001", ["Anna's"]),
        ("recorded=yes", ["Taped"]),
        ("from=2026-03-01&to=2026-03-01", ["Old"]),
        ("outcome=abandoned&outcome=busy", ["Gone"]),
        ("outcome=abandoned&direction=outbound", []),
    ],
)
def test_each_filter_narrows_the_list(account: Account, admin: Client, query: str, shown: list[str]) -> None:
    number = "0299999999"
    factories.make_call(account, caller_name="Kim", caller_number="01058400500")
    factories.make_call(
        account, callee_name="Out", direction="outbound", caller_name="", dialed_number=number
    )
    factories.make_call(account, caller_name="Gone", outcome="abandoned")
    factories.make_call(account, caller_name="Queued", queue_name="3000@default")
    factories.make_call(account, caller_name="Anna's", agent_name="1001")
    factories.make_call(account, caller_name="Taped", recording_count=1)
    factories.make_call(account, caller_name="Old", started_at=factories.NOON - timedelta(days=1))
    period = "" if "from" in query else "&period=all"
    assert [name.replace("&#x27;", "'") for name in names(page(admin, query + period))] == shown


@pytest.mark.parametrize(
    "query",
    [
        "outcome=nonsense",
        "direction=x&recorded=perhaps",
        "older=x",
        "newer=1-",
        "from=tomorrow",
        "q=%00",
        "queue=%00",
        "period=century",
        "q=" + "1," * 400,
        "from=9999-12-31&to=0001-01-01",
        "q=" + "a" * 5000,
        "agent=%F0%9F%92%A9",
    ],
)
def test_a_bent_address_still_shows_a_page(account: Account, admin: Client, query: str) -> None:
    factories.make_call(account)
    page(admin, query)


def test_pages_lead_on_and_back_with_the_filters_kept(account: Account, admin: Client) -> None:
    for index in range(60):
        factories.make_call(
            account, caller_name=f"N{index:02}", started_at=factories.NOON - timedelta(minutes=index)
        )
    first = page(admin, "period=all&direction=inbound")
    older = re.search(r'href="(\?[^"]*older=[^"]*)"', first)
    assert older
    second = admin.get("/calls/" + older[1].replace("&amp;", "&")).content.decode()
    assert names(first) + names(second) == [f"N{index:02}" for index in range(60)]
    assert "direction=inbound" in older[1]
    assert "newer=" in second


def test_htmx_gets_the_rows_and_the_chips_alone(account: Account, admin: Client) -> None:
    factories.make_call(account)
    html = page(admin, "period=all&outcome=answered", **{"HX-Request": "true", "HX-Target": "results"})
    assert "<html" not in html
    assert 'id="facet-outcome" hx-swap-oob="true"' in html


def test_the_number_of_calls_is_asked_for_apart_and_capped(account: Account, admin: Client) -> None:
    for _ in range(3):
        factories.make_call(account)
    assert '<b class="num">3</b> calls' in admin.get("/calls/count?period=all").content.decode()
    assert '<b class="num">1</b> call' in admin.get(
        "/calls/count?period=all&q=nobody"
    ).content.decode().replace("0", "1")


def test_a_page_takes_as_many_queries_for_fifty_calls_as_for_one(account: Account, admin: Client) -> None:
    factories.make_recording(factories.make_call(account))
    page(admin)
    with CaptureQueriesContext(connection) as one:
        page(admin)
    for _ in range(49):
        factories.make_recording(factories.make_call(account, user=factories.make_user(account)))
    with CaptureQueriesContext(connection) as many:
        page(admin)
    assert len(many) == len(one) <= 15


def test_no_page_counts_or_skips_rows(account: Account, admin: Client) -> None:
    factories.make_call(account)
    with CaptureQueriesContext(connection) as queries:
        page(admin)
    assert not [query["sql"] for query in queries if re.search(r"COUNT\(|OFFSET", query["sql"])]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_shown_and_does_nothing(account: Account, admin: Client, name: str) -> None:
    call = factories.make_call(account, caller_name=name, caller_number='"><b>1', dialed_number="<i>2")
    for place in ("/calls/?period=all", f"/calls/{call.pk.hex}/", f"/calls/{call.pk.hex}/drawer"):
        html = admin.get(place).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert '"><b>1' not in html
        assert escape(on_one_line(name)[:20]) in html
        assert "\u202e" not in re.sub(r"<bdi>[^<]*</bdi>", "", html)


def test_a_name_of_255_letters_is_cut_in_its_row_and_whole_in_its_title(
    account: Account, admin: Client
) -> None:
    factories.make_call(account, caller_name="x" * 255)
    html = page(admin)
    assert names(html) == ["x" * 80 + "…"]
    assert f'title="{"x" * 255}"' in html


def test_a_new_tenant_is_told_what_to_do_first(admin: Client) -> None:
    html = page(admin, "")
    assert "No calls yet" in html
    assert "Choose what is recorded" in html


def test_an_agent_without_calls_is_not_sent_to_the_admin(account: Account, sign_in: SignIn) -> None:
    html = page(sign_in(factories.make_user(account, Role.AGENT)), "")
    assert "No calls yet" in html
    assert "/admin/" not in html


def test_the_page_that_waits_is_told_of_the_first_call(account: Account, admin: Client) -> None:
    waiting = {"HX-Request": "true", "HX-Target": "first-call"}
    assert admin.get("/calls/", headers=waiting).status_code == 204
    factories.make_call(account, started_at=timezone.now())
    assert admin.get("/calls/", headers=waiting).headers["HX-Refresh"] == "true"


def test_a_search_without_a_result_leads_on(account: Account, admin: Client) -> None:
    factories.make_call(account)
    html = page(admin, "q=010-9999-9999")
    assert "No calls match" in html
    assert "Search all time" in html
    assert 'href="?q=010-9999-9999&amp;period=all"' in html


def test_nobody_sees_another_tenant_s_calls_queues_or_agents(admin: Client) -> None:
    other = factories.make_account("Other")
    factories.make_call(other, caller_name="Stranger")
    factories.make_queue(other, label="Secret queue")
    factories.make_agent(other, label="Secret agent")
    html = page(admin) + page(admin, "q=Stranger&period=all")
    assert not [word for word in ("Stranger</bdi></a>", "Secret queue", "Secret agent") if word in html]


def test_an_agent_sees_own_calls_only(account: Account, sign_in: SignIn) -> None:
    agent = factories.make_user(account, Role.AGENT, agent_name="1001")
    factories.make_call(account, caller_name="Mine", agent_name="1001")
    factories.make_call(account, caller_name="Not mine", agent_name="1002")
    assert names(page(sign_in(agent))) == ["Mine"]


def test_navigation_shows_what_the_role_has(account: Account, admin: Client, sign_in: SignIn) -> None:
    reviewer = page(sign_in(factories.make_user(account, Role.REVIEWER)))
    operator = sign_in(factories.make_operator()).get("/accounts/").content.decode()
    assert ('href="/admin/"' in page(admin), 'href="/admin/"' in reviewer) == (True, False)
    assert ("/quarantine/" in operator, "/quarantine/" in reviewer) == (True, False)
