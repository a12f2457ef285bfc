"""The questions a calls list asks, put to a real database."""

from __future__ import annotations

import re
import uuid
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from cdr.models import Call, CallAlias, Leg
from cdr.search import (
    Cursor,
    Wanted,
    count_capped,
    matching,
    number_forms,
    page_of,
    range_of_ids,
    read_term,
    split_terms,
)
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return factories.make_account(country="KR")


def found(account: Account, text: str, agents: dict[str, str] | None = None) -> set[Call]:
    terms = [read_term(term, account.country, agents or {}, Leg.objects.all()) for term in split_terms(text)]
    return {call for calls in matching(Call.objects.all(), Wanted(terms=terms)) for call in calls}


@pytest.mark.parametrize(
    "written",
    [
        "010-5840-0500",
        "01058400500",
        "+82 10 5840 0500",
        "+82-10-5840-0500",
        "0082 10 58400500",
        "010 5840",
        "10 5840 0500",
    ],
)
def test_a_number_is_found_in_any_way_of_writing(account: Account, written: str) -> None:
    wanted = factories.make_call(account, caller_number="01058400500")
    factories.make_call(account, caller_number="01058390500")
    assert found(account, written) == {wanted}


def test_a_number_noted_internationally_is_found_by_its_national_form(account: Account) -> None:
    wanted = factories.make_call(account, caller_number="+821058400500")
    assert found(account, "010-5840-0500") == {wanted}


@pytest.mark.parametrize("party", ["caller", "dialed", "callee"])
def test_every_party_s_number_is_searched(account: Account, party: str) -> None:
    wanted = factories.make_call(account, **{f"{party}_number": "027814499"})
    factories.make_call(account)
    assert found(account, "02-781-4499") == {wanted}


def test_a_beginning_that_ends_in_nines_has_an_upper_end(account: Account) -> None:
    wanted = factories.make_call(account, caller_number="0199123")
    factories.make_call(account, caller_number="0200123")
    assert found(account, "0199") == {wanted}


def test_several_numbers_are_found_at_once(account: Account) -> None:
    wanted = {factories.make_call(account, caller_number=number) for number in ("0311112222", "0411112222")}
    factories.make_call(account, caller_number="0511112222")
    assert found(account, "031-111-2222, 041-111-2222") == wanted


def test_a_name_is_found_in_any_case_and_by_part(account: Account) -> None:
    wanted = factories.make_call(account, caller_name="Kim Min-seo")
    factories.make_call(account, caller_name="Lee Do-yun")
    assert found(account, "kim  min") == {wanted}


@pytest.mark.parametrize("hostile", ["%", "_", "' OR 1=1 --", "\\", "<script>", "\u202e", "\x00"])
def test_a_hostile_search_finds_only_what_holds_it(account: Account, hostile: str) -> None:
    factories.make_call(account, caller_name="Plain")
    assert found(account, f"x{hostile}x") == set()


def test_an_agent_is_found_by_label(account: Account) -> None:
    wanted = factories.make_call(account, agent_name="1001@default", caller_name="")
    factories.make_call(account, agent_name="1002@default", caller_name="")
    assert found(account, "anna", {"1001@default": "1001 Anna", "1002@default": "1002 Ben"}) == {wanted}


def test_a_call_is_found_by_its_id_however_written(account: Account) -> None:
    call = factories.make_call(account, id=uuid.UUID("3f9c1e40-0000-4000-8000-00000000abcd"))
    factories.make_call(account, id=uuid.UUID("3f9c1e41-0000-4000-8000-00000000abcd"))
    assert [found(account, text) for text in (call.pk.hex, str(call.pk), "3F9C1E40")] == [{call}] * 3


def test_a_call_is_found_by_the_switch_s_uuid_of_a_leg(account: Account) -> None:
    call = factories.make_call(account)
    leg = factories.make_leg(call)
    factories.make_leg(factories.make_call(account))
    assert found(account, leg.uuid) == {call}


def test_a_call_is_found_by_an_id_it_had_before_a_merge(account: Account) -> None:
    call = factories.make_call(account)
    alias = CallAlias.objects.create(id=uuid.uuid4(), call=call)
    assert found(account, alias.pk.hex) == {call}


