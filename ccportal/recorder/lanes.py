"""Several connections for commands: one leg's commands stay in order, and no slow one holds up the others."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from ccportal.recorder.orders import Answered, Give
from switch.commands import Reply
from switch.errors import SwitchError
from switch.esl.command_connection import CommandConnection
from switch.esl.connection import Address

log = logging.getLogger(__name__)

LANES: Final = 4
MOST_AT_ONCE: Final = 16
REPLY_SECONDS: Final = 5.0


class Lane:
    """One connection in a thread of its own; it ends when it is told nothing more will come."""

    def __init__(
        self, name: str, address: Address, tell: Callable[[Answered], object], sent: Callable[[Give], object]
    ) -> None:
        self._waiting: SimpleQueue[Give | None] = SimpleQueue()
        self._connection = CommandConnection(address)
        self._tell = tell
        self._sent = sent
        self._thread = threading.Thread(target=self._run, name=f"{name}: commands", daemon=True)
        self._thread.start()

    def put(self, give: Give | None) -> None:
        self._waiting.put(give)

    def join(self, patience: float) -> None:
        self._thread.join(patience)

    def _run(self) -> None:
        self._connect()
        try:
            while gives := self._next():
                self._carry_out(gives)
        finally:
            self._connection.close()

    def _connect(self) -> None:
        """Be ready before the first order, which can be one that is in a hurry."""
        try:
            self._connection.send_all([])
        except SwitchError as error:
            log.info("no connection for commands yet: %s", error)

    def _next(self) -> list[Give]:
        """Wait for orders and take those that wait; none at the end."""
        give = self._waiting.get()
        gives: list[Give] = []
        while give is not None:
            gives.append(give)
            if len(gives) == MOST_AT_ONCE:
                break
            try:
                give = self._waiting.get_nowait()
            except Empty:
                break
        if give is None:
            self._waiting.put(None)
            if not gives:
                return []
        return gives

    def _carry_out(self, gives: list[Give]) -> None:
        for give in gives:
            self._sent(give)
        failure = ""
        replies: list[Reply] = []
        try:
            replies = self._connection.send_all([c for give in gives for c in give.commands], REPLY_SECONDS)
        except SwitchError as error:
            log.warning("commands were not carried out: %s", error)
            failure = f"The switch could not be told: {error}"
        at = time.monotonic()
        for give in gives:
            own, replies = replies[: len(give.commands)], replies[len(give.commands) :]
            self._tell(Answered(give, tuple(own), at, failure))


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

    def put(self, give: Give) -> None:
        self._lanes[zlib.crc32(give.leg.encode()) % LANES].put(give)

    def stop(self, patience: float) -> None:
        """Let what waits be given, as far as there is time."""
        for lane in self._lanes:
            lane.put(None)
        deadline = time.monotonic() + patience
        for lane in self._lanes:
            lane.join(max(deadline - time.monotonic(), 0.0))
