"""Several connections for commands: one leg's commands stay in order, and no slow one holds up the others.

What is to be sent is sent at once, whatever replies are still to come.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from ccportal.recorder.orders import Answered, Give
from switch.commands import Reply
from switch.errors import SwitchError
from switch.esl.connection import Address
from switch.esl.native import NativeConnection

log = logging.getLogger(__name__)

LANES: Final = 4
WAIT_SECONDS: Final = 1.0
CONNECT_SECONDS: Final = 5.0
REPLY_SECONDS: Final = 5.0
MOST_SENDINGS: Final = 2


@dataclass(slots=True)
class Sent:
    """An order whose replies are awaited."""

    give: Give
    since: float = 0.0
    sendings: int = 0
    replies: list[Reply] = field(default_factory=list)


class Lane:
    """One connection in a thread of its own; ``None`` behind the orders ends it."""

    def __init__(
        self, name: str, address: Address, tell: Callable[[Answered], object], sent: Callable[[Give], object]
    ) -> None:
        self._address = address
        self._tell = tell
        self._sent = sent
        self._orders: SimpleQueue[Give | None] = SimpleQueue()
        self._awaited: deque[Sent] = deque()
        self._connection: NativeConnection | None = None
        self._over = False
        self._woken, self._waking = socket.socketpair()
        for end in (self._woken, self._waking):
            end.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"{name}: commands", daemon=True)
        self._thread.start()

    def put(self, *orders: Give | None) -> None:
        """Have orders sent, waking the lane once for all of them."""
        for order in orders:
            self._orders.put(order)
        with contextlib.suppress(BlockingIOError):
            self._waking.send(b"!")

    def join(self, patience: float) -> None:
        self._thread.join(patience)

    def _run(self) -> None:
        try:
            self._connect()
            while not self._over or self._awaited:
                self._wait()
                self._step()
        finally:
            self._drop()
            self._woken.close()
            self._waking.close()

    def _wait(self) -> None:
        ends: list[socket.socket | NativeConnection] = [self._woken]
        if self._connection is not None:
            ends.append(self._connection)
        select.select(ends, [], [], WAIT_SECONDS)
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def _step(self) -> None:
        """Send what waits, take the replies that came, and deal with a connection that is no more."""
        waiting = [Sent(give) for give in self._waiting()]
        try:
            if waiting:
                self._send(waiting)
            self._take_replies()
        except SwitchError as error:
            self._lost(error)

    def _waiting(self) -> list[Give]:
        gives: list[Give] = []
        with contextlib.suppress(Empty):
            while (give := self._orders.get_nowait()) is not None:
                gives.append(give)
            self._over = True
        return gives

    def _send(self, orders: list[Sent]) -> None:
        """Send orders; they are awaited also when sending fails, and sent again then."""
        self._awaited += orders
        connection = self._connect()
        if connection is None:
            return
        for order in orders:
            order.sendings += 1
            order.since = time.monotonic()
            self._sent(order.give)
        connection.give(command.line for order in orders for command in order.give.commands)

    def _take_replies(self) -> None:
        if self._connection is None:
            return
        for reply in self._connection.replies():
            self._take(reply)
        if not self._connection.alive() or self._is_late():
            self._lost(None)

    def _take(self, reply: Reply) -> None:
        if not self._awaited:
            return
        first = self._awaited[0]
        first.replies.append(reply)
        if len(first.replies) == len(first.give.commands):
            self._awaited.popleft()
            self._tell(Answered(first.give, tuple(first.replies), time.monotonic()))

    def _is_late(self) -> bool:
        return bool(self._awaited) and time.monotonic() - self._awaited[0].since > REPLY_SECONDS

    def _connect(self) -> NativeConnection | None:
        """Connect if need be, so that the first order need not wait; without a connection orders fail."""
        if self._connection is None:
            try:
                self._connection = NativeConnection.open(self._address, CONNECT_SECONDS)
            except SwitchError as error:
                log.warning("no connection for commands: %s", error)
                self._fail_all(f"The switch could not be told: {error}")
        return self._connection

    def _lost(self, error: SwitchError | None) -> None:
        """Send what was not answered once more on another connection: doing it twice is doing it once."""
        self._drop()
        left = [Sent(order.give, sendings=order.sendings) for order in self._awaited]
        self._awaited.clear()
        again = [order for order in left if order.sendings < MOST_SENDINGS]
        for order in left:
            if order.sendings >= MOST_SENDINGS:
                self._fail(order, f"The switch gave no answer: {error or 'the connection ended'}")
        if again:
            try:
                self._send(again)
            except SwitchError as second:
                self._drop()
                self._fail_all(f"The switch could not be told: {second}")

    def _fail_all(self, failure: str) -> None:
        while self._awaited:
            self._fail(self._awaited.popleft(), failure)

    def _fail(self, order: Sent, failure: str) -> None:
        self._tell(Answered(order.give, (), time.monotonic(), failure))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Lanes:
    """The lanes to one switch."""

    def __init__(
        self,
        name: str,
        address: Address,
        tell: Callable[[Answered], object],
        sent: Callable[[Give], object] = lambda give: None,
    ) -> None:
        self._lanes = [Lane(name, address, tell, sent) for _ in range(LANES)]

    def put(self, gives: Iterable[Give]) -> None:
        by_lane: defaultdict[int, list[Give]] = defaultdict(list)
        for give in gives:
            by_lane[zlib.crc32(give.leg.encode()) % LANES].append(give)
        for lane, some in by_lane.items():
            self._lanes[lane].put(*some)

    def stop(self, patience: float) -> None:
        """Let what waits be given, as far as there is time."""
        for lane in self._lanes:
            lane.put(None)
        deadline = time.monotonic() + patience
        for lane in self._lanes:
            lane.join(max(deadline - time.monotonic(), 0.0))
