"""Journal to database: a process of its own, so that a slow database never keeps the reader waiting."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from accounts.models import Switch, SwitchKind
from ccportal import pipeline
from ccportal.catch_up.chore import CatchUp
from ccportal.listener.census import Census
from ccportal.listener.gaps import tell_of_a_gap
from ccportal.listener.parameters import Parameters, keep_copy
from ccportal.listener.standby import RENEW_SECONDS, give_up_lease, hold_lease
from cdr import observations
from cdr.models import IngestPosition
from switch.backoff import Backoff
from switch.errors import JournalError
from switch.journal import Batch, Journal, journal_path

log = logging.getLogger(__name__)

BATCH_BYTES: Final = 48 * 1024 * 1024
KEEP_SECONDS: Final = 3 * 24 * 3600
PRUNE_SECONDS: Final = 3600.0
LOOK_SECONDS: Final = 5.0
AWAY: Final = (OperationalError, InterfaceError)


class Place(msgspec.Struct, frozen=True):
    """How far a journal is in the database, kept beside it too: the database remembers one journal only."""

    journal: str
    batch: int


@dataclass
class Applier:
    """Applies one switch's journal; `tell` hears who has the lease: "held", "elsewhere", or "away"."""

    folder: Path
    switch_id: str
    name: str
    tell: Callable[[str], None] = lambda word: None
    backoff: Backoff = field(default_factory=lambda: Backoff(0.5, 5.0))
    monotonic: Callable[[], float] = time.monotonic
    census: Census = field(default_factory=Census)
    catch_up: CatchUp = field(default_factory=CatchUp)
    switch: Switch | None = None
    place: Place | None = None
    lease: str = ""
    away: bool = False
    _journal: Journal | None = None
    _heard_at: float = 0.0
    _renew_at: float = 0.0
    _prune_at: float = 0.0
    _look_at: float = 0.0
    _retry_at: float = 0.0

    @property
    def switch_uuid(self) -> uuid.UUID:
        return uuid.UUID(self.switch_id)

    def step(self) -> bool:
        """Do one thing; True when there may be more to do at once. A database that is away raises nothing."""
        if self.monotonic() < self._retry_at:
            return False
        try:
            did = self._step()
        except AWAY as error:
            self._database_away(error)
            return False
        except JournalError as error:
            log.warning("switch %s: the journal cannot be read: %s", self.switch_id, error)
            self._retry_at = self.monotonic() + self.backoff.next_delay()
            return False
        self._database_back()
        return did

    def caught_up(self) -> bool:
        """Tell whether everything in the journal is in the database."""
        return not self.away and self.place is not None and self._open().last_id() <= self.place.batch

    def close(self) -> None:
        """Give up the lease, and close the journal and the database's connection."""
        if self.lease == "held":
            try:
                give_up_lease(self.switch_uuid, self.name)
            except DatabaseError as error:
                log.warning(
                    "switch %s: the lease runs out by itself: %s", self.switch_id, type(error).__name__
                )
        if self._journal is not None:
            self._journal.close()
        connection.close()

    def _step(self) -> bool:
        self._renew()
        if self.lease == "elsewhere":
            return False
        journal = self._open()
        journal.refresh()
        self.place = self._place_in(journal)
        self._tell_depth(journal, self.place)
        batches = next_batches(journal, self.place.batch)
        if batches:
            self._apply(journal, batches)
        more = self._look_elsewhere(idle=not batches)
        self._prune(journal)
        return bool(batches) or more

    def _look_elsewhere(self, *, idle: bool) -> bool:
        """Ask the switch, or read its files: what the journal does not know."""
        if self.switch is None:
            return False
        if self.switch.kind == SwitchKind.ASTERISK:
            return self.catch_up.take(self.switch)
        if idle:
            self.census.take(self.switch)
        return False

    def _open(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.follow(self.folder, self.switch_id)
        return self._journal

    def _renew(self) -> None:
        """Hold the lease, tell when we were last heard of, and keep the connection's parameters."""
        if self.monotonic() < self._renew_at:
            return
        self.switch = Switch.objects.get(pk=self.switch_uuid)
        keep_copy(self.folder, Parameters.of(self.switch))
        heard_at = datetime.fromtimestamp(self._heard_at, UTC) if self._heard_at else None
        held = hold_lease(self.switch.pk, self.name, timezone.now(), heard_at)
        self._say("held" if held else "elsewhere")
        self._renew_at = self.monotonic() + RENEW_SECONDS

    def _tell_depth(self, journal: Journal, place: Place) -> None:
        """Say now and then how much waits in the journal; others cannot look into it."""
        if self.monotonic() < self._look_at:
            return
        self._look_at = self.monotonic() + LOOK_SECONDS
        depth = journal.depth(place.batch)
        IngestPosition.objects.filter(switch=self.switch_uuid).update(
            waiting=depth.events,
            waiting_since=datetime.fromtimestamp(depth.oldest, UTC) if depth.oldest else None,
            looked_at=timezone.now(),
        )

    def _say(self, word: str) -> None:
        if word != self.lease:
            self.lease = word
            self.tell(word)

    def _place_in(self, journal: Journal) -> Place:
        if self.place is not None and self.place.journal == journal.identity:
            return self.place
        stored = IngestPosition.objects.filter(switch=self.switch_uuid, journal=journal.identity).first()
        if stored is not None:
            return Place(journal.identity, stored.batch)
        kept = load_place(self.folder, self.switch_id)
        return kept if kept is not None and kept.journal == journal.identity else Place(journal.identity, 0)

    def _apply(self, journal: Journal, batches: list[Batch]) -> None:
        switch = self.switch or Switch.objects.get(pk=self.switch_uuid)
        last = batches[-1]
        apply_whole_or_apart(switch, batches, journal.identity)
        self.place = Place(journal.identity, last.id)
        keep_place(self.folder, self.switch_id, self.place)
        self._heard_at = max(self._heard_at, last.received_at)
        if any(tell_of_a_gap(batch) for batch in batches):
            self.census.take_soon()

    def _prune(self, journal: Journal) -> None:
        if self.monotonic() >= self._prune_at and self.place is not None:
            self._prune_at = self.monotonic() + PRUNE_SECONDS
            journal.prune(time.time() - KEEP_SECONDS, self.place.batch)

    def _database_away(self, error: Exception) -> None:
        if not self.away:
            log.warning("switch %s: the database is away: %s", self.switch_id, type(error).__name__)
        self.away = True
        self._renew_at = 0.0
        self.place = None
        self._say("away")
        connection.close()
        self._retry_at = self.monotonic() + self.backoff.next_delay()

    def _database_back(self) -> None:
        if self.away:
            log.warning("switch %s: the database is back", self.switch_id)
        self.away = False
        self.backoff.reset()


def next_batches(journal: Journal, after: int) -> list[Batch]:
    """Return the next batches, about as much as one transaction should hold."""
    found: list[Batch] = []
    for batch in journal.read(after, limit_bytes=BATCH_BYTES):
        if batch.damaged:
            log.error("batch %d of journal %s is damaged and left out", batch.id, journal.identity)
        found.append(batch)
    return found


def apply_whole_or_apart(switch: Switch, batches: list[Batch], journal: str) -> None:
    """Apply batches in one transaction; when that cannot be, one event at a time without the bad ones."""
    last = batches[-1]
    groups = [(kind_of(batch), batch.bodies) for batch in batches]
    try:
        pipeline.apply_mixed(switch, groups, journal=journal, batch=last.id)
    except AWAY:
        raise
    except Exception:
        log.exception("batches up to %d of journal %s; applying their events one by one", last.id, journal)
        for kind, bodies in groups:
            for body in bodies:
                apply_alone(switch, body, kind)
        pipeline.apply_bodies(switch, [], journal=journal, batch=last.id)


def kind_of(batch: Batch) -> pipeline.Kind:
    return "control" if batch.kind == "control" else "events"


def apply_alone(switch: Switch, body: bytes, kind: pipeline.Kind) -> None:
    """Apply one event; one that cannot be applied is counted and stops nothing behind it."""
    try:
        pipeline.apply_bodies(switch, [body], kind=kind)
    except AWAY:
        raise
    except Exception as error:
        log.exception("switch %s: an event left out", switch.pk)
        observations.count(switch, "refused", {type(error).__name__: 1})


def place_path(folder: Path, switch_id: str) -> Path:
    """Return where the place in a journal is kept."""
    return journal_path(folder, switch_id).with_suffix(".place.json")


def load_place(folder: Path, switch_id: str) -> Place | None:
    """Return the place that was kept, None without a readable one."""
    try:
        return msgspec.json.decode(place_path(folder, switch_id).read_bytes(), type=Place)
    except (OSError, msgspec.DecodeError):
        return None


def keep_place(folder: Path, switch_id: str, place: Place) -> None:
    """Keep the place; it may be behind after a crash, which costs only repeated work."""
    path = place_path(folder, switch_id)
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(place))
    draft.replace(path)