@pytest.mark.parametrize("written", ["0400", "…0400", "...0400", "*0400", "… 04-00", "04 00"])
def test_a_number_is_found_by_how_it_ends(account: Account, written: str) -> None:
    wanted = {
        factories.make_call(account, caller_number="+82 10 1234-0400"),
        factories.make_call(account, direction="outbound", dialed_number="03112300400"),
        factories.make_call(account, direction="outbound", dialed_number="", callee_number="03112300400"),
    }
    factories.make_call(account, caller_number="01012340401")
    factories.make_call(account, caller_number="01055551234", dialed_number="03112300400")
    assert found(account, written) == wanted


def test_fewer_than_four_digits_are_no_ending(account: Account) -> None:
    factories.make_call(account, caller_number="01012340400")
    assert found(account, "400") == set()


def test_a_call_is_found_by_every_agent_who_answered_in_it(account: Account) -> None:
    call = factories.make_call(account)
    visit = factories.make_visit(call, agent_name="1001")
    for agent, answered in (("1001", True), ("1002", True), ("1002", True), ("1003", False)):
        fields = {} if answered else {"answered_at": None, "outcome": "failed"}
        factories.make_offer(visit, agent, **fields)
    other = factories.make_call(account, agent_name="1002")
    calls = Call.objects.all()
    assert {
        agent: {call.pk for call in page_of(matching(calls, Wanted(agents=[agent]))).rows}
        for agent in ("1001", "1002", "1003")
    } == {"1001": {call.pk}, "1002": {call.pk, other.pk}, "1003": set()}
    assert all(len(set(rows)) == len(rows) for rows in matching(calls, Wanted(agents=["1001", "1002"])))
    labels = {"1002": "1002 Ben"}
    assert found(account, "ben", labels) == {call, other}
    terms = [read_term("Ada", "KR", {}, Leg.objects.none())]
    both = matching(calls, Wanted(agents=["1002"], terms=terms))
    assert {row.pk for row in page_of(both).rows} == {call.pk, other.pk}


def test_eight_letters_are_a_name_and_not_an_id() -> None:
    assert range_of_ids("deadbeef") is None


def test_a_foreign_prefix_is_not_read_as_a_national_one() -> None:
    assert number_forms("+49 30 5557", "KR") == {"49305557"}


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (Wanted(directions=["outbound"]), {"direction": "outbound"}),
        (Wanted(outcomes=["abandoned"]), {"outcome": "abandoned"}),
        (Wanted(queues=["3000@default"]), {"queue_name": "3000@default"}),
        (Wanted(agents=["1001"]), {"agent_name": "1001"}),
        (Wanted(recorded=True), {"recording_count": 1}),
        (Wanted(waits=(30_000, None)), {"wait_ms": 30_000}),
        (Wanted(talks=(None, 59_000)), {"talk_ms": 59_000}),
        (Wanted(lengths=(70_000, 80_000)), {"duration_ms": 75_000}),
        (Wanted(since=NOON + timedelta(hours=1)), {"started_at": NOON + timedelta(hours=1)}),
        (Wanted(until=NOON), {"started_at": NOON - timedelta(microseconds=1)}),
    ],
)
def test_each_filter_lets_through_what_it_names(
    account: Account, wanted: Wanted, fields: dict[str, object]
) -> None:
    factories.make_call(account)
    call = factories.make_call(account, **fields)
    assert page_of(matching(Call.objects.all(), wanted)).rows == [call]


def test_not_recorded_is_a_filter_of_its_own(account: Account) -> None:
    factories.make_call(account, recording_count=2)
    call = factories.make_call(account)
    assert page_of(matching(Call.objects.all(), Wanted(recorded=False))).rows == [call]


