"""One switch's listener: the lock, the link to the switch, and the applier, looked after by one loop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from ccportal.listener.applier_process import ApplierProcess
from ccportal.listener.clerk import Clerk, ClerkThread
from ccportal.listener.live import LiveKeeper
from ccportal.listener.parameters import Parameters, load_copy
from ccportal.listener.reader import Link
from ccportal.listener.standby import FirstLease, Lock
from ccportal.recorder.desk import Desk
from switch.errors import JournalError
from switch.esl.connection import Connect
from switch.esl.session import EventSession
from switch.journal import Journal

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.2
SYNC_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 5.0
WAIT_FOR_LEASE_SECONDS: Final = 15.0


@dataclass
class Every:
    """Says yes once in a while."""

    seconds: float
    _next: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self.seconds
        return True


@dataclass
class Listener:
    """Listens to one switch until stopped, or with `once` until the switch closes and all is committed.

    1. Take the machine's lock, or stand by until it is free.
    2. Start the applier, which takes the lease among machines; without a database nobody can refuse it.
    3. While the lease is not held elsewhere: read from the switch into the journal, and record.
    4. At the end: keep what was read; the applier ends after its transaction, with `once` after everything.
    """

    parameters: Parameters
    folder: Path
    connect: Connect
    once: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    _link: Link | None = None
    _desk: Desk | None = None
    _clerk: ClerkThread | None = None
    _live: LiveKeeper | None = None

    def run(self) -> int:
        """Listen; 0 after a wanted end."""
        lock = Lock(self.folder, self.parameters.id)
        if not lock.wait(self.parameters.name, self.stopping.wait):
            return 0
        try:
            with Journal.open(self.folder, self.parameters.id) as journal:
                return self._serve(journal)
        finally:
            lock.release()

    def _serve(self, journal: Journal) -> int:
        applier = ApplierProcess(self.folder, self.parameters.id)
        first = FirstLease(self.folder, self.parameters.id)
        broken = False
        try:
            broken = self._watch(journal, applier, first)
        finally:
            drained = self._end_link("the listener was stopped")
            journal.sync()
            if self.once and not broken:
                applier.finish(self.stopping.wait)
            applier.stop(DRAIN_SECONDS)
            first.end(DRAIN_SECONDS)
        return 1 if broken or not drained else 0

    def _watch(self, journal: Journal, applier: ApplierProcess, first: FirstLease) -> bool:
        """Look after everything until the end; True when a thread died."""
        sync, look = Every(SYNC_SECONDS), Every(LOOK_SECONDS)
        patience = time.monotonic() + WAIT_FOR_LEASE_SECONDS
        while not self.stopping.wait(TICK_SECONDS):
            applier.tick()
            unheard = "away" if time.monotonic() > patience else first.word
            self._follow_lease(applier.lease or unheard, journal)
            if sync.due():
                sync_quietly(journal)
            if look.due():
                self._follow_parameters()
            if self._link is not None and self._link.broken:
                return True
            if self._desk is not None and not self._desk.recorder.alive:
                return True
            if self._clerk is not None and not self._clerk.alive:
                return True
            if self._live is not None and not self._live.alive:
                return True
            if self.once and self._link is not None and self._link.reader.ended_once:
                return False
        return False

    def _follow_lease(self, lease: str, journal: Journal) -> None:
        if lease == "elsewhere":
            if self._link is not None:
                log.info("switch %s: another machine listens; standing by", self.parameters.name)
            self._end_link("another machine listens")
        elif lease and self._link is None:
            told = self.parameters
            session = EventSession(told.address, self.connect)
            self._desk = Desk(told.id, told.name, told.address, self.folder, journal)
            self._clerk = ClerkThread(Clerk(told.id, told.name, told.address), told.name)
            self._live = LiveKeeper(told.id, told.name, told.address, journal)
            self._live.start()
            self._link = Link(told.name, session, journal, self._desk.recorder, self._live)

    def _follow_parameters(self) -> None:
        """Connect anew when the switch's address or password was changed."""
        told = load_copy(self.folder, self.parameters.id)
        if told is None or told == self.parameters:
            return
        log.info("switch %s: its parameters were changed", told.name)
        self.parameters = told
        self._end_link("the parameters were changed")

    def _end_link(self, reason: str) -> bool:
        """End the connection if there is one; False when what was read could not be kept in time."""
        link, self._link = self._link, None
        desk, self._desk = self._desk, None
        clerk, self._clerk = self._clerk, None
        live, self._live = self._live, None
        kept = link is None or link.stop(reason, DRAIN_SECONDS)
        for helper in (desk, clerk, live):
            if helper is not None:
                helper.stop()
        return kept


def sync_quietly(journal: Journal) -> None:
    """Make the journal survive a power cut; a disk that refuses is the keeper's to complain of."""
    try:
        journal.sync()
    except JournalError as error:
        log.debug("%s", error)


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Call `stop` at SIGTERM and SIGINT."""

    def handle(number: int, frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
