from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.errors import ProtocolError
from switch.esl.protocol import Frame, FrameKind, FrameLimits, FrameReader

EVENT = b'{"Event-Name":"HEARTBEAT","Caller-Caller-ID-Name":"\xea\xb9\x80\xec\xb2\xa0\xec\x88\x98"}'
SMALL = FrameLimits(header=200, body=100, skip=1000)


def event_frame(body: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body)


STREAM = (
    b"Content-Type: auth/request\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
    + event_frame(EVENT)
    + event_frame(b"{}")
    + b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n"
    + b"Content-Length: 14\nContent-Type: text/event-plain\n\nA: b\n\nC: d\n\n\n\n"
    + b"Content-Type: log/data\nContent-Length: 5\nLog-Level: 7\n\nhello"
    + b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    + b"Content-Type: text/disconnect-notice\nContent-Length: 9\n\ngoodbye.\n"
)
KINDS = [
    FrameKind.AUTH_REQUEST,
    FrameKind.COMMAND_REPLY,
    FrameKind.EVENT_JSON,
    FrameKind.EVENT_JSON,
    FrameKind.API_RESPONSE,
    FrameKind.EVENT_PLAIN,
    FrameKind.LOG_DATA,
    FrameKind.RUDE_REJECTION,
    FrameKind.DISCONNECT_NOTICE,
]


def read(
    stream: bytes, cuts: list[int], limits: FrameLimits | None = None
) -> tuple[list[Frame], FrameReader]:
    reader = FrameReader(limits)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    frames: list[Frame] = []
    for start, end in pairwise(places):
        frames += reader.feed(stream[start:end])
    return frames, reader


def test_reads_every_kind_of_frame_at_once() -> None:
    frames, reader = read(STREAM, [])
    assert [frame.kind for frame in frames] == KINDS
    assert frames[1].headers["Reply-Text"] == "+OK accepted"
    assert frames[2].body == EVENT
    assert frames[5].body == b"A: b\n\nC: d\n\n\n\n"
    assert (reader.counts.skipped, reader.counts.garbage) == (0, 0)


def test_reads_the_same_byte_by_byte() -> None:
    assert read(STREAM, list(range(len(STREAM))))[0] == read(STREAM, [])[0]


@given(st.lists(st.integers(min_value=0), max_size=30))
def test_reads_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    assert read(STREAM, cuts)[0] == read(STREAM, [])[0]


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(min_value=0), max_size=8))
def test_bodies_are_untouched_bytes(bodies: list[bytes], cuts: list[int]) -> None:
    frames, _ = read(b"".join(map(event_frame, bodies)), cuts)
    assert [frame.body for frame in frames] == bodies


def test_keeps_the_beginning_of_the_next_frame() -> None:
    reader = FrameReader()
    (first,) = reader.feed(event_frame(EVENT) + b"Content-Len")
    (second,) = reader.feed(event_frame(b"next")[11:])
    assert (first.body, second.body) == (EVENT, b"next")


def test_a_value_cannot_become_a_header() -> None:
    (frame,) = FrameReader().feed(b"Content-Type: command/reply\nReply-Text: +OK%0AContent-Length: 9\n\n")
    assert frame.body == b""
    assert frame.headers == {"Content-Type": "command/reply", "Reply-Text": "+OK%0AContent-Length: 9"}


def test_invalid_utf8_in_a_header_is_replaced() -> None:
    (frame,) = FrameReader().feed(b"Content-Type: command/reply\nReply-Text: \xff\xfe\n\n")
    assert frame.headers["Reply-Text"] == "\ufffd\ufffd"


def test_an_unknown_content_type_is_a_frame_of_unknown_kind() -> None:
    frames, reader = read(b"Content-Type: text/event-xml\nContent-Length: 3\n\n<a>" + event_frame(EVENT), [])
    assert [(frame.kind, frame.body) for frame in frames] == [
        (FrameKind.UNKNOWN, b"<a>"),
        (FrameKind.EVENT_JSON, EVENT),
    ]
    assert reader.counts.garbage == 0


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(
    "garbage",
    [
        b"\n\n\n\n\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"\x00\xff\xfe{}",
        b'{"half":"an event"}',
        b"no colon\n\n",
        b":\n\n",
    ],
)
def test_garbage_is_dropped_and_the_next_frame_read(garbage: bytes, step: int) -> None:
    stream = garbage + event_frame(EVENT) + event_frame(b"{}")
    frames, _ = read(stream, list(range(0, len(stream), step)))
    assert [frame.body for frame in frames if frame.kind is FrameKind.EVENT_JSON] == [EVENT, b"{}"]