def test_pages_lead_through_all_calls_and_back_even_at_one_moment(account: Account) -> None:
    for index in range(10):
        factories.make_call(account, started_at=NOON - timedelta(seconds=index // 4))
    calls = Call.objects.all()
    everything = list(calls.order_by("-started_at", "-id"))
    down = list(walk(calls, "older"))
    assert [call for page in down for call in page] == everything
    up = list(walk(calls, "newer", Cursor.of(everything[-1])))
    assert [call for page in reversed(up) for call in page] == everything[:-1]


def walk(calls: QuerySet[Call], way: str, cursor: Cursor | None = None) -> list[list[Call]]:
    pages, page = [], page_of([calls], size=3, **{way: cursor})
    while True:
        pages.append(page.rows)
        cursor = getattr(page, way)
        if cursor is None:
            return pages
        page = page_of([calls], size=3, **{way: cursor})


def test_going_newer_than_the_newest_shows_the_first_page(account: Account) -> None:
    calls = [factories.make_call(account, started_at=NOON + timedelta(seconds=index)) for index in range(4)]
    page = page_of([Call.objects.all()], newer=Cursor.of(calls[2]), size=3)
    assert (page.rows, page.newer) == (calls[:0:-1], None)


@pytest.mark.parametrize("text", ["", "x", "1-", "99999999999999999999-" + "0" * 32, "-1", "1-zz"])
def test_a_broken_cursor_is_none(text: str) -> None:
    assert Cursor.parse(text) is None


def test_a_cursor_is_read_back_to_the_microsecond(account: Account) -> None:
    cursor = Cursor.of(factories.make_call(account, started_at=NOON + timedelta(microseconds=1)))
    assert Cursor.parse(str(cursor)) == cursor


def test_counting_stops_one_after_the_limit(account: Account) -> None:
    for _ in range(5):
        factories.make_call(account)
    with CaptureQueriesContext(connection) as queries:
        assert count_capped([Call.objects.all()], limit=3) == 4
    assert "LIMIT 4" in queries[0]["sql"]


@pytest.mark.parametrize("number", ["010-5840-0500", "010-5840"])
def test_a_call_with_the_number_in_all_columns_is_shown_and_counted_once(
    account: Account, number: str
) -> None:
    same = {f"{party}_number": "01058400500" for party in ("caller", "dialed", "callee")}
    call = factories.make_call(account, **same)
    term = read_term(number, "KR", {}, Leg.objects.none())
    sets = matching(Call.objects.all(), Wanted(terms=[term]))
    assert (page_of(sets).rows, count_capped(sets)) == ([call], 1)


def test_pages_of_a_search_lead_through_every_column(account: Account) -> None:
    columns = ("caller_number", "dialed_number", "callee_number")
    calls = [
        factories.make_call(
            account, started_at=NOON - timedelta(seconds=index), **{columns[index % 3]: "01058400500"}
        )
        for index in range(8)
    ]
    sets = matching(
        Call.objects.all(), Wanted(terms=[read_term("010-5840-0500", "KR", {}, Leg.objects.none())])
    )
    first = page_of(sets, size=5)
    rest = page_of(sets, size=5, older=first.older)
    assert (first.rows + rest.rows, rest.older) == (calls, None)


@pytest.mark.parametrize(
    ("search", "fields", "index"),
    [
        ("", {}, "call_account_started"),
        ("", {"queues": ["3000@default"]}, "call_queue_started"),
        ("", {"agents": ["1001"]}, "call_agent_started|offer_agent_listed"),
        pytest.param(
            "0400", {}, "call_(caller|dialed|callee|account)_started|call_other_reversed", id="ending"
        ),
        ("010-5840-0500", {}, "call_(caller|dialed|callee)_started"),
        pytest.param(
            "010-58", {}, "call_(caller|dialed|callee|account)_started|call_other_reversed", id="beginning"
        ),
    ],
)
def test_every_set_is_read_along_an_index(
    account: Account, search: str, fields: dict[str, Any], index: str
) -> None:
    make_many(account)
    terms = [read_term(term, "KR", {}, Leg.objects.none()) for term in split_terms(search)]
    for calls in matching(Call.objects.filter(account=account), Wanted(terms=terms, **fields)):
        plan = explain(calls.order_by("-started_at", "-id")[:51])
        assert re.search(index, plan), plan


def make_many(account: Account) -> None:
    """So many calls that one index is better than another, and that the database knows it."""
    call = factories.make_call(account)
    found = []
    for number in range(500):
        digits = f"0105840{number:04}"
        other = copy(call)
        other.pk, other.leg_uuid = uuid.uuid4(), f"leg {number}"
        other.caller_digits = other.dialed_digits = other.callee_digits = digits
        other.queue_name, other.agent_name = f"{number}@default", f"{number}"
        other.started_at = call.started_at + timedelta(minutes=number)
        found.append(other)
    Call.objects.bulk_create(found)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE cdr_call")


def explain(calls: QuerySet[Call]) -> str:
    """Say how the database would read, were the table too large to read whole."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return calls.explain()
