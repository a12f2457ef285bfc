"""Asterisk's own files: Master.csv and queue_log, also hostile and cut ones."""

from __future__ import annotations

import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch import events as ev
from switch.asterisk.ids import created_at, order_of
from switch.asterisk.master_csv import read_master_csv
from switch.asterisk.queue_log import read_queue_log_line
from switch.asterisk.records import LARGEST, split_records
from switch.errors import MalformedEvent
from tests import asterisk_captures as captured

MOSCOW, NEW_YORK = zoneinfo.ZoneInfo("Europe/Moscow"), zoneinfo.ZoneInfo("America/New_York")
BORN = 1795178129
COLUMNS = ["", "555", "100", "incoming", '"A" <555>', "SIP/a-1", "SIP/b-2", "Dial", "SIP/b,20"]
TIMES = ["2026-11-20 12:35:29", "2026-11-20 12:35:30", "2026-11-20 12:35:34", "5", "4"]
TAIL = ["ANSWERED", "DOCUMENTATION"]
UNIQUE = f"{BORN}.12"


def line(*more: str, times: list[str] = TIMES) -> bytes:
    columns = [*COLUMNS, *times, *TAIL, *more]
    return (",".join('"' + column.replace('"', '""') + '"' for column in columns) + "\n").encode()


def only(record: bytes, zone: zoneinfo.ZoneInfo = MOSCOW) -> ev.AsteriskCdr:
    (found,) = read_master_csv([record], zone)
    assert isinstance(found, ev.AsteriskCdr)
    return found


@pytest.mark.parametrize(
    ("more", "unique_id", "linked_id", "user_field"),
    [
        ((), "SIP/a-1@2026-11-20 12:35:29", "", ""),
        ((UNIQUE,), UNIQUE, "", ""),
        (("note",), "SIP/a-1@2026-11-20 12:35:29", "", "note"),
        ((UNIQUE, "note"), UNIQUE, "", "note"),
        (("peer", f"{BORN}.1", "7"), f"{BORN}.1", f"{BORN}.1", ""),
        ((UNIQUE, "peer", f"{BORN}.1", "7"), UNIQUE, f"{BORN}.1", ""),
        ((UNIQUE, "note", "peer", f"{BORN}.1", "7"), UNIQUE, f"{BORN}.1", "note"),
    ],
)
def test_each_width_of_a_record(
    more: tuple[str, ...], unique_id: str, linked_id: str, user_field: str
) -> None:
    found = only(line(*more))
    assert (found.unique_id, found.linked_id, found.user_field) == (unique_id, linked_id, user_field)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        (MOSCOW, "2026-11-20 12:35:29"),
        (MOSCOW, "2026-11-20 15:35:29"),
        (NEW_YORK, "2026-11-20 12:35:29"),
        (NEW_YORK, "2026-11-20 07:35:29"),
    ],
)
def test_the_unique_id_tells_whether_times_are_gmt_or_local(zone: zoneinfo.ZoneInfo, start: str) -> None:
    found = only(line(UNIQUE, times=[start, "", start, "0", "0"]), zone)
    assert found.started == found.at == BORN * ev.MICROSECONDS


def test_a_late_row_is_read_as_the_others_are() -> None:
    late = line(UNIQUE, times=["2026-11-20 16:35:29", "", "2026-11-20 16:35:30", "1", "0"])
    found = [row for row in read_master_csv([line(UNIQUE), late], MOSCOW) if isinstance(row, ev.AsteriskCdr)]
    assert found[1].started == (BORN + 4 * 3600) * ev.MICROSECONDS


def test_the_hour_that_comes_twice_follows_the_call() -> None:
    second_half_past_one = 1793514600
    times = ["2026-11-01 01:30:00", "", "2026-11-01 01:30:05", "5", "0"]
    found = only(line(f"{second_half_past_one}.1", times=times), NEW_YORK)
    assert found.started == second_half_past_one * ev.MICROSECONDS


def test_an_end_after_the_clocks_were_put_back_is_later_than_the_start() -> None:
    born = 1793512740
    times = ["2026-11-01 01:59:00", "2026-11-01 01:59:00", "2026-11-01 01:01:00", "120", "120"]
    found = only(line(f"{born}.1", times=times), NEW_YORK)
    assert found.at - found.started == 120 * ev.MICROSECONDS


@pytest.mark.parametrize("record", [b"a,b,c\n", line("1", "2", "3", "4", "5", "6"), line(times=[""] * 5)])
def test_what_is_no_record_is_named(record: bytes) -> None:
    assert isinstance(next(read_master_csv([record], MOSCOW)), MalformedEvent)


def test_a_cut_name_and_a_name_with_line_feeds_are_read() -> None:
    assert captured.rows("cid_utf8_cut")[0].caller_name.endswith("\ufffd")
    assert "agi_callerid: 666" in captured.rows("cid_newline_from_network")[0].caller_name


@given(st.integers(0, 3000))
def test_a_file_cut_anywhere_gives_whole_records_and_a_rest(cut: int) -> None:
    data = (captured.ASTERISK / "cid_newline_from_network.cdr.csv").read_bytes()
    whole = list(split_records(data))
    begun = list(split_records(data[:cut]))
    assert begun == whole[: len(begun)]
    assert begun + list(split_records(data[sum(map(len, begun)) :])) == whole


def test_a_stray_quote_does_not_swallow_the_rest() -> None:
    data = b'"' + b"x" * LARGEST + b"\n" + line(UNIQUE)
    assert list(split_records(data))[-1] == line(UNIQUE)


@given(st.binary(max_size=400))
def test_any_bytes_give_records_or_errors(data: bytes) -> None:
    for found in read_master_csv(split_records(data, final=True), MOSCOW):
        assert isinstance(found, (ev.AsteriskCdr, MalformedEvent))


@given(st.binary(max_size=200))
def test_any_line_gives_an_event_or_an_error(data: bytes) -> None:
    read_queue_log_line(data)


def test_what_an_agent_did_is_told_of_the_agent() -> None:
    found = read_queue_log_line(b"1795178160|NONE|support|Agent Two|PAUSE|lunch\n")
    assert isinstance(found, ev.AgentChanged)
    assert (found.agent, found.kind, found.value) == ("Agent Two", "status", "On Break")


def test_lines_of_the_switch_itself_are_counted_only() -> None:
    assert isinstance(read_queue_log_line(b"1795178160|NONE|NONE|NONE|QUEUESTART|\n"), ev.Unknown)


def test_ids_sort_as_the_channels_were_made() -> None:
    assert sorted(["17951781.10", "1795178129.10", "1795178129.9"], key=order_of)[1:] == [
        "1795178129.9",
        "1795178129.10",
    ]


@pytest.mark.parametrize("name", ["", "pbx-", "my-pbx-2-"])
def test_a_systems_name_before_the_id_is_no_time(name: str) -> None:
    assert created_at(f"{name}1795178129.12") == BORN * ev.MICROSECONDS
