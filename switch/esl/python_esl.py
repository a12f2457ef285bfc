"""The ESL connection through python-ESL, FreeSWITCH's own C library."""

from __future__ import annotations

import os
import socket
import threading
import time
from importlib import import_module
from typing import Any, Final, Self

from switch.commands import Reply
from switch.errors import (
    AuthenticationRefused,
    BackendMissing,
    CloseReason,
    CommandLost,
    ConnectFailed,
    ConnectionClosed,
)
from switch.esl.connection import Address, wire_line
from switch.esl.native import tune
from switch.esl.subscription import WHAT_MATTERS, Subscription

SHUTDOWN: Final = "SHUTDOWN"
FRAME: Final = "SOCKET_DATA"


def load_library() -> Any:
    """Return the ESL module."""
    try:
        return import_module("ESL")
    except ImportError as error:
        raise BackendMissing("the python_esl backend needs python-ESL: install ccportal[esl]") from error


class PythonEslConnection:
    """A signed-in connection held by the C library.

    The library parses each JSON event and swallows the disconnect notice: bodies are written anew from
    what it parsed, and of the reasons only a SHUTDOWN event that came before tells one.
    """

    def __init__(self, library_connection: Any) -> None:
        self._esl = library_connection
        self._received = 0
        self._shutting_down = False
        self._closed = False

    @classmethod
    def open(cls, address: Address, connect_timeout: float = 5.0) -> Self:
        """Connect and sign in within `connect_timeout` seconds. Raises ConnectFailed."""
        library = load_library()
        wire_line("auth", address.password)
        made: list[Any] = []

        def connect() -> None:
            made.append(library.ESLconnection(address.host, str(address.port), address.password))

        attempt = threading.Thread(target=connect, daemon=True, name="python-esl-connect")
        attempt.start()
        attempt.join(connect_timeout)
        if not made:
            raise ConnectFailed(f"{address.host}:{address.port}: no answer in {connect_timeout} s")
        if not made[0].connected():
            raise AuthenticationRefused(f"{address.host}:{address.port}: no connection or a refused password")
        connection = cls(made[0])
        connection._tune()
        return connection

    def subscribe(self, subscription: Subscription = WHAT_MATTERS) -> None:
        """Ask for events, in JSON."""
        reply = self._reply("event json", subscription.words)
        if not reply.ok:
            raise AuthenticationRefused(f"events refused: {reply.text}")

    def recv(self, timeout: float) -> list[bytes]:
        """Return the next event body, waiting up to `timeout` seconds for it to begin.

        One at a time: looking for a second would keep the first back while the library waits for the rest
        of a frame that has only begun.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._raise_if_over()
            left = max(deadline - time.monotonic(), 0.0)
            event = self._esl.recvEventTimed(max(int(left * 1000), 1))
            body = self._body(event) if event is not None else None
            if body is not None:
                return [body]
            if left <= 0 and self._esl.connected():
                return []

    def api(self, command: str, timeout: float = 10.0) -> Reply:
        """Send an api command and return its reply, however long it takes."""
        return self._reply("api", command)

    def bgapi(self, command: str) -> str:
        """Send a command to be run in the background and return its job's uuid."""
        return self._send_and_receive("bgapi", command).getHeader("Job-UUID") or ""

    def heard(self) -> int:
        """Return how many frames have come; the library hides the bytes."""
        return self._received

    def close(self) -> None:
        """End the connection; repeatable."""
        if not self._closed:
            self._closed = True
            self._esl.disconnect()

    def _tune(self) -> None:
        with socket.socket(fileno=os.dup(self._esl.socketDescriptor())) as sock:
            tune(sock)

    def _body(self, event: Any) -> bytes | None:
        """Return an event's body: as it came when the library could not parse it, else written anew."""
        self._received += 1
        name = event.getHeader("Event-Name")
        self._shutting_down = self._shutting_down or name == SHUTDOWN
        if name != FRAME:
            return library_bytes(event.serialize("json"))
        if event.getHeader("Content-Type") != "text/event-json":
            return None
        return library_bytes(event.getBody() or "")

    def _reply(self, verb: str, rest: str) -> Reply:
        event = self._send_and_receive(verb, rest)
        return Reply.parse(event.getBody() or event.getHeader("Reply-Text") or "")

    def _send_and_receive(self, verb: str, rest: str) -> Any:
        line = wire_line(verb, rest).decode()
        self._raise_if_over()
        event = self._esl.sendRecv(line)
        if event is None:
            raise CommandLost("the connection ended")
        return event

    def _raise_if_over(self) -> None:
        if self._closed:
            raise ConnectionClosed(CloseReason.OURS)
        if not self._esl.connected():
            reason = CloseReason.SHUTDOWN if self._shutting_down else CloseReason.CLOSED
            raise ConnectionClosed(reason, "the switch closed the connection")


def library_bytes(text: str) -> bytes:
    """Return the bytes that the library gave as text."""
    return text.encode("utf-8", "surrogateescape")
