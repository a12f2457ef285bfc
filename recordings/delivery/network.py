"""Where to connect, checked anew for each connection, and how long any of it may take.

Nothing here or in what uses it looks a name up but ``policies.addresses.check_url``: a connection goes to the
addresses that were checked, so that a name which changes its address meanwhile leads nowhere else.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from policies.addresses import Destination, Resolve, UnknownHost, UnsafeUrl, check_url, read_url
from recordings.delivery.errors import DeliveryFailed

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Network:
    """The world outside; times in seconds. ``allowed`` None means the operator's setting."""

    resolve: Resolve = socket.getaddrinfo
    allowed: Collection[str] | None = None
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    connect_seconds: float = 10.0
    silence_seconds: float = 60.0
    whole_seconds: float = 600.0


@dataclass(frozen=True)
class Place:
    """A url that was checked: its parts, and the addresses to connect to, in order."""

    parts: SplitResult
    destination: Destination
    addresses: list[str]

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.destination.scheme, self.destination.host, self.destination.port

    @property
    def user(self) -> tuple[str, str] | None:
        if self.parts.username is None:
            return None
        return unquote(self.parts.username), unquote(self.parts.password or "")


def find(url: str, network: Network) -> Place:
    """Check a url and return where it leads now."""
    try:
        destination = read_url(url)
        addresses = check_url(url, network.resolve, network.allowed)
    except UnknownHost as unknown:
        raise DeliveryFailed(str(unknown)) from None
    except UnsafeUrl as unsafe:
        raise DeliveryFailed(f"Refused: {unsafe}", permanent=True) from None
    return Place(urlsplit(url), destination, [str(address) for address in addresses])


@dataclass
class Deadline:
    """The moment at which all of a try is over, however busy the other side keeps us."""

    seconds: float
    ends_at: float = field(init=False)
    is_over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.ends_at = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        return max(0.1, self.ends_at - time.monotonic())

    @contextmanager
    def over(self, find_sockets: Callable[[], list[socket.socket | None]]) -> Iterator[None]:
        """Cut the sockets off when the time is up: a timeout per read alone would let a slow one go on."""
        timer = threading.Timer(self.left, self.cut, [find_sockets])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def cut(self, find_sockets: Callable[[], list[socket.socket | None]]) -> None:
        self.is_over = True
        for sock in filter(None, find_sockets()):
            with contextlib.suppress(OSError):
                # Of a TLS socket the plain one below: its own shutdown would wait for the other side.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def words_of(error: BaseException, deadline: Deadline | None = None) -> str:
    """A network's error as a person reads it: no address, no url."""
    if deadline and deadline.is_over:
        return f"It took longer than {deadline.seconds:.0f} seconds."
    cause: Any = error
    while not isinstance(cause, OSError) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate is not valid for the host: {cause.verify_message}."
    if isinstance(cause, TimeoutError):
        return "The receiver did not answer in time."
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'no reason given'}."
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror}."
    return f"The connection broke ({type(cause).__name__})."
