"""Pages, periods and filters: the same for every list."""

from __future__ import annotations

import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from ccportal.api.times import UNIX_EPOCH_IN_GREGORIAN_SECONDS
from cdr.models import Call, Leg
from tests.api.conftest import Api, Refused, api_of
from tests.factories import (
    NOON,
    make_account,
    make_call,
    make_device,
    make_leg,
    make_media,
    make_offer,
    make_recording,
    make_user,
    make_visit,
)

LISTS = ["/cdrs", "/cdrs/interaction", "/queue_calls", "/recordings"]


def make_conversation(account: Account, started_at: datetime = NOON, **fields: Any) -> Leg:
    """A row in every list."""
    call = make_call(account, started_at=started_at, **fields)
    leg = make_leg(call)
    make_offer(make_visit(call, joined_at=started_at))
    make_media(make_recording(call, started_at=started_at))
    return leg


def identity(row: dict[str, Any]) -> str:
    return str(row.get("id") or row["uuid"])


@pytest.fixture
def spread(api: Api) -> list[Leg]:
    """Seven conversations, two of them at one moment."""
    minutes = [0, 1, 2, 2, 3, 5, 8]
    return [make_conversation(api.account, NOON + timedelta(minutes=minute)) for minute in minutes]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 1000])
def test_pages_together_are_the_list(api: Api, spread: list[Leg], path: str, page_size: int) -> None:
    whole = [identity(row) for row in api.rows(path)]
    walked = [identity(row) for row in api.walk(path, page_size=page_size)]
    assert walked == whole
    assert len(set(whole)) == len(spread)


@pytest.mark.parametrize("path", LISTS)
def test_ascending_is_the_reverse(api: Api, spread: list[Leg], path: str) -> None:
    newest_first = [identity(row) for row in api.walk(path, page_size=2)]
    oldest_first = [identity(row) for row in api.walk(path, page_size=2, ascending="true")]
    assert oldest_first == newest_first[::-1]


def test_newest_comes_first(api: Api, spread: list[Leg]) -> None:
    times = [row["iso_8601"] for row in api.rows("/cdrs")]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("ascending", ["true", "false"])
def test_rows_inserted_meanwhile_double_and_hide_nothing(api: Api, ascending: str) -> None:
    chance = random.Random(7)
    at_start = {make_conversation_of_one(api, chance).pk.hex for _ in range(30)}
    seen: list[str] = []
    start_key: str | None = ""
    while start_key is not None:
        body = api.own("/cdrs", page_size=4, ascending=ascending, start_key=start_key).json()
        seen += [row["id"] for row in body["data"]]
        start_key = body.get("next_start_key")
        for _ in range(3 if len(seen) < 60 else 0):
            make_conversation_of_one(api, chance)
    assert len(seen) == len(set(seen))
    assert at_start <= set(seen)


def make_conversation_of_one(api: Api, chance: random.Random) -> Leg:
    return make_leg(make_call(api.account, started_at=NOON + timedelta(seconds=chance.randrange(50))))


def test_default_page_has_50_rows(api: Api) -> None:
    call = make_call(api.account)
    for _ in range(51):
        make_leg(call)
    body = api.own("/cdrs").json()
    assert (len(body["data"]), body["page_size"]) == (50, 50)
    assert "next_start_key" in body


@pytest.mark.parametrize(
    ("query", "path", "rule", "target"),
    [
        ({"page_size": "0"}, "page_size", "minimum", 1),
        ({"page_size": "-5"}, "page_size", "minimum", 1),
        ({"page_size": "1001"}, "page_size", "maximum", 1000),
        ({"page_size": "many"}, "page_size", "type", "integer"),
        ({"page_size": "1.5"}, "page_size", "type", "integer"),
        ({"page_size": ""}, "page_size", "type", "integer"),
        ({"page_size": "٣"}, "page_size", "type", "integer"),
        ({"page_size": "--1"}, "page_size", "type", "integer"),
        ({"ascending": "up"}, "ascending", "enum", ["true", "false"]),
        ({"created_from": "yesterday"}, "created_from", "type", "date-time"),
        ({"created_to": "9" * 12}, "created_to", "type", "date-time"),
        ({"created_from": "2026-13-01"}, "created_from", "type", "date-time"),
    ],
)
@pytest.mark.parametrize("list_path", LISTS)
def test_wrong_parameters_are_named(
    api: Api, refused: Refused, list_path: str, query: dict[str, str], path: str, rule: str, target: Any
) -> None:
    answer = api.own(list_path, **query)
    refused(answer, 400, "validation error")
    assert answer.json()["data"][path][rule]["target"] == target


