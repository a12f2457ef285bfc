"""The ESL connection on a plain socket: the default backend."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final, Self

from switch.commands import Reply
from switch.errors import (
    AuthenticationRefused,
    CloseReason,
    CommandLost,
    CommandTimeout,
    ConnectFailed,
    ConnectionClosed,
    ProtocolError,
)
from switch.esl.connection import Address, closing, wire_line
from switch.esl.protocol import Frame, FrameKind, FrameLimits, FrameReader
from switch.esl.subscription import WHAT_MATTERS, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable

READ_SIZE: Final = 1024 * 1024
SOCKET_BUFFER: Final = 8 * 1024 * 1024
KEEPALIVE: Final = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
REPLIES: Final = frozenset({FrameKind.COMMAND_REPLY, FrameKind.API_RESPONSE})


class NativeConnection:
    """A signed-in connection on a blocking socket."""

    def __init__(self, sock: socket.socket, limits: FrameLimits | None = None) -> None:
        self.reader = FrameReader(limits)
        self._socket = sock
        self._chunk = bytearray(READ_SIZE)
        self._bodies: list[bytes] = []
        self._replies: list[Frame] = []
        self._end: ConnectionClosed | None = None
        self._received = 0

    @classmethod
    def open(cls, address: Address, connect_timeout: float = 5.0, limits: FrameLimits | None = None) -> Self:
        """Connect and sign in within `connect_timeout` seconds each. Raises ConnectFailed."""
        try:
            sock = socket.create_connection((address.host, address.port), connect_timeout)
        except OSError as error:
            raise ConnectFailed(f"{address.host}:{address.port}: {error}") from error
        connection = cls(sock, limits)
        try:
            tune(sock)
            connection._sign_in(address, connect_timeout)
        except BaseException:
            connection.close()
            raise
        return connection

    def subscribe(self, subscription: Subscription = WHAT_MATTERS) -> None:
        """Ask for events, in JSON."""
        reply = self._command("event json", subscription.words, 10.0)
        if not reply.ok:
            raise AuthenticationRefused(f"events refused: {reply.text}")

    def recv(self, timeout: float) -> list[bytes]:
        """Return the event bodies that came, waiting up to `timeout` seconds for the first."""
        deadline = time.monotonic() + timeout
        while not self._bodies:
            self._raise_if_over()
            left = deadline - time.monotonic()
            if not self._read(max(left, 0.0)) and left <= 0:
                break
        bodies, self._bodies = self._bodies, []
        return bodies

    def api(self, command: str, timeout: float = 10.0) -> Reply:
        """Send an api command and return its reply."""
        return self._command("api", command, timeout)

    def api_many(self, commands: Iterable[str], timeout: float = 10.0) -> list[Reply]:
        """Send api commands in one go and return their replies in the same order."""
        lines = [wire_line("api", command) for command in commands]
        self._send(b"".join(line + b"\n\n" for line in lines))
        deadline = time.monotonic() + timeout
        return [self._reply(deadline) for _ in lines]

    def give(self, commands: Iterable[str]) -> None:
        """Send api commands without waiting; their replies come in the same order by `replies`."""
        self._send(b"".join(wire_line("api", command) + b"\n\n" for command in commands))

    def replies(self) -> list[Reply]:
        """Return the replies that came, without waiting."""
        self.alive()
        frames, self._replies = self._replies, []
        return [reply_of(frame) for frame in frames]

    def fileno(self) -> int:
        """Return the socket's number, to wait for replies with others."""
        return self._socket.fileno()

    def bgapi(self, command: str) -> str:
        """Send a command to be run in the background and return its job's uuid."""
        self._send(wire_line("bgapi", command) + b"\n\n")
        return self._reply_frame(time.monotonic() + 10.0).headers.get("Job-UUID", "")

    def heard(self) -> int:
        """Return how many bytes have come."""
        return self._received

    def alive(self) -> bool:
        """Tell whether the connection still stands, as far as what has come says."""
        while self._end is None and self._read(0.0):
            pass
        return self._end is None

    def close(self) -> None:
        """End the connection; repeatable."""
        self._end = self._end or ConnectionClosed(CloseReason.OURS)
        self._socket.close()

    def _sign_in(self, address: Address, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        try:
            self._await(FrameKind.AUTH_REQUEST, deadline)
            self._send(wire_line("auth", address.password) + b"\n\n")
            reply = self._reply(deadline)
        except (ConnectionClosed, CommandLost, CommandTimeout, ProtocolError) as error:
            raise ConnectFailed(f"{address.host}:{address.port}: {error}") from error
        if not reply.ok:
            raise AuthenticationRefused(f"{address.host}:{address.port}: {reply.text}")

    def _command(self, verb: str, rest: str, timeout: float) -> Reply:
        self._send(wire_line(verb, rest) + b"\n\n")
        return self._reply(time.monotonic() + timeout)

    def _send(self, data: bytes) -> None:
        self._raise_if_over()
        try:
            self._socket.settimeout(10.0)
            self._socket.sendall(data)
        except OSError as error:
            self._over(ConnectionClosed(CloseReason.CLOSED, str(error)))
            self._raise_if_over()

    def _reply(self, deadline: float) -> Reply:
        return reply_of(self._reply_frame(deadline))

    def _reply_frame(self, deadline: float) -> Frame:
        return self._await(None, deadline)

    def _await(self, kind: FrameKind | None, deadline: float) -> Frame:
        """Wait for the next reply, or frame of a kind. A late one would answer the wrong command: close."""
        while not self._replies:
            if self._end is not None:
                raise CommandLost(str(self._end))
            left = deadline - time.monotonic()
            if not self._read(max(left, 0.0)) and left <= 0:
                self._over(ConnectionClosed(CloseReason.OURS, "a reply did not come in time"))
                self.close()
                raise CommandTimeout("no reply in time")
        frame = self._replies.pop(0)
        if kind is not None and frame.kind is not kind:
            raise ProtocolError(f"{frame.kind.value} instead of {kind.value}")
        return frame

    def _read(self, timeout: float) -> bool:
        """Read once; True when anything came, the end included."""
        self._socket.settimeout(timeout)
        try:
            size = self._socket.recv_into(self._chunk)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            self._over(ConnectionClosed(CloseReason.CLOSED, str(error)))
            return True
        self._received += size
        if size:
            self._take(memoryview(self._chunk)[:size])
        else:
            self._over(self._at_end_of_stream())
        return True

    def _take(self, data: memoryview) -> None:
        try:
            frames = self.reader.feed(data)
        except ProtocolError:
            frames = []
        for frame in frames:
            self._sort(frame)
        if self.reader.failure is not None:
            self._over(ConnectionClosed(CloseReason.PROTOCOL, str(self.reader.failure)))

    def _sort(self, frame: Frame) -> None:
        if frame.kind is FrameKind.EVENT_JSON:
            self._bodies.append(frame.body)
        elif frame.kind in REPLIES or frame.kind is FrameKind.AUTH_REQUEST:
            self._replies.append(frame)
        elif frame.kind in {FrameKind.DISCONNECT_NOTICE, FrameKind.RUDE_REJECTION}:
            self._over(closing(notice_text(frame)))

    def _at_end_of_stream(self) -> ConnectionClosed:
        rest = self.reader.unfinished()
        if rest is not None and rest.kind is FrameKind.DISCONNECT_NOTICE:
            return closing(notice_text(rest))
        return ConnectionClosed(CloseReason.CLOSED, "the switch closed the connection")

    def _over(self, end: ConnectionClosed) -> None:
        self._end = self._end or end

    def _raise_if_over(self) -> None:
        if self._end is not None:
            raise ConnectionClosed(self._end.reason, self._end.text)


def reply_of(frame: Frame) -> Reply:
    """Read a reply's frame."""
    if frame.kind is FrameKind.API_RESPONSE:
        return Reply.parse(frame.body.decode("utf-8", "replace"))
    return Reply.parse(frame.headers.get("Reply-Text", ""))


def notice_text(frame: Frame) -> str:
    """Return the text of a notice."""
    return frame.body.decode("utf-8", "replace").strip()


def tune(sock: socket.socket) -> None:
    """Give a socket a large receive buffer, no delay, and a watch over dead peers."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
