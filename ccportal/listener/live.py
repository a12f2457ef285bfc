"""The live board's own way from what is read to the page: past the journal and the applier, which may lag.

1. The reader offers what it reads; what is about queues and agents goes to the board, in memory.
2. At each connection, and now and then, the switch's own lists correct the board.
3. What changed is written a few times a second. A database that is away gets it all when it is back.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

import msgspec
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import Switch
from ccportal.listener.gaps import CONTROL
from queues.live import LiveRows, Scene
from switch import events as ev
from switch.backoff import Backoff
from switch.errors import JournalError, MalformedEvent, SwitchError
from switch.esl.command_connection import CommandConnection
from switch.esl.connection import Address
from switch.esl.translate import Translator
from switch.journal import Journal
from switch.queue_board import Board
from switch.queue_lists import (
    ListRefused,
    Lists,
    list_agents,
    list_members,
    list_queues,
    list_tiers,
    read_agents,
    read_members,
    read_queues,
    read_tiers,
)

log = logging.getLogger(__name__)

STEP_SECONDS: Final = 0.1
WRITE_SECONDS: Final = 0.2
SEEN_SECONDS: Final = 5.0
LIST_SECONDS: Final = 20.0
AGAIN_SECONDS: Final = 1.0
RECENT_SECONDS: Final = 2.0
REPLY_SECONDS: Final = 2.0
STOP_SECONDS: Final = 2.0
MOST_WAITING: Final = 50_000
HEAD: Final = 1024
SUBCLASS: Final = b'"callcenter::info"'


@dataclass(frozen=True, slots=True)
class Heard:
    """Bodies that were read together; nothing when a connection began or ended."""

    bodies: tuple[bytes, ...] = ()
    connected: bool | None = None


class LiveKeeper:
    """Keeps a switch's live rows; ``offer``, ``connected`` and ``disconnected`` wait for nothing."""

    def __init__(self, switch_id: str, name: str, address: Address, journal: Journal) -> None:
        self.board = Board()
        self._journal = journal
        self._switch_id = uuid.UUID(switch_id)
        self._name = name
        self._commands = CommandConnection(address)
        self._inbox: SimpleQueue[Heard] = SimpleQueue()
        self._translate = Translator().translate
        self._recent: deque[tuple[float, ev.Event]] = deque()
        self._rows: LiveRows | None = None
        self._listed_at: dt.datetime | None = None
        self._connected = False
        self._changed = True
        self._list_at = self._write_at = self._seen_at = 0.0
        self._backoff = Backoff(0.5, 5.0)
        self._no_lists = self._away = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"{self._name}: live board", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread is None or self._thread.is_alive()

    def offer(self, bodies: list[bytes]) -> None:
        """Give what was read; when far too much waits it is left out, and the lists make up for it."""
        told = tuple(body for body in bodies if SUBCLASS in body[:HEAD])
        if not told:
            return
        if self._inbox.qsize() > MOST_WAITING:
            self._list_at = 0.0
            return
        self._inbox.put(Heard(told))

    def connected(self) -> None:
        """Say that events come from now on."""
        self._inbox.put(Heard(connected=True))

    def disconnected(self) -> None:
        """Say that nothing is heard any more."""
        self._inbox.put(Heard(connected=False))

    def stop(self) -> None:
        """End; the rows stay, with word that nobody keeps them."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        else:
            self._commands.close()

    def step(self, wait: float = STEP_SECONDS) -> None:
        """Take what waits, ask for the lists when it is time, write what changed."""
        self._take(wait)
        if self._rows is None and time.monotonic() >= self._write_at:
            self._begin()
        if self._connected and time.monotonic() >= self._list_at:
            self._correct()
        if time.monotonic() >= self._write_at and (self._changed or time.monotonic() >= self._seen_at):
            self._write()

    def _take(self, wait: float) -> None:
        try:
            heard = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
            while True:
                self._hear(heard)
                heard = self._inbox.get_nowait()
        except Empty:
            return

    def _hear(self, heard: Heard) -> None:
        self._changed = True
        if heard.connected is not None:
            self._connected = heard.connected
            self._list_at = 0.0
            self._recent.clear()  # what an earlier connection told is older than any list of this one
        for body in heard.bodies:
            try:
                event = self._translate(body)
            except MalformedEvent:
                continue
            if event is not None:
                self.board.hear(event)
                self._recent.append((time.monotonic(), event))

    def _correct(self) -> None:
        self._list_at = time.monotonic() + LIST_SECONDS
        self._forget_recent()
        at = time.time_ns() // 1000
        try:
            lists = ask_lists(self._commands)
        except ListRefused as error:
            self._without_lists(error)
            return
        except SwitchError as error:
            self._list_at = time.monotonic() + AGAIN_SECONDS
            self._without_lists(error)
            return
        self._no_lists = False
        missed = self.board.correct(lists, at, [event for _, event in self._recent])
        self._keep_missed(missed)
        self._listed_at = timezone.now()
        self.board.tidy()
        self._changed = True

    def _without_lists(self, error: Exception) -> None:
        if not self._no_lists:
            log.info("switch %s: no lists of queues: %s", self._name, type(error).__name__)
        self._no_lists = True

    def _keep_missed(self, missed: list[ev.AgentChanged]) -> None:
        """Have the applier write what only the lists told, as if it had been heard."""
        if not missed:
            return
        try:
            self._journal.append([msgspec.json.encode(change) for change in missed], CONTROL)
        except JournalError as error:
            log.warning("switch %s: %d changes of agents are not kept: %s", self._name, len(missed), error)

    def _forget_recent(self) -> None:
        old = time.monotonic() - RECENT_SECONDS
        while self._recent and self._recent[0][0] < old:
            self._recent.popleft()

    def _begin(self) -> None:
        """Take up what the last listener knew, unless the lists have told better already."""
        try:
            rows = LiveRows(Switch.objects.get(pk=self._switch_id))
            if self._listed_at is None:
                self.board.remember(*rows.remembered())
        except (DatabaseError, Switch.DoesNotExist) as error:
            self._database_away(error)
            return
        self._rows = rows

    def _write(self) -> None:
        if self._rows is None:
            return
        now = time.monotonic()
        callers, agents = self.board.callers(), self.board.agents()
        scene = Scene(callers, agents, self._connected, self._listed_at)
        try:
            self._rows.write(scene, timezone.now())
        except DatabaseError as error:
            self._database_away(error)
            return
        self._changed = self._away = False
        self._write_at, self._seen_at = now + WRITE_SECONDS, now + SEEN_SECONDS
        self._backoff.reset()

    def _database_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("switch %s: the live board is not written: %s", self._name, type(error).__name__)
        self._away = True
        connection.close()
        self._write_at = time.monotonic() + self._backoff.next_delay()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.step()
            self._take(0.0)
            self._connected = False
            self._write()
        finally:
            self._commands.close()
            connection.close()


def ask_lists(commands: CommandConnection) -> Lists:
    """All that mod_callcenter lists. Raises ``SwitchError`` or ``ListRefused``."""
    first = commands.send_all([list_queues(), list_agents(), list_tiers()], REPLY_SECONDS)
    queues = read_queues(first[0].text)
    replies = commands.send_all([list_members(queue) for queue in queues], REPLY_SECONDS) if queues else []
    members = [row for reply in replies for row in read_members(reply.text)]
    return Lists(tuple(members), tuple(read_agents(first[1].text)), tuple(read_tiers(first[2].text)))