@given(st.binary(max_size=400), st.lists(st.integers(min_value=0), max_size=6))
def test_any_bytes_give_frames_or_a_protocol_error(noise: bytes, cuts: list[int]) -> None:
    try:
        frames, _ = read(noise, cuts)
    except ProtocolError:
        return
    assert all(len(frame.body) <= len(noise) for frame in frames)


@pytest.mark.parametrize("length", [b"-5", b"abc", b"1e3", b"9" * 5000, b"", b"0x10", "٣".encode()])
def test_a_bad_content_length_is_a_protocol_error(length: bytes) -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"Content-Length: " + length + b"\nContent-Type: text/event-json\n\n{}")


def test_two_different_content_lengths_are_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"Content-Length: 2\nContent-Length: 3\nContent-Type: text/event-json\n\n{}")


def test_frames_before_a_broken_one_are_returned_before_the_error() -> None:
    reader = FrameReader()
    (frame,) = reader.feed(event_frame(EVENT) + b"Content-Type: api/response\nContent-Length: no\n\n")
    assert frame.body == EVENT
    with pytest.raises(ProtocolError):
        reader.feed(event_frame(EVENT))


@pytest.mark.parametrize("step", [1, 37, 10_000])
def test_a_body_too_large_is_skipped_and_the_stream_stays_in_step(step: int) -> None:
    stream = event_frame(b"x" * 101) + event_frame(EVENT)
    frames, reader = read(stream, list(range(0, len(stream), step)), SMALL)
    assert [frame.body for frame in frames] == [EVENT]
    assert reader.counts.skipped == 1


def test_a_body_of_500_megabytes_ends_the_stream_at_once() -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"Content-Length: 524288000\nContent-Type: text/event-json\n\n")


@pytest.mark.parametrize("step", [1, 64, 10_000])
@pytest.mark.parametrize("length_first", [True, False])
def test_a_header_block_too_long_is_skipped_with_its_body(step: int, length_first: bool) -> None:
    length, noise = b"Content-Length: 12\n", b"X-Long: %b\n" % (b"a" * 300)
    stream = (length + noise if length_first else noise + length) + b"\n" + b"x" * 12 + event_frame(EVENT)
    frames, reader = read(stream, list(range(0, len(stream), step)), SMALL)
    assert [frame.body for frame in frames] == [EVENT]
    assert reader.counts.skipped == 1


def test_a_header_of_five_megabytes_is_skipped() -> None:
    stream = b"X-Long: " + b"a" * 5_000_000 + b"\nContent-Length: 2\n\n{}" + event_frame(EVENT)
    frames, reader = read(stream, list(range(0, len(stream), 65_536)))
    assert [frame.body for frame in frames] == [EVENT]
    assert reader.counts.skipped == 1


def test_a_header_block_without_an_end_is_given_up() -> None:
    reader = FrameReader(SMALL)
    for _ in range(50):
        assert reader.feed(b"X-Long: aaaaaaaaaaaa") == []
    with pytest.raises(ProtocolError):
        reader.feed(b"X-Long: aaaaaaaaaaaa")


def test_what_is_kept_of_an_endless_header_is_bounded() -> None:
    reader = FrameReader(FrameLimits(header=1000, skip=10_000_000))
    for _ in range(1000):
        reader.feed(b"a" * 1000)
    assert len(reader._buffer) < 3000


def test_the_last_frame_of_a_cut_off_stream_can_be_seen() -> None:
    reader = FrameReader()
    reader.feed(b"Content-Type: text/disconnect-notice\nContent-Length: 67\n\nkilled listener bec")
    rest = reader.unfinished()
    assert rest == Frame(
        FrameKind.DISCONNECT_NOTICE,
        b"Content-Type: text/disconnect-notice\nContent-Length: 67",
        b"killed listener bec",
    )
