from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from switch.errors import (
    AuthenticationRefused,
    BackendMissing,
    CloseReason,
    CommandLost,
    CommandTimeout,
    ConnectFailed,
    ConnectionClosed,
    UnsafeValue,
)
from switch.esl.connection import Address, Connect, EventSource, backend
from switch.esl.subscription import WHAT_MATTERS, Subscription
from tests.switch.fake_switch import (
    FakeSwitch,
    answer_by_default,
    event_frame,
    notice_frame,
    reply_frame,
    response_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACES = Path(__file__).parent.parent / "data" / "freeswitch"
KILLED = b"killed listener because of lost events\n"
GOING_DOWN = b"The system is being shut down.\n"


@pytest.fixture(params=["native", "python_esl"])
def connect(request: pytest.FixtureRequest) -> Connect:
    if request.param == "python_esl":
        pytest.importorskip("ESL")
    return backend(request.param)


@pytest.fixture
def switch() -> Iterator[FakeSwitch]:
    with FakeSwitch() as fake:
        yield fake


@pytest.fixture
def source(switch: FakeSwitch, connect: Connect) -> Iterator[EventSource]:
    connection = connect(switch.address)
    connection.subscribe()
    yield connection
    connection.close()


def read(source: EventSource, number: int) -> list[bytes]:
    bodies: list[bytes] = []
    while len(bodies) < number:
        came = source.recv(10.0)
        assert came, f"only {len(bodies)} of {number} events came"
        bodies += came
    return bodies


def end_of(source: EventSource) -> ConnectionClosed:
    try:
        while source.recv(10.0):
            pass
    except ConnectionClosed as end:
        return end
    pytest.fail("the connection did not end")


def pairs(body: bytes) -> list[tuple[str, object]]:
    """Return an event's keys and values, sorted: doubled keys stay."""
    found: list[tuple[str, object]] = json.loads(body, object_pairs_hook=list)
    return sorted(found, key=repr)


def trace(name: str) -> list[bytes]:
    with gzip.open(TRACES / f"{name}.jsonl.gz") as lines:
        return [line.rstrip(b"\n") for line in lines]


def test_signs_in_and_subscribes_with_custom_last(switch: FakeSwitch, source: EventSource) -> None:
    assert switch.next_line("event") == (
        "event json CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HOLD CHANNEL_UNHOLD"
        " CHANNEL_HANGUP_COMPLETE RECORD_START RECORD_STOP MEDIA_BUG_START MEDIA_BUG_STOP HEARTBEAT SHUTDOWN"
        " BACKGROUND_JOB CUSTOM callcenter::info conference::maintenance ccportal::record_call"
    )


def test_events_come_in_order(switch: FakeSwitch, source: EventSource) -> None:
    bodies = [b'{"Event-Name":"HEARTBEAT","Event-Sequence":"%d"}' % number for number in range(2000)]
    switch.client().send(b"".join(map(event_frame, bodies)))
    assert [pairs(body) for body in read(source, 2000)] == [pairs(body) for body in bodies]


@pytest.mark.parametrize(
    "name", ["queue_answered", "uuid_record_restart", "conference_rec", "fs_shutdown", "queue_blind_transfer"]
)
def test_captured_events_say_the_same(switch: FakeSwitch, source: EventSource, name: str) -> None:
    bodies = [body for body in trace(name) if b'"Event-Name":"SHUTDOWN"' not in body]
    switch.client().send(b"".join(map(event_frame, bodies)))
    for body, expected in zip(read(source, len(bodies)), bodies, strict=True):
        assert dict(pairs(body)) == dict(pairs(expected))


def test_broken_json_and_broken_utf8_come_as_they_are(switch: FakeSwitch, source: EventSource) -> None:
    bodies = [b'{"Event-Name":"HEARTBEAT", broken', b"\xff\xfe not json", b'{"Event-Name":"HEARTBEAT"}']
    switch.client().send(b"".join(map(event_frame, bodies)))
    assert [body.split() for body in read(source, 3)[:2]] == [body.split() for body in bodies[:2]]


def test_invalid_utf8_inside_an_event_survives(switch: FakeSwitch, source: EventSource) -> None:
    switch.client().send(
        event_frame(b'{"Event-Name":"CHANNEL_CREATE","Caller-Caller-ID-Name":"a\xff\xc3(b"}')
    )
    (body,) = read(source, 1)
    assert b"a\xff\xc3(b" in body


def test_nothing_in_time_is_an_empty_list(source: EventSource) -> None:
    assert source.recv(0.01) == []


def test_an_event_cut_in_two_comes_once(switch: FakeSwitch, source: EventSource) -> None:
    frame = event_frame(b'{"Event-Name":"HEARTBEAT"}')
    client = switch.client()
    client.send(frame + frame[:20])
    assert len(read(source, 1)) == 1
    client.send(frame[20:])
    assert len(read(source, 1)) == 1


def test_a_stop_of_the_switch_is_told(switch: FakeSwitch, source: EventSource) -> None:
    client = switch.client()
    client.send(event_frame(b'{"Event-Name":"SHUTDOWN"}') + notice_frame(GOING_DOWN))
    client.end()
    assert pairs(read(source, 1)[0]) == [("Event-Name", "SHUTDOWN")]
    assert end_of(source).reason is CloseReason.SHUTDOWN


def test_the_end_of_the_stream_is_told(switch: FakeSwitch, source: EventSource) -> None:
    switch.client().end()
    assert end_of(source).reason is CloseReason.CLOSED


@pytest.mark.parametrize("cut", [0, 15])
def test_being_killed_for_slowness_is_told(switch: FakeSwitch, cut: int) -> None:
    source = backend("native")(switch.address)
    source.subscribe()
    client = switch.client()
    frame = notice_frame(KILLED)
    client.send(event_frame(b"{}") + frame[: len(frame) - cut])
    client.end()
    assert read(source, 1) == [b"{}"]
    assert end_of(source).reason is CloseReason.KILLED
    source.close()


def test_a_broken_stream_is_told_after_its_events(switch: FakeSwitch) -> None:
    source = backend("native")(switch.address)
    source.subscribe()
    switch.client().send(event_frame(b"{}") + b"Content-Length: -1\nContent-Type: text/event-json\n\n")
    assert read(source, 1) == [b"{}"]
    assert end_of(source).reason is CloseReason.PROTOCOL
    source.close()


def test_a_wrong_password_is_refused(switch: FakeSwitch, connect: Connect) -> None:
    with pytest.raises(AuthenticationRefused):
        connect(Address("127.0.0.1", switch.port, "wrong"))


def test_a_password_cannot_be_a_command(switch: FakeSwitch, connect: Connect) -> None:
    with pytest.raises(UnsafeValue) as refused:
        connect(Address("127.0.0.1", switch.port, "ClueCon\n\napi fsctl shutdown"))
    assert "ClueCon" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Address("127.0.0.1", 8021, "secret"))


