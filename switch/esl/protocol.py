"""Read ESL frames out of a stream of bytes, without I/O and within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from switch.errors import ProtocolError

EVENT_HEAD_START = b"Content-Length: "
EVENT_HEAD_END = b"\nContent-Type: text/event-json"
LENGTH_NAME = b"content-length"
LONGEST_LENGTH_LINE = 64
LENGTH_DIGITS = 12


class FrameKind(StrEnum):
    """The content types that a FreeSWITCH sends."""

    AUTH_REQUEST = "auth/request"
    COMMAND_REPLY = "command/reply"
    API_RESPONSE = "api/response"
    EVENT_JSON = "text/event-json"
    EVENT_PLAIN = "text/event-plain"
    DISCONNECT_NOTICE = "text/disconnect-notice"
    RUDE_REJECTION = "text/rude-rejection"
    LOG_DATA = "log/data"
    UNKNOWN = ""


KINDS = {kind.value: kind for kind in FrameKind}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its header block and body as bytes; headers are decoded when asked for."""

    kind: FrameKind
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Return the frame's own headers; of a repeated name the first."""
        headers: dict[str, str] = {}
        for name, value in split_headers(self.head):
            headers.setdefault(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
        return headers


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Bounds in bytes: a part up to `skip` is stepped over, a larger one ends the stream."""

    header: int = 64 * 1024
    body: int = 16 * 1024 * 1024
    skip: int = 64 * 1024 * 1024


@dataclass(slots=True)
class FrameCounts:
    """What a reader has seen."""

    frames: int = 0
    skipped: int = 0
    garbage: int = 0


def split_headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """Split a header block into names and values; a line without a colon is left out."""
    lines = (line.partition(b":") for line in head.split(b"\n"))
    return [(name.strip(), value.strip()) for name, colon, value in lines if colon]


def parse_length(text: bytes) -> int:
    """Return the value of a Content-Length, in bytes."""
    if not text.isdigit() or len(text) > LENGTH_DIGITS:
        raise ProtocolError(f"bad Content-Length {text[:40]!r}")
    return int(text)


def content_length(head: bytes) -> int:
    """Return the body's length that a header block announces, 0 without one."""
    lengths = {value for name, value in split_headers(head) if name.lower() == LENGTH_NAME}
    if len(lengths) > 1:
        raise ProtocolError("two different Content-Lengths in one frame")
    return parse_length(lengths.pop()) if lengths else 0


def frame_kind(head: bytes) -> FrameKind:
    """Return which frame a header block begins."""
    for name, value in split_headers(head):
        if name.lower() == b"content-type":
            return KINDS.get(value.decode("ascii", "replace").lower(), FrameKind.UNKNOWN)
    return FrameKind.UNKNOWN


def begins_with_header(head: bytes) -> bool:
    """Tell whether a block begins as header lines do."""
    name, colon, _ = head.partition(b":")
    return bool(colon) and name.replace(b"-", b"").replace(b"_", b"").isalnum()


class FrameReader:
    """Turn bytes, cut anywhere, into frames.

    A frame too large to keep is stepped over and counted in `counts.skipped`; what stands before the
    next header is dropped and counted in `counts.garbage`. When the place of the next frame cannot be
    known, `failure` says so and feed() raises it, after having returned the frames before it.
    """

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self.limits = limits or FrameLimits()
        self.counts = FrameCounts()
        self._buffer = bytearray()
        self._at = 0
        self._scanned = 0
        self._head: bytes | None = None
        self._kind = FrameKind.UNKNOWN
        self._length = 0
        self._to_skip = 0
        self._long_head: _LongHead | None = None
        self.failure: ProtocolError | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Take the next bytes and return the frames that are now whole."""
        if self.failure is not None:
            raise self.failure
        self._buffer += data
        frames: list[Frame] = []
        try:
            self._collect(frames)
        except ProtocolError as failure:
            self.failure = failure
            if not frames:
                raise
        self._forget_consumed()
        return frames

    def unfinished(self) -> Frame | None:
        """Return what there is of a frame whose body is not whole; for use at the end of the stream."""
        if self._head is None:
            return None
        return Frame(self._kind, self._head, bytes(self._buffer[self._at :]))

    def _collect(self, frames: list[Frame]) -> None:
        with memoryview(self._buffer) as view:
            while self._reach_body():
                end = self._at + self._length
                if end > len(view):
                    return
                frames.append(Frame(self._kind, self._head or b"", bytes(view[self._at : end])))
                self.counts.frames += 1
                self._head = None
                self._at = self._scanned = end

    def _reach_body(self) -> bool:
        """Go on to where a frame's body begins; False when that needs more bytes."""
        while self._head is None:
            if not self._step_over():
                return False
            if not (self._pass_long_head(self._long_head) if self._long_head else self._read_head()):
                return False
        return True

    def _step_over(self) -> bool:
        """Pass the rest of an oversized body; True when it is behind us."""
        if self._to_skip:
            step = min(self._to_skip, len(self._buffer) - self._at)
            self._to_skip -= step
            self._at += step
            self._scanned = self._at
        return not self._to_skip

    def _read_head(self) -> bool:
        """Take the next header block; False when it is not whole yet."""
        if self._buffer.startswith(b"\n", self._at):
            self._pass_blank_lines()
        end = self._buffer.find(b"\n\n", self._scanned)
        size = (end if end >= 0 else len(self._buffer)) - self._at
        if size > self.limits.header:
            self._long_head = _LongHead(self.limits.skip)
            return True
        if end < 0:
            self._scanned = max(self._at, len(self._buffer) - 1)
            return False
        head = bytes(self._buffer[self._at : end])
        self._at = self._scanned = end + 2
        self._begin(head)
        return True

    def _pass_blank_lines(self) -> None:
        rest = self._buffer[self._at :].lstrip(b"\n")
        self._at = len(self._buffer) - len(rest)
        self._scanned = max(self._scanned, self._at)

    def _pass_long_head(self, long_head: _LongHead) -> bool:
        """Drop a header block that is too long, as far as it came; True when its end was found."""
        end = self._buffer.find(b"\n\n", self._at)
        stop = end + 1 if end >= 0 else max(self._at, len(self._buffer) - 1)
        long_head.feed(bytes(self._buffer[self._at : stop]))
        self._at = self._scanned = stop
        if end < 0:
            return False
        self._at = self._scanned = end + 2
        self._long_head = None
        self.counts.skipped += 1
        self._to_skip = long_head.content_length()
        return True

    def _begin(self, head: bytes) -> None:
        """Decide from a header block what body is to come."""
        length_text = head[len(EVENT_HEAD_START) : -len(EVENT_HEAD_END)]
        if head.startswith(EVENT_HEAD_START) and head.endswith(EVENT_HEAD_END) and length_text.isdigit():
            self._expect(head, FrameKind.EVENT_JSON, parse_length(length_text))
            return
        head = self._without_garbage(head)
        if head:
            self._expect(head, frame_kind(head), content_length(head))

    def _without_garbage(self, head: bytes) -> bytes:
        """Cut off bytes that belong to no frame, so that the frame glued to them is kept."""
        if begins_with_header(head):
            return head
        self.counts.garbage += 1
        start = head.rfind(b"Content-Length: ")
        if start < 0:
            start = head.rfind(b"Content-Type: ")
        return head[start:] if start >= 0 else b""

    def _expect(self, head: bytes, kind: FrameKind, length: int) -> None:
        if length > self.limits.skip:
            raise ProtocolError(f"a body of {length} bytes announced")
        if length > self.limits.body:
            self.counts.skipped += 1
            self._to_skip = length
            return
        self._head, self._kind, self._length = head, kind, length

    def _forget_consumed(self) -> None:
        if self._at:
            del self._buffer[: self._at]
            self._scanned -= self._at
            self._at = 0


class _LongHead:
    """The passing of a header block that is too long to keep: only its Content-Length is remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._passed = 0
        self._tail = b"\n"
        self._length = 0

    def feed(self, piece: bytes) -> None:
        self._passed += len(piece)
        if self._passed > self._most:
            raise ProtocolError("a header block without an end")
        text = self._tail + piece
        start = text.find(b"\nContent-Length: ")
        end = text.find(b"\n", start + 1)
        if start >= 0 and end >= 0:
            self._length = parse_length(text[start + len(b"\nContent-Length: ") : end].strip())
        self._tail = text[-LONGEST_LENGTH_LINE:]

    def content_length(self) -> int:
        """Return the length of the body that follows and is to be passed too."""
        if self._length > self._most:
            raise ProtocolError(f"a body of {self._length} bytes announced")
        return self._length
