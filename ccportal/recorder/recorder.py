"""The thread that decides: fed with what the reader reads, never waited for by it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from re import compile as pattern
from typing import Final

import msgspec

from ccportal.recorder.asking import Asked
from ccportal.recorder.engine import Engine
from ccportal.recorder.lanes import Lanes
from ccportal.recorder.orders import Answered, Give, Order, Purpose, Tell
from ccportal.recorder.sweep import Sweep
from policies.snapshot import Snapshot
from switch.errors import JournalError, MalformedEvent
from switch.esl.connection import Address
from switch.esl.translate import RECORD_SUBCLASS, Translator
from switch.journal import Journal

log = logging.getLogger(__name__)

MOST_WAITING: Final = 20_000
MOST_AT_ONCE: Final = 8
SWEEP_SECONDS: Final = 60.0
LONGEST_WAIT: Final = 1.0
STOP_SECONDS: Final = 2.0
CONTROL: Final = "control"
HEAD: Final = 1024
NAME: Final = pattern(rb'"Event-Name":"([A-Z_]+)"')
SUBCLASS: Final = RECORD_SUBCLASS.encode()
NEEDED: Final = frozenset(
    {
        b"CHANNEL_CREATE",
        b"CHANNEL_ANSWER",
        b"CHANNEL_BRIDGE",
        b"CHANNEL_HANGUP_COMPLETE",
        b"RECORD_START",
        b"RECORD_STOP",
        b"MEDIA_BUG_START",
    }
)


@dataclass(frozen=True, slots=True)
class Bodies:
    """What was read together, and when, monotonic."""

    bodies: list[bytes]
    read_at: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing comes behind this."""


class Word:
    """Something to be done that carries nothing: look at all live legs."""


SWEEP: Final = Word()
Item = Bodies | Answered | Asked | Snapshot | Word | Stop