def test_no_switch_is_a_failed_connection(connect: Connect) -> None:
    with FakeSwitch() as gone:
        address = gone.address
    with pytest.raises(ConnectFailed):
        connect(address)


def test_a_switch_that_says_nothing_is_given_up(connect: Connect) -> None:
    with FakeSwitch(greeting=b"") as mute, pytest.raises(ConnectFailed):
        connect(mute.address, 0.1)


def test_a_rude_rejection_is_a_failed_connection(connect: Connect) -> None:
    rude = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    with FakeSwitch(greeting=rude) as fake, pytest.raises(ConnectFailed):
        connect(fake.address)


def test_a_refused_subscription_is_told(connect: Connect) -> None:
    def answer(line: str) -> bytes:
        return (
            reply_frame(b"-ERR no keywords supplied") if line.startswith("event") else answer_by_default(line)
        )

    with FakeSwitch(answer) as fake:
        connection = connect(fake.address)
        with pytest.raises(AuthenticationRefused):
            connection.subscribe()
        connection.close()


def test_api_answers_and_keeps_events_for_recv(switch: FakeSwitch, source: EventSource) -> None:
    switch.answer = lambda line: event_frame(b'{"Event-Name":"HEARTBEAT"}') + answer_by_default(line)
    assert source.api("status").text == "status"
    assert [pairs(body) for body in read(source, 1)] == [[("Event-Name", "HEARTBEAT")]]


def test_bgapi_returns_the_job(source: EventSource) -> None:
    assert source.bgapi("status") == "j1"


def test_an_error_is_a_reply(switch: FakeSwitch, source: EventSource) -> None:
    switch.answer = lambda _: response_frame(b"-ERR No such channel!\n")
    reply = source.api("uuid_dump x")
    assert (reply.ok, reply.text) == (False, "No such channel!")


@pytest.mark.parametrize("command", ["a\nb", "a\r", "a\0", "", "\ud800"])
def test_a_command_is_one_line_of_text(source: EventSource, command: str) -> None:
    with pytest.raises(UnsafeValue):
        source.api(command)
    with pytest.raises(UnsafeValue):
        source.bgapi(command)


def test_a_connection_closed_by_us_says_so(source: EventSource) -> None:
    source.close()
    source.close()
    assert end_of(source).reason is CloseReason.OURS


def test_what_was_heard_grows(switch: FakeSwitch, source: EventSource) -> None:
    before = source.heard()
    switch.client().send(event_frame(b'{"Event-Name":"HEARTBEAT"}'))
    read(source, 1)
    assert source.heard() > before


def test_a_reply_that_does_not_come_ends_the_connection(switch: FakeSwitch) -> None:
    source = backend("native")(switch.address)
    switch.answer = lambda _: b""
    with pytest.raises(CommandTimeout):
        source.api("status", 0.05)
    with pytest.raises(ConnectionClosed):
        source.api("status")


def test_an_end_instead_of_a_reply_leaves_the_outcome_open(switch: FakeSwitch) -> None:
    source = backend("native")(switch.address)
    source.subscribe()
    client = switch.client()

    def hang_up(_: str) -> bytes:
        client.end()
        return b""

    switch.answer = hang_up
    with pytest.raises(CommandLost):
        source.api("status")
    source.close()


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BackendMissing, match="native"):
        backend("telnet")


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ESL", None)
    with pytest.raises(BackendMissing, match=r"ccportal\[esl\]"):
        backend("python_esl")(Address("127.0.0.1"))


def test_a_subscription_has_custom_last() -> None:
    assert Subscription(("HEARTBEAT",), ("a::b",)).words == "HEARTBEAT CUSTOM a::b"
    assert Subscription(("ALL",)).words == "ALL"
    assert len(WHAT_MATTERS.events) == 14


@pytest.mark.parametrize("name", ["", "A B", "A\nB", "CUSTOM", "a,b"])
def test_an_event_name_is_one_word(name: str) -> None:
    with pytest.raises(UnsafeValue):
        _ = Subscription((name,)).words
