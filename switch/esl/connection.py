"""A connection to a switch's event socket: what both backends offer, and which one to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from switch.errors import BackendMissing, CloseReason, ConnectionClosed, UnsafeValue
from switch.esl.subscription import WHAT_MATTERS, Subscription

if TYPE_CHECKING:
    from switch.commands import Reply

BACKENDS: Final = {
    "native": ("switch.esl.native", "NativeConnection"),
    "python_esl": ("switch.esl.python_esl", "PythonEslConnection"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a switch listens and the word it wants to hear; the word is never shown."""

    host: str
    port: int = 8021
    password: str = field(default="ClueCon", repr=False)


class EventSource(Protocol):
    """One signed-in connection, used by one thread; after an error it is done with: make another."""

    def subscribe(self, subscription: Subscription = WHAT_MATTERS) -> None:
        """Ask for events, in JSON. Raises AuthenticationRefused when the switch will not send them."""

    def recv(self, timeout: float) -> list[bytes]:
        """Return the event bodies that came, waiting up to `timeout` seconds for the first.

        Raises ConnectionClosed when there is nothing more to come, with the reason; never before
        every body read was returned.
        """

    def api(self, command: str, timeout: float = 10.0) -> Reply:
        """Send an api command and return its reply; events that come meanwhile are kept for recv."""

    def bgapi(self, command: str) -> str:
        """Send a command to be run in the background and return its job's uuid."""

    def heard(self) -> int:
        """Return how many bytes, or where the backend hides them frames, have come."""

    def close(self) -> None:
        """End the connection; repeatable."""


class Connect(Protocol):
    """What makes a signed-in connection, or raises ConnectFailed."""

    def __call__(self, address: Address, connect_timeout: float = 5.0) -> EventSource: ...


def backend(name: str) -> Connect:
    """Return the backend of a name. Raises BackendMissing when it is unknown or not installed."""
    if name not in BACKENDS:
        raise BackendMissing(f"no ESL backend {name!r}; there are {', '.join(BACKENDS)}")
    module, attribute = BACKENDS[name]
    return cast("Connect", getattr(import_module(module), attribute).open)


def wire_line(verb: str, rest: str) -> bytes:
    """Return a command as it goes on the wire. Raises UnsafeValue unless it is exactly one line of text."""
    shown = "" if verb == "auth" else rest
    if not rest.strip() or any(character in rest for character in "\r\n\0"):
        raise UnsafeValue(verb, shown, "exactly one line is allowed")
    try:
        return f"{verb} {rest}".encode()
    except UnicodeEncodeError as error:
        raise UnsafeValue(verb, shown, "surrogates are not text") from error


def closing(notice: str) -> ConnectionClosed:
    """Return the end of a connection that a disconnect notice tells of."""
    if "shut down" in notice:
        return ConnectionClosed(CloseReason.SHUTDOWN, notice)
    if "killed listener" in notice or "lost events" in notice:
        return ConnectionClosed(CloseReason.KILLED, notice)
    return ConnectionClosed(CloseReason.NOTICE, notice)
