"""The applier as a process: started anew when it dies, and gone when the listener is."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from switch.backoff import Backoff

if TYPE_CHECKING:
    from ccportal.listener.applier import Applier

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.1
STEADY_SECONDS: Final = 60.0
SPAWN: Final = multiprocessing.get_context("spawn")


def run_applier(folder: Path, switch_id: str, orders: Connection) -> None:
    """Apply a switch's journal until told to stop or to finish, or until the listener is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import django

    django.setup()
    from ccportal.listener.applier import Applier
    from ccportal.listener.standby import listener_name

    applier = Applier(folder, switch_id, listener_name(folder), tell=lambda word: tell(orders, word))
    collect_garbage_rarely()
    try:
        obey(applier, orders)
    finally:
        applier.close()


def collect_garbage_rarely() -> None:
    """A pass makes many objects and no cycles: to look for some all the time costs a tenth of it."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def tell(orders: Connection, word: str) -> None:
    """Tell the listener something; one that is gone needs to hear nothing."""
    try:
        orders.send(word)
    except OSError:
        return


def obey(applier: Applier, orders: Connection) -> None:
    """Take steps; after "stop" end at once, after "finish" when everything is applied."""
    finishing = False
    did = True
    while True:
        try:
            order = orders.recv() if orders.poll(0.0 if did else IDLE_SECONDS) else ""
        except (EOFError, OSError):
            return
        if order == "stop":
            return
        finishing = finishing or order == "finish"
        did = applier.step()
        if finishing and not did and applier.caught_up():
            return


@dataclass
class ApplierProcess:
    """The listener's end: keeps the process alive. `lease` is the last word heard, empty at first."""

    folder: Path
    switch_id: str
    backoff: Backoff = field(default_factory=lambda: Backoff(1.0, 30.0))
    lease: str = ""
    _process: SpawnProcess | None = None
    _orders: Connection | None = None
    _start_at: float = 0.0
    _started_at: float = 0.0

    def tick(self) -> None:
        """Start the process if it is not there, and hear what it says."""
        if self._process is not None and self._process.exitcode not in (None, 0):
            self._buried(self._process)
        if self._process is None and time.monotonic() >= self._start_at:
            self._start()
        while self._orders is not None and self._has_word(self._orders):
            pass

    def finish(self, give_up: Callable[[float], bool]) -> None:
        """Wait until everything in the journal is in the database, or until `give_up` says to stop."""
        told: SpawnProcess | None = None
        while not self._ended_well:
            self.tick()
            if self._process is not told:
                told = self._process
                self._order("finish")
            if give_up(IDLE_SECONDS):
                return

    def stop(self, patience: float) -> None:
        """End the process; the journal keeps what it did not come to."""
        self._order("stop")
        if self._process is None:
            return
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def _ended_well(self) -> bool:
        return self._process is not None and self._process.exitcode == 0

    def _start(self) -> None:
        self._orders, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(
            target=run_applier, args=(self.folder, self.switch_id, theirs), name="applier", daemon=True
        )
        self._process.start()
        theirs.close()
        self._started_at = time.monotonic()

    def _buried(self, process: SpawnProcess) -> None:
        log.error("the applier of switch %s ended with %s", self.switch_id, process.exitcode)
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self.backoff.reset()
        self._process = self._orders = None
        self._start_at = time.monotonic() + self.backoff.next_delay()

    def _has_word(self, orders: Connection) -> bool:
        try:
            if not orders.poll():
                return False
            self.lease = orders.recv()
        except (EOFError, OSError):
            return False
        return True

    def _order(self, word: str) -> None:
        if self._orders is not None:
            tell(self._orders, word)