@pytest.mark.parametrize(
    "key", ["x", "AAAA", "%%%", "A" * 34, "ZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\x00", "é"]
)
def test_invented_start_key_is_refused(api: Api, refused: Refused, key: str) -> None:
    refused(api.own("/cdrs", start_key=key), 400, "validation error")


def test_start_key_is_bound_to_its_order(api: Api, refused: Refused, spread: list[Leg]) -> None:
    key = api.own("/cdrs", page_size=1).json()["next_start_key"]
    refused(api.own("/cdrs", page_size=1, start_key=key, ascending="true"), 400, "validation error")


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


def gregorian(moment: datetime) -> int:
    return unix(moment) + UNIX_EPOCH_IN_GREGORIAN_SECONDS


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def iso_in_kolkata(moment: datetime) -> str:
    return (moment + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("write", [unix, gregorian, iso, iso_in_kolkata])
def test_period_includes_both_its_ends(api: Api, spread: list[Leg], path: str, write: Any) -> None:
    start, end = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    rows = api.rows(path, created_from=write(start), created_to=write(end))
    assert len(rows) == 4


def test_period_takes_all_of_its_last_second(api: Api) -> None:
    make_conversation(api.account, NOON + timedelta(milliseconds=900))
    [row] = api.rows("/cdrs", created_to=unix(NOON))
    assert api.rows("/cdrs", created_from=row["timestamp"], created_to=row["timestamp"]) == [row]


@pytest.mark.parametrize("path", LISTS)
def test_reversed_period_is_a_date_range_error(api: Api, refused: Refused, path: str) -> None:
    answer = api.own(path, created_from="2026-03-02", created_to="2026-03-01")
    refused(answer, 400, "validation error")
    assert "date_range" in answer.json()["data"]["created_to"]


def test_period_may_be_wide(api: Api, spread: list[Leg]) -> None:
    assert len(api.rows("/cdrs", created_from="0001-01-01", created_to="9998-01-01")) == len(spread)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "name", ["filter_nonsense", "filter_not_nonsense", "filter_account", "filter_id__in", "filter_"]
)
def test_unknown_filter_is_refused(api: Api, refused: Refused, path: str, name: str) -> None:
    answer = api.own(path, **{name: "1"})
    refused(answer, 400, "validation error")
    assert "additionalProperties" in answer.json()["data"][name]


@pytest.mark.parametrize("name", ["has_key", "key_missing"])
def test_unknown_key_is_refused(api: Api, refused: Refused, name: str) -> None:
    answer = api.own("/cdrs", **{name: "nonsense"})
    refused(answer, 400, "validation error")
    assert answer.json()["data"][name]["additionalProperties"]["value"] == "nonsense"


@pytest.mark.parametrize("path", LISTS)
def test_every_field_finds_its_own_row_and_not_its_own_row(api: Api, path: str) -> None:
    owner, device = make_user(api.account), make_device(api.account)
    people = {"user": owner, "device": device}
    call = make_call(api.account, billsec=7, duration=9, hold_ms=4400, **people)
    leg = make_leg(call, callee_number="1001", callee_name="Bo", other_leg_uuid="other", **people)
    make_offer(make_visit(call, "3000@default", billsec=7))
    make_media(make_recording(call, device=device, source_path="/a/b.wav", leg_uuid=leg.uuid))
    make_conversation(api.account, NOON - timedelta(days=1), caller_number="42", caller_name="=x", billsec=1)
    row = api.rows(path)[0]
    for name, value in row.items():
        if not isinstance(value, list | dict) and value not in (None, ""):
            text = json.dumps(value) if isinstance(value, bool | int) else value
            assert row in api.rows(path, **{f"filter_{name}": text}), name
            assert row not in api.rows(path, **{f"filter_not_{name}": text}), name
            assert row in api.rows(path, has_key=name), name
            assert row not in api.rows(path, key_missing=name), name


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/cdrs", "media_recordings"),
        ("/cdrs/interaction", "media_recordings"),
        ("/queue_calls", "recording_ids"),
    ],
)
def test_rows_are_found_by_recording(api: Api, spread: list[Leg], path: str, field: str) -> None:
    row = api.rows(path)[3]
    [recording] = row[field]
    assert api.rows(path, **{f"filter_{field}": recording}) == [row]
    assert len(api.rows(path, **{f"filter_not_{field}": recording})) == len(spread) - 1


