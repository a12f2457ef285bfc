"""Stay connected to a switch: sign in, subscribe, read, and begin again when the connection ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from switch.backoff import Backoff, Watchdog
from switch.errors import CloseReason, ConnectionClosed, SwitchError
from switch.esl.subscription import WHAT_MATTERS, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from switch.esl.connection import Address, Connect, EventSource


@dataclass(frozen=True, slots=True)
class Received:
    """Event bodies, in the order in which they came; none when nothing came in time."""

    bodies: list[bytes]


@dataclass(frozen=True, slots=True)
class Connected:
    """Events come from now on; `at` is in seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Events may be missing from `since`, when something last came; times in seconds since the epoch."""

    since: float
    at: float
    reason: CloseReason
    text: str


@dataclass(frozen=True, slots=True)
class NotConnected:
    """An attempt failed, or the next one is not due; `error` is the last attempt's."""

    error: SwitchError | None


Happening = Received | Connected | Disconnected | NotConnected


@dataclass
class EventSession:
    """Yield what comes from one switch, one step at a time, over as many connections as it takes.

    1. Without a connection: wait until the next attempt is due, connect and subscribe -> Connected.
    2. With one: read -> Received; its end, or silence for 2.5 heartbeats -> Disconnected.
    Every byte read is returned before the Disconnected that follows it.
    """

    address: Address
    connect: Connect
    subscription: Subscription = WHAT_MATTERS
    backoff: Backoff = field(default_factory=Backoff)
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(time.monotonic()))
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    source: EventSource | None = None
    last_heard: float = 0.0
    _next_attempt: float = 0.0
    _heard: int = 0
    _failure: SwitchError | None = None

    def step(self, timeout: float) -> Happening:
        """Do one thing in about `timeout` seconds at most; an attempt to connect takes its own time."""
        if self.source is None:
            return self._attempt(timeout)
        try:
            bodies = self.source.recv(timeout)
        except ConnectionClosed as end:
            return self._disconnected(end)
        return self._received(self.source, bodies)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self.source is not None:
            self.source.close()
            self.source = None

    def _attempt(self, timeout: float) -> Happening:
        until_due = self._next_attempt - self.monotonic()
        if until_due > 0:
            self.wait(min(until_due, timeout))
            if until_due > timeout:
                return NotConnected(self._failure)
        source: EventSource | None = None
        try:
            source = self.connect(self.address)
            source.subscribe(self.subscription)
        except SwitchError as failure:
            if source is not None:
                source.close()
            return self._failed(failure)
        return self._connected(source)

    def _failed(self, failure: SwitchError) -> NotConnected:
        if failure.permanent:
            raise failure
        self._failure = failure
        self._next_attempt = self.monotonic() + self.backoff.next_delay()
        return NotConnected(failure)

    def _connected(self, source: EventSource) -> Connected:
        self.source, self._heard, self._failure = source, source.heard(), None
        self.last_heard = self.clock()
        self.watchdog.heard(self.monotonic())
        return Connected(self.last_heard)

    def _received(self, source: EventSource, bodies: list[bytes]) -> Happening:
        heard = source.heard()
        if bodies or heard != self._heard:
            self._heard = heard
            self.last_heard = self.clock()
            self.watchdog.heard(self.monotonic())
            self.backoff.reset()
        elif self.watchdog.expired(self.monotonic()):
            return self._disconnected(ConnectionClosed(CloseReason.SILENT, "no heartbeat"))
        return Received(bodies)

    def _disconnected(self, end: ConnectionClosed) -> Disconnected:
        self.close()
        self._next_attempt = self.monotonic() + self.backoff.next_delay()
        return Disconnected(self.last_heard, self.clock(), end.reason, end.text)
