"""Captured bodies become the typed events they are; bodies that are none do no harm."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch import events as ev
from switch.errors import MalformedEvent
from switch.esl.filters import EVENT_NAMES
from switch.esl.translate import BY_NAME, Translator
from tests import captures

translate = Translator().translate


def captured(name: str, kind: str, **having: str) -> dict[str, Any]:
    for body in captures.bodies(name):
        event: dict[str, Any] = json.loads(body)
        if event["Event-Name"] == kind and all(event.get(key) == value for key, value in having.items()):
            return event
    raise LookupError(kind)


def said(event: dict[str, Any], **changes: object) -> bytes:
    return json.dumps(event | {key.replace("_", "-"): value for key, value in changes.items()}).encode()


def test_every_captured_event_is_known() -> None:
    found = Counter(type(translate(body)).__name__ for body in captures.every_body())
    assert found["Unknown"] == 0
    assert found["LegCreated"] == found["LegEnded"] == 80
    assert found["QueueJoined"] == found["QueueLeft"] == 19
    assert found["RecordingStarted"] == found["RecordingStopped"] == 29


def test_every_event_survives_being_kept() -> None:
    kept = [event for body in captures.every_body() if (event := translate(body))]
    packed = msgspec.msgpack.encode(kept)
    assert msgspec.msgpack.decode(packed, type=list[ev.AnyEvent]) == kept


def test_a_leg_that_ended() -> None:
    event = translate(
        said(captured("queue_answered", "CHANNEL_HANGUP_COMPLETE", **{"Call-Direction": "outbound"}))
    )
    assert isinstance(event, ev.LegEnded)
    assert event.channel.uuid == "d08c18b9-f731-4a1d-a214-3ee90a9b51a4"
    assert (event.cause, event.billsec, event.duration) == ("NORMAL_CLEARING", 8, 10)
    assert event.channel.answered == 1795177766564947
    assert event.quality["mos"] == 4.5
    assert event.channel.variables["cc_member_session_uuid"] == "5738252e-64f4-4756-a494-835769898198"


def test_the_agents_channel_is_not_the_member() -> None:
    event = translate(said(captured("queue_answered", "CUSTOM", **{"CC-Action": "bridge-agent-start"})))
    assert isinstance(event, ev.AgentConnected)
    assert event.agent_leg == "d08c18b9-f731-4a1d-a214-3ee90a9b51a4"
    assert event.member == "ea48b78a-7b37-457a-9064-da143e16f0ad"
    assert event.session == "5738252e-64f4-4756-a494-835769898198"


def test_our_recording_id_comes_back() -> None:
    body = said(captured("queue_answered", "RECORD_START"), Recording_Variable_rid="00ff")
    event = translate(body)
    assert isinstance(event, ev.RecordingStarted)
    assert event.tags == {"rid": "00ff"}


def test_a_recording_that_a_script_discarded() -> None:
    event = translate(said(captured("rec_min_sec", "RECORD_STOP")))
    assert isinstance(event, ev.RecordingStopped)
    assert (event.discarded, event.cause, event.milliseconds) == (True, "input-too-short", 1880)


def test_a_recording_asked_by_the_dialplan() -> None:
    event = captured("queue_answered", "CHANNEL_ANSWER") | {
        "Event-Name": "CUSTOM",
        "Event-Subclass": "ccportal::record_call",
        "Record-Action": "mask",
        "Record-Label": "a, b",
    }
    found = translate(said(event))
    assert isinstance(found, ev.RecordingAsked)
    assert (found.action, found.parameters) == ("mask", {"label": "a, b"})


def test_values_can_be_lists_and_keys_doubled() -> None:
    body = said(captured("fail_busy", "CHANNEL_CREATE"), variable_originator=["x", "y"])
    doubled = body[:-1] + b', "Caller-Destination-Number": "42"}'
    event = translate(doubled.replace(b"variable-originator", b"variable_originator"))
    assert isinstance(event, ev.LegCreated)
    assert event.channel.variables["originator"] == "y"
    assert event.channel.destination == "42"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Caller-Channel-Created-Time", "12 o'clock"),
        ("Caller-Channel-Created-Time", "9" * 40),
        ("Caller-Channel-Created-Time", "-5"),
        ("variable_billsec", ""),
    ],
)
def test_a_bad_number_is_no_number(header: str, value: str) -> None:
    event = translate(json.dumps(captured("fail_busy", "CHANNEL_HANGUP_COMPLETE") | {header: value}).encode())
    assert isinstance(event, ev.LegEnded)
    assert 0 in (event.channel.created, event.billsec or 0)


@pytest.mark.parametrize("name", ["a\x00b", "\ud83d", "\u202e<script>", "=cmd()", "x" * 100_000])
def test_a_strange_name_is_text_that_can_be_stored(name: str) -> None:
    event = translate(said(captured("fail_busy", "CHANNEL_CREATE"), Caller_Caller_ID_Name=name))
    assert isinstance(event, ev.LegCreated)
    assert "\x00" not in event.channel.caller_name
    assert event.channel.caller_name.encode()


def test_broken_utf8_is_mended() -> None:
    body = said(captured("fail_busy", "CHANNEL_CREATE"), Caller_Caller_ID_Name="NAME")
    event = translate(body.replace(b"NAME", b"\xff\xc3"))
    assert isinstance(event, ev.LegCreated)
    assert event.channel.caller_name == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b'{"Event-Name":"CHANNEL_CREATE"}', b"[" * 100_000]
)
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        translate(body)


def test_a_time_outside_this_century_is_malformed() -> None:
    with pytest.raises(MalformedEvent):
        translate(said(captured("fail_busy", "CHANNEL_CREATE"), Event_Date_Timestamp="17"))


def test_an_unknown_kind_is_named() -> None:
    event = translate(said(captured("fail_busy", "CHANNEL_CREATE"), Event_Name="TEA_TIME"))
    assert isinstance(event, ev.Unknown)
    assert event.name == "TEA_TIME"


def test_known_kinds_that_say_nothing_are_dropped() -> None:
    for name in EVENT_NAMES - BY_NAME.keys():
        assert translate(said(captured("fail_busy", "CHANNEL_CREATE"), Event_Name=name)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_malformed(body: bytes) -> None:
    with contextlib.suppress(MalformedEvent):
        translate(body)


@given(
    st.dictionaries(
        st.sampled_from(["Unique-ID", "Caller-Channel-Created-Time", "variable_billsec", "Record-File-Path"]),
        st.one_of(st.text(), st.integers(), st.lists(st.text()), st.none(), st.floats(), st.booleans()),
    )
)
def test_any_values_are_an_event_or_malformed(values: dict[str, Any]) -> None:
    try:
        event = translate(json.dumps(captured("fail_busy", "CHANNEL_CREATE") | values).encode())
    except MalformedEvent:
        return
    msgspec.msgpack.encode(event)


def test_of_a_kind_told_twice_the_last_counts() -> None:
    body = said(captured("fail_busy", "CHANNEL_CREATE"))
    event = translate(b'{"Event-Name":"CUSTOM",' + body[1:])
    assert isinstance(event, ev.LegCreated)