def test_json_list_means_membership(api: Api) -> None:
    for number in ("1", "2", "3"):
        make_conversation(api.account, caller_number=number)
    wanted = json.dumps(["1", "3"])
    assert {row["caller_id_number"] for row in api.rows("/cdrs", filter_caller_id_number=wanted)} == {
        "1",
        "3",
    }
    assert [row["caller_id_number"] for row in api.rows("/cdrs", filter_not_caller_id_number=wanted)] == ["2"]
    assert api.rows("/cdrs", filter_caller_id_number="[]") == []


def test_filters_are_anded(api: Api) -> None:
    make_conversation(api.account, caller_number="1", dialed_number="7")
    make_conversation(api.account, caller_number="1", dialed_number="8")
    make_conversation(api.account, caller_number="2", dialed_number="8")
    rows = api.rows("/cdrs", filter_caller_id_number="1", filter_dialed_number="8", has_key="hangup_cause")
    assert len(rows) == 1


def test_one_filter_twice_is_anded_too(api: Api) -> None:
    make_conversation(api.account, caller_number="1")
    make_conversation(api.account, caller_number="2")
    answer = api.own("/cdrs", filter_not_caller_id_number=["1", "2"])
    assert answer.json()["data"] == []


def test_dotted_filter_reaches_channel_variables(api: Api) -> None:
    call = make_call(api.account)
    wanted = make_leg(call, custom={"campaign": "spring"}, variables={"resource_type": "offnet"})
    other = make_leg(call, custom={"campaign": "autumn"})
    bare = make_leg(call)

    def found(**query: str) -> set[str]:
        return {row["id"] for row in api.rows("/cdrs", **query)}

    campaign = "custom_channel_vars.campaign"
    assert found(**{f"filter_{campaign}": "spring"}) == {wanted.pk.hex}
    assert found(**{f"filter_{campaign}": '["spring","autumn"]'}) == {wanted.pk.hex, other.pk.hex}
    assert found(**{f"filter_not_{campaign}": "spring"}) == {other.pk.hex, bare.pk.hex}
    assert found(**{"filter_custom_channel_vars.resource_type": "offnet"}) == {wanted.pk.hex}
    assert found(has_key=campaign) == {wanted.pk.hex, other.pk.hex}
    assert found(key_missing=campaign) == {bare.pk.hex}


@pytest.mark.parametrize("key", ["a__icontains", "a.b", "a-b", "ä", "_", "B0"])
def test_dotted_key_is_taken_literally(api: Api, key: str) -> None:
    wanted = make_leg(make_call(api.account), custom={key: "yes"})
    make_leg(make_call(api.account), custom={"a": "yes", "x": "yes"})
    rows = api.rows("/cdrs", **{f"filter_custom_channel_vars.{key}": "yes"})
    assert [row["id"] for row in rows] == [wanted.pk.hex]


@pytest.mark.parametrize("key", ["x'y", 'q"w', "0", "$", "[0]", "%s", "a]b", "", "\x00", "a" * 129])
def test_dotted_key_that_is_no_variable_is_refused(api: Api, refused: Refused, key: str) -> None:
    refused(api.own("/cdrs", **{f"filter_custom_channel_vars.{key}": "yes"}), 400, "validation error")


