"""Socket to memory, memory to journal: two threads, so that a slow disk never keeps a switch waiting."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from ccportal.listener import gaps
from ccportal.listener.backlog import Backlog, Parcel
from ccportal.listener.live import LiveKeeper
from ccportal.recorder.recorder import Recorder
from switch.errors import JournalError
from switch.esl.session import Connected, Disconnected, EventSession, NotConnected, Received
from switch.journal import Journal

log = logging.getLogger(__name__)

STEP_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 0.5


class Reader:
    """Moves what comes from a switch into the backlog, with a record for each window without a connection."""

    def __init__(
        self,
        name: str,
        session: EventSession,
        backlog: Backlog,
        unheard_since: int,
        recorder: Recorder | None = None,
        live: LiveKeeper | None = None,
    ) -> None:
        self.ended_once = False
        self._recorder = recorder
        self._live = live
        self._name = name
        self._session = session
        self._backlog = backlog
        self._lost_at = unheard_since
        self._last_body: bytes | None = None
        self._complaint = ""
        self._dropped_at = 0

    def step(self) -> None:
        """Do one thing of the session."""
        happening = self._session.step(STEP_SECONDS)
        match happening:
            case Received():
                self._received(happening.bodies)
            case Connected():
                self._connected(happening)
            case Disconnected():
                self._disconnected(happening)
            case NotConnected():
                self._complain(str(happening.error or ""))

    def close(self, reason: str) -> None:
        """End the connection and say that nothing is heard from here on."""
        connected = self._session.source is not None
        self._session.close()
        if connected:
            self._lose(self._session.last_heard, reason)
        self._backlog.close()

    def give_up(self) -> None:
        """Let the keeper end although a step still goes on, as one that connects may; repeatable."""
        self._backlog.close()

    def _received(self, bodies: list[bytes]) -> None:
        if not bodies:
            return
        if self._recorder is not None:
            self._recorder.offer(bodies)
        if self._live is not None:
            self._live.offer(bodies)
        received_at = time.time()
        if self._backlog.put(bodies, received_at):
            self._note_dropped()
            self._last_body = bodies[-1]
        elif not self._dropped_at:
            self._dropped_at = gaps.unheard_from(received_at, self._last_body)
            log.error("switch %s: the journal takes nothing and memory is full: events are lost", self._name)

    def _note_dropped(self) -> None:
        if self._dropped_at:
            self._record(gaps.lost(self._dropped_at, "the journal took nothing"))
            self._record(gaps.restored(self._dropped_at, gaps.now()))
            self._dropped_at = 0

    def _connected(self, connected: Connected) -> None:
        log.info("switch %s: connected", self._name)
        self._complaint = ""
        self._record(gaps.restored(self._lost_at, int(connected.at * 1_000_000)))
        self._lost_at = 0
        if self._recorder is not None:
            self._recorder.sweep()
        if self._live is not None:
            self._live.connected()

    def _disconnected(self, disconnected: Disconnected) -> None:
        log.warning("switch %s: connection ended (%s)", self._name, disconnected.reason.value)
        self._lose(disconnected.since, disconnected.reason.value)
        self.ended_once = True

    def _lose(self, heard_at: float, reason: str) -> None:
        self._note_dropped()
        if self._live is not None:
            self._live.disconnected()
        self._lost_at = gaps.unheard_from(heard_at, self._last_body)
        self._record(gaps.lost(self._lost_at, reason))

    def _record(self, body: bytes) -> None:
        self._backlog.put([body], time.time(), gaps.CONTROL)

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.warning("switch %s: not connected: %s", self._name, complaint)
            self._complaint = complaint


class Keeper:
    """Moves the backlog into the journal."""

    def __init__(self, name: str, journal: Journal, backlog: Backlog) -> None:
        self._name = name
        self._journal = journal
        self._backlog = backlog
        self._failing = False
        self._pending: list[Parcel] = []

    def step(self) -> bool:
        """Keep one batch; False when there was nothing to keep or the journal refused it."""
        self._pending = self._pending or self._backlog.take(STEP_SECONDS)
        if not self._pending:
            return False
        bodies = [body for parcel in self._pending for body in parcel.bodies]
        try:
            self._journal.append(bodies, self._pending[0].kind, self._pending[-1].received_at)
        except JournalError as error:
            self._refused(error)
            return False
        self._accepted()
        return True

    @property
    def over(self) -> bool:
        return not self._pending and self._backlog.over

    @property
    def failing(self) -> bool:
        return self._failing

    def _refused(self, error: JournalError) -> None:
        if not self._failing:
            log.error("switch %s: the journal refused a batch: %s", self._name, error)
        self._failing = True

    def _accepted(self) -> None:
        if self._failing:
            log.warning("switch %s: the journal takes batches again", self._name)
        self._failing = False
        self._backlog.taken_care_of(self._pending)
        self._pending = []


class Link:
    """The two threads between one switch and its journal."""

    def __init__(
        self,
        name: str,
        session: EventSession,
        journal: Journal,
        recorder: Recorder | None = None,
        live: LiveKeeper | None = None,
    ) -> None:
        backlog = Backlog()
        since, told = gaps.unheard_since(journal)
        if since and not told:
            journal.append([gaps.lost(since, "the listener ended")], gaps.CONTROL)
        self.reader = Reader(name, session, backlog, since, recorder, live)
        self.keeper = Keeper(name, journal, backlog)
        self._reason = "the listener was stopped"
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"{name}: {work.__name__}", daemon=True)
            for work in (self._read, self._keep)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def broken(self) -> bool:
        """Whether one of the threads died."""
        return not (self._stopping.is_set() or all(thread.is_alive() for thread in self._threads))

    def stop(self, reason: str, patience: float) -> bool:
        """End the connection and keep what was read; False when that took too long."""
        self._reason = reason
        self._stopping.set()
        deadline = time.monotonic() + patience
        reading, keeping = self._threads
        reading.join(patience / 2)
        self.reader.give_up()
        keeping.join(max(deadline - time.monotonic(), 0.0))
        return not keeping.is_alive()

    def _read(self) -> None:
        try:
            while not self._stopping.is_set():
                self.reader.step()
        finally:
            self.reader.close(self._reason)

    def _keep(self) -> None:
        while not self.keeper.over:
            if not self.keeper.step() and self.keeper.failing:
                time.sleep(RETRY_SECONDS)
