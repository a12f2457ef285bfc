"""Lists as CSV."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.actors import actor_for
from ccportal.api.cdrs import CDR_COLUMNS, CdrList, InteractionList
from ccportal.api.cells import as_cell
from ccportal.api.contacts import name_callers
from ccportal.api.pages import Page
from ccportal.api.queue_calls import QueueCallList
from ccportal.api.quick_rows import CHUNK, QuickRows, ToldRows, can_be_quick
from ccportal.api.recordings import RecordingList
from ccportal.api.sheets import plain_file_name, written
from ccportal.api.views import ListView
from cdr.models import Leg
from tests.api.conftest import Api
from tests.factories import (
    NOON,
    make_call,
    make_contact,
    make_leg,
    make_lone_recording,
    make_media,
    make_offer,
    make_recording,
    make_tag,
    make_visit,
)

LISTS = ["/cdrs", "/cdrs/interaction", "/queue_calls", "/recordings"]


def sheet(api: Api, path: str, **query: Any) -> list[list[str]]:
    text = b"".join(api.own(path, accept="text/csv", **query).streaming_content).decode()
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("path", LISTS)
def test_columns_are_those_of_the_list(api: Api, path: str) -> None:
    call = make_call(api.account)
    make_leg(call)
    make_offer(make_visit(call))
    make_recording(call)
    [row] = api.rows(path)
    head, *body = sheet(api, path)
    assert [name.split(" (")[0] for name in head] == list(row)
    assert len(body) == 1
    assert len(body[0]) == len(head)


HOSTILE = [
    "",
    "=1+1",
    "+49 30 5550100",
    "-",
    "@SUM(A1)",
    "\t=1",
    "\rx",
    "\n=1",
    'a "quoted" name',
    '"',
    '="a"',
    "Doe, John",
    ",",
    "two\r\nlines",
    " = 1",
    "\\.",
    "NULL",
    "'=1",
    "100 %s %(x)s",
    "\x1f\x7f",
    "김민수 🎧",
    "x" * 255,
]
READERS = [QuickRows, pytest.param(ToldRows, marks=pytest.mark.postgres)]


def make_hostile_rows(api: Api) -> None:
    """Calls with everything that hangs from them, on both sides of changes of the clocks."""
    make_contact(api.account, "030 5550100", name='Erika "E" Muster')
    for number, text in enumerate(HOSTILE):
        started_at = datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=UTC) + timedelta(minutes=number * 7)
        call = make_call(
            api.account,
            started_at=started_at,
            caller_name=text,
            caller_number="0305550100" if number % 2 else text,
            queue_name=text,
            hangup_cause=text[:64],
            billsec=-number if number % 3 else None,
            wait_ms=number * 1250 - 2600,
            recording_count=number % 3,
            user=api.user if number % 2 else None,
            ended_at=None if number % 5 == 0 else started_at + timedelta(milliseconds=number),
        )
        for name in filter(None, {text[:64].strip(), "b"}):
            make_tag(call, name)
        make_leg(call, caller_name=text, callee_name=text, duration=-number, other_leg_uuid=text)
        make_offer(make_visit(call, agent_name=text, cancel_reason="TIMEOUT" if number % 2 else ""))
        for take in range(call.recording_count):
            recording = make_recording(call, masked=[{"from": 1}], caller_name=text)
            if take:
                make_media(recording)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("view", [CdrList, InteractionList, QueueCallList, RecordingList])
def test_long_files_have_the_lines_that_rows_have(
    api: Api, view: type[ListView], reader: type[QuickRows], zone: str
) -> None:
    api.account.time_zone = zone
    api.account.save()
    make_hostile_rows(api)
    make_recording(make_call(api.account, ended_at=None), leg_uuid="-gone")
    make_tag(make_lone_recording(api.account), "=own")
    make_leg(make_call(api.account, ended_at=None, answered_at=None, duration=None))
    asked = seated(view, api)
    rows = list(asked.rows().order_by(f"-{view.keyset.path}", "-id"))
    name_callers(asked, rows)
    slow = written([column.cell(row, api.account.zone) for column in view.columns] for row in rows)
    quick = reader(asked, view.columns, view.keyset, api.account.zone)
    assert can_be_quick(view.columns)
    assert "".join(quick.chunks(asked.rows(), Page(None, False, None))) == slow
    assert len(rows) >= len(HOSTILE)


def seated(view: type[ListView], api: Api) -> ListView:
    """The view as a request of the program makes it."""
    request = RequestFactory().get("/")
    request.actor = actor_for(api.user)  # type: ignore[attr-defined]
    return view(request=request, kwargs={"account_id": api.account.pk.hex})


@pytest.mark.parametrize("path", LISTS)
def test_accept_header_asks_for_csv_too(api: Api, path: str) -> None:
    answer = api.own(path, headers={"Accept": "text/csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.streaming
    assert api.own(path, headers={"Accept": "*/*"})["Content-Type"] == "application/json"
    assert api.own(path, headers={"Accept": "text/html,*/*;q=0.1"})["Content-Type"] == "application/json"


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+49301234", "-1+1", "@SUM(A1)", "\tx", "\rx"])
def test_formulas_are_defused(api: Api, text: str) -> None:
    make_leg(make_call(api.account), caller_name=text)
    head, row = sheet(api, "/cdrs")
    assert row[head.index("caller_id_name")] == f"'{text}"


def test_line_breaks_and_quotes_stay_within_a_cell(api: Api) -> None:
    name = 'Bobby "Tables",\r\nfake,row <script>'
    make_leg(make_call(api.account), caller_name=name)
    text = b"".join(api.own("/cdrs", accept="text/csv").streaming_content).decode()
    head, row = list(csv.reader(io.StringIO(text, newline="")))
    assert row[head.index("caller_id_name")] == name


def test_times_are_in_the_accounts_zone_across_a_change_of_clocks(api: Api) -> None:
    change = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    for moment in (change - timedelta(milliseconds=1), change):
        make_leg(make_call(api.account, started_at=moment))
    head, after, before = sheet(api, "/cdrs")
    column = head.index("iso_8601 (Europe/Berlin)")
    assert before[column] == "2026-10-25 02:59:59.999+02:00"
    assert after[column] == "2026-10-25 02:00:00.000+01:00"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("march.csv", "march.csv"),
        ("march", "march.csv"),
        ("../../etc/passwd", "passwd.csv"),
        ("C:\\temp\\march.csv", "march.csv"),
        ("/", "cdrs.csv"),
        ("..", "cdrs.csv"),
        ("", "cdrs.csv"),
        ('a"; filename="b.exe', "a; filename=b.exe.csv"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x.csv"),
        ("März.CSV", "März.CSV"),
    ],
)
def test_file_name_is_only_a_name(asked: str, name: str) -> None:
    assert plain_file_name(asked, "cdrs.csv") == name


def test_file_name_is_offered_for_saving(api: Api) -> None:
    answer = api.own("/cdrs", accept="text/csv", file_name="../march")
    assert answer["Content-Disposition"] == 'attachment; filename="march.csv"'
    answer = api.own("/cdrs", accept="text/csv", file_name="x\r\nSet-Cookie: a=b")
    assert "Set-Cookie" not in answer.headers
    assert "\n" not in answer["Content-Disposition"]


def test_filters_period_and_order_hold_for_csv(api: Api) -> None:
    for minute in range(4):
        call = make_call(api.account, started_at=NOON + timedelta(minutes=minute), caller_number=str(minute))
        make_leg(call)
    query = {"created_from": "2026-03-02T12:01:00Z", "filter_not_caller_id_number": "2", "ascending": "true"}
    head, *body = sheet(api, "/cdrs", **query)
    assert [row[head.index("caller_id_number")] for row in body] == ["1", "3"]


def test_wrong_parameters_are_refused_before_the_first_line(api: Api) -> None:
    assert api.own("/cdrs", accept="text/csv", filter_nonsense="1").status_code == 400


def test_page_size_limits_csv_only_when_given(api: Api) -> None:
    call = make_call(api.account)
    for _ in range(60):
        make_leg(call)
    assert len(sheet(api, "/cdrs")) == 61
    assert len(sheet(api, "/cdrs", page_size=7)) == 8


def test_thousands_of_rows_are_read_in_chunks_of_flat_memory(api: Api) -> None:
    call = make_call(api.account)
    Leg.objects.bulk_create(
        Leg(
            account=api.account,
            switch=call.switch,
            call=call,
            uuid=f"leg-{number}",
            created_at=NOON + timedelta(seconds=number // 3),
        )
        for number in range(2 * CHUNK + 500)
    )
    answer = api.own("/cdrs", accept="text/csv")
    parts = iter(answer.streaming_content)
    with CaptureQueriesContext(connection) as captured:
        lines = next(parts).count(b"\r\n") + next(parts).count(b"\r\n")
        tracemalloc.start()
        lines += next(parts).count(b"\r\n")
        _, after_one = tracemalloc.get_traced_memory()
        lines += sum(part.count(b"\r\n") for part in parts)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert lines == 2 * CHUNK + 501
    assert len(captured) <= 12
    assert peak < after_one * 2


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (0, "0"),
        (True, "True"),
        ([], ""),
        (["a", "b"], "a b"),
        (["=a"], "'=a"),
        ([{"a": "é"}], '[{"a":"é"}]'),
    ],
)
def test_cells(value: Any, cell: str) -> None:
    assert as_cell(value) == cell


def test_every_column_has_a_heading() -> None:
    assert len({column.name for column in CDR_COLUMNS}) == len(CDR_COLUMNS) == 27