@pytest.mark.parametrize("value", ["\x00", "a\x00b", '["\\ud800"]', '["\\u0000"]'])
def test_text_that_no_database_takes_is_refused(api: Api, refused: Refused, value: str) -> None:
    refused(api.own("/cdrs", filter_caller_id_name=value), 400, "validation error")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("filter_id", "nonsense"),
        ("filter_owner_id", "0c1a5262-d803-4d57-a8e1-4b9336b4f3d5"),
        ("filter_billing_seconds", "long"),
        ("filter_billing_seconds", "9" * 40),
        ("filter_billing_seconds", "9" * 15),
        ("filter_timestamp", "soon"),
    ],
)
def test_value_of_another_kind_is_refused_or_finds_nothing(
    api: Api, spread: list[Leg], name: str, value: str
) -> None:
    answer = api.own("/cdrs", **{name: value})
    assert answer.status_code == 400 or answer.json()["data"] == []


@pytest.mark.parametrize("value", ["'; DROP TABLE cdr_leg; --", "%", "_", "<script>", "[", "[1", '{"a":1}'])
def test_values_are_only_values(api: Api, spread: list[Leg], value: str) -> None:
    assert api.rows("/cdrs", filter_caller_id_number=value) == []


@pytest.mark.parametrize("path", LISTS)
def test_queries_do_not_grow_with_rows(api: Api, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert api.own(path).status_code == 200
        return len(captured)

    make_conversation(api.account)
    few = queries()
    for minute in range(1, 9):
        make_conversation(api.account, NOON + timedelta(minutes=minute))
    assert queries() == few <= 9


def test_times_are_utc_with_milliseconds(api: Api) -> None:
    make_conversation(api.account, datetime(2026, 7, 1, 23, 59, 59, 123456, tzinfo=UTC))
    [row] = api.rows("/cdrs")
    assert row["iso_8601"] == "2026-07-01T23:59:59.123Z"
    assert row["unix_timestamp"] == "1782950399"
    assert row["timestamp"] == str(1782950399 + 62167219200)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_walking_while_others_insert_gives_each_row_once() -> None:
    api = api_of(make_user(make_account()))
    call = make_call(api.account)
    at_start = {leg.pk.hex for leg in insert_legs(call, random.Random(1), 150)}
    over = Event()
    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(keep_inserting, call, random.Random(seed), over) for seed in (2, 3)]
        walked = [row["id"] for row in api.walk("/cdrs", page_size=7)]
        over.set()
        inserted = sum(writer.result() for writer in writers)
    assert inserted
    assert len(walked) == len(set(walked))
    assert at_start <= set(walked)


def insert_legs(call: Call, chance: random.Random, count: int) -> list[Leg]:
    moments = [NOON + timedelta(microseconds=chance.randrange(10**6)) for _ in range(count)]
    return Leg.objects.bulk_create(
        Leg(
            account=call.account,
            switch=call.switch,
            call=call,
            uuid=f"{chance.random()}-{place}",
            created_at=at,
        )
        for place, at in enumerate(moments)
    )


def keep_inserting(call: Call, chance: random.Random, over: Event) -> int:
    inserted = 0
    try:
        while not over.is_set() and inserted < 3000:
            inserted += len(insert_legs(call, chance, 5))
    finally:
        connection.close()
    return inserted


@pytest.mark.postgres
@pytest.mark.parametrize("path", LISTS)
def test_a_page_far_down_reads_no_more_than_the_first(api: Api, path: str) -> None:
    """Neither sorts, nor passes over rows before it: both begin in the index where they are."""
    for minute in range(40):
        make_conversation(api.account, NOON + timedelta(minutes=minute))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    body = api.own(path, page_size=2).json()
    first = plan_of(api, path, page_size=2)
    for _ in range(15):
        key = body["next_start_key"]
        body = api.own(path, page_size=2, start_key=key).json()
    far = plan_of(api, path, page_size=2, start_key=key)
    assert "Sort" not in first + far
    assert re.search(r"Index Cond: .*(created_at|started_at|joined_at) <= ", far)
    removed = re.findall(r"Rows Removed by Filter: (\d+)", far)
    assert sum(map(int, removed)) <= 3


def plan_of(api: Api, path: str, **query: Any) -> str:
    """How the database reads the rows of a page."""
    with CaptureQueriesContext(connection) as captured:
        assert api.own(path, **query).status_code == 200
    [sql] = [found["sql"] for found in captured.captured_queries if "LIMIT 3" in found["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())