class Recorder:
    """Decides and commands for one switch.

    ``offer`` never waits: when too much waits already, bodies are dropped and counted in ``dropped``, and the
    switch itself is asked for what they told.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        journal: Journal,
        snapshot: Snapshot,
        sent: Callable[[Give], object] = lambda give: None,
        heard: Callable[[Asked, bool], object] = lambda asked, found: None,
    ) -> None:
        self.dropped = 0
        self._name = name
        self._journal = journal
        self._inbox: SimpleQueue[Item] = SimpleQueue()
        self._heard = heard
        self._offered = self._handled = 0
        self._lossy = False
        self._journal_failing = False
        self._translate = Translator().translate
        self._engine = Engine(snapshot)
        self._sweep = Sweep(self._engine, Translator())
        self._sweep_at = 0.0
        self._unmet: list[Asked] = []
        self._open_lanes = partial(Lanes, name, address, self._inbox.put, sent)
        self._lanes = self._open_lanes() if snapshot.asks_for_something else None
        self._thread = threading.Thread(target=self._run, name=f"{name}: recorder", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def offer(self, bodies: list[bytes]) -> None:
        """Give what was read; from the reader's thread alone."""
        if self._offered - self._handled > MOST_WAITING:
            self.dropped += len(bodies)
            self._lossy = True
            return
        self._offered += len(bodies)
        self._inbox.put(Bodies(bodies, time.monotonic()))
        if self._lossy:
            log.error("switch %s: the recorder missed %d events in all", self._name, self.dropped)
            self._lossy = False
            self._inbox.put(SWEEP)

    def sweep(self) -> None:
        """Look at all live legs, as after a time without a connection."""
        self._inbox.put(SWEEP)

    def renew(self, snapshot: Snapshot) -> None:
        """Decide by these policies from now on."""
        self._inbox.put(snapshot)

    def ask(self, asked: Asked) -> None:
        """Do what somebody asked for a live leg."""
        self._inbox.put(asked)

    def stop(self) -> None:
        """End; what was armed stays armed, and what runs runs on."""
        self._inbox.put(Stop())
        self._thread.join(STOP_SECONDS)
        if self._lanes is not None:
            self._lanes.stop(STOP_SECONDS)

    def _run(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Do what waits, then what follows from it; False at the end."""
        for item in self._waiting():
            if isinstance(item, Stop):
                return False
            self._take(item)
        now = time.monotonic()
        self._engine.book.tick(now)
        if now >= self._sweep_at and self._lanes is not None:
            self._begin_sweep(now)
        self._carry_out(self._engine.orders())
        return True

    def _waiting(self) -> list[Item]:
        items: list[Item] = []
        try:
            items.append(self._inbox.get(timeout=self._patience()))
            while len(items) < MOST_AT_ONCE:
                items.append(self._inbox.get_nowait())
        except Empty:
            pass
        return items

    def _patience(self) -> float:
        timer = self._engine.book.next_timer
        wait = LONGEST_WAIT if timer is None else timer - time.monotonic()
        return min(max(wait, 0.0), LONGEST_WAIT)

    def _take(self, item: Item) -> None:
        match item:
            case Bodies():
                for body in item.bodies:
                    self._hear(body, item.read_at)
                self._handled += len(item.bodies)
            case Answered():
                self._done(item)
            case Asked():
                self._wake()
                self._ask(item)
            case Snapshot():
                self._renewed(item)
            case Word():
                self._sweep_at = 0.0

    def _hear(self, body: bytes, read_at: float) -> None:
        """Take one event; one that cannot be understood stops nothing behind it."""
        if not is_needed(body):
            return
        try:
            event = self._translate(body)
            if event is not None:
                self._engine.hear(event, read_at)
                self._ask_for_unmet()
        except MalformedEvent as error:
            log.debug("switch %s: %s", self._name, error)
        except Exception:
            log.exception("switch %s: the recorder could not take an event: %r", self._name, body[:200])

    def _ask(self, asked: Asked) -> None:
        """Do what was asked; of a leg that we have not met the switch is asked first."""
        if self._engine.knows(asked.leg):
            self._heard(asked, self._engine.ask(asked, time.monotonic()))
        else:
            self._unmet.append(asked)
            self._begin_sweep(time.monotonic())

    def _ask_for_unmet(self) -> None:
        unmet, self._engine.unmet = self._engine.unmet, []
        for asked in unmet:
            self._ask(asked)

    def _meet(self, done: Answered) -> None:
        """Do what waited for the switch's answers; when it gave none, nobody knows."""
        unmet, self._unmet = self._unmet, []
        for asked in unmet if done.ok else ():
            self._heard(asked, self._engine.ask(asked, time.monotonic()))

    def _done(self, done: Answered) -> None:
        if done.give.purpose in (Purpose.LIST, Purpose.LOOK):
            self._carry_out(self._sweep.done(done))
            if self._unmet and self._sweep.over:
                self._meet(done)
        else:
            self._engine.done(done)

    def _begin_sweep(self, now: float) -> None:
        self._sweep_at = now + SWEEP_SECONDS
        self._carry_out(self._sweep.begin(now))

    def _renewed(self, snapshot: Snapshot) -> None:
        """Calls that began before anything was known of accounts are looked at once more."""
        if snapshot.asks_for_something:
            self._wake()
        knew_nothing = not self._engine.snapshot.rows.accounts
        self._engine.snapshot = snapshot
        if knew_nothing:
            self._engine = Engine(snapshot)
            self._sweep = Sweep(self._engine, Translator())
            self._sweep_at = 0.0

    def _wake(self) -> Lanes:
        """Connect for commands and look at all live legs; without a reason the switch is left alone."""
        if self._lanes is None:
            self._lanes = self._open_lanes()
            self._sweep_at = 0.0
        return self._lanes

    def _carry_out(self, orders: list[Order]) -> None:
        """First the journal, then the switch."""
        self._keep([msgspec.json.encode(order.event) for order in orders if isinstance(order, Tell)])
        if gives := [order for order in orders if isinstance(order, Give)]:
            self._wake().put(gives)

    def _keep(self, records: list[bytes]) -> None:
        """Keep our records; without a journal calls are recorded all the same."""
        if not records:
            return
        try:
            self._journal.append(records, CONTROL)
        except JournalError as error:
            if not self._journal_failing:
                log.error("switch %s: the journal refused the recorder: %s", self._name, error)  # noqa: TRY400
            self._journal_failing = True
        else:
            self._journal_failing = False


def is_needed(body: bytes) -> bool:
    """Tell from an event's head whether it says anything to us."""
    head = body[:HEAD]
    name = NAME.search(head)
    return name is not None and (name[1] in NEEDED or (name[1] == b"CUSTOM" and SUBCLASS in head))
