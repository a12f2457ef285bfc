"""The recorder with what it lives on: policies fresh from the database, and what programs ask for."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import Switch
from ccportal.recorder.asking import Asked, params_of
from ccportal.recorder.recorder import Recorder
from policies.snapshot import (
    DEFAULT_FOLDER,
    Rows,
    Snapshot,
    SwitchRow,
    keep_rows,
    load_rows,
    present_mark,
    read_rows,
    tidy_marks,
)
from recordings.models import RecordingRequest
from switch.backoff import Backoff
from switch.esl.connection import Address
from switch.journal import Journal, journal_path

log = logging.getLogger(__name__)

ASKED_SECONDS: Final = 0.1
MARK_SECONDS: Final = 0.5
WHOLE_SECONDS: Final = 60.0
STALE_REQUEST: Final = timedelta(seconds=30)
STOP_SECONDS: Final = 2.0
Outcome = tuple[str, bool]


def copy_path(folder: Path, switch_id: str) -> Path:
    """Return where the copy of a switch's snapshot lies."""
    return journal_path(folder, switch_id).with_suffix(".policies")


def kept_snapshot(folder: Path, switch_id: str) -> Snapshot:
    """The copy beside the journal; without one, nothing is known of anybody."""
    rows = load_rows(copy_path(folder, switch_id))
    if rows is None or rows.switch.id != uuid.UUID(switch_id):
        switch = SwitchRow(uuid.UUID(switch_id), None, [], [], DEFAULT_FOLDER)
        rows = Rows((0, 0), switch, [], [], [], [], {})
    return Snapshot(rows)


@dataclass
class Watch:
    """Looks into the database for one switch; a database that is away is tried again, and holds up nobody."""

    switch_id: uuid.UUID
    folder: Path
    recorder: Recorder
    known: Snapshot
    outcomes: SimpleQueue[Outcome] = field(default_factory=SimpleQueue)
    backoff: Backoff = field(default_factory=lambda: Backoff(0.5, 5.0))
    away: bool = False
    fresh: bool = False
    _mark_at: float = 0.0
    _whole_at: float = 0.0

    def step(self) -> float:
        """Look once; return how long to wait before the next time."""
        try:
            self._look()
        except DatabaseError as error:
            return self._database_away(error)
        except Switch.DoesNotExist:
            return self.backoff.next_delay()
        self.away = False
        self.backoff.reset()
        return ASKED_SECONDS

    def _look(self) -> None:
        for request in take_requests(self.switch_id):
            self.recorder.ask(request)
        write_outcomes(self.outcomes)
        now = time.monotonic()
        if now < self._mark_at:
            return
        self._mark_at = now + MARK_SECONDS
        if not self.fresh or now >= self._whole_at or present_mark() != self.known.mark:
            self._whole_at = now + WHOLE_SECONDS
            self._renew(read_rows(self.switch_id))

    def _renew(self, rows: Rows) -> None:
        was_fresh, self.fresh = self.fresh, True
        if was_fresh and rows == self.known.rows:
            return
        self.known = Snapshot(rows)
        self.recorder.renew(self.known)
        tidy_marks()
        try:
            keep_rows(copy_path(self.folder, self.switch_id.hex), rows)
        except OSError as error:
            log.warning("the copy of the policies cannot be kept: %s", error)

    def _database_away(self, error: Exception) -> float:
        if not self.away:
            log.warning("the recorder goes on without the database: %s", type(error).__name__)
        self.away, self.fresh = True, False
        connection.close()
        return self.backoff.next_delay()


def take_requests(switch_id: uuid.UUID) -> list[Asked]:
    """Take what programs asked for; a request that nobody took in time is nobody's any more."""
    waiting = RecordingRequest.objects.filter(switch=switch_id, taken_at=None)
    found = []
    for request in waiting.filter(asked_at__gte=timezone.now() - STALE_REQUEST).order_by("asked_at"):
        if RecordingRequest.objects.filter(pk=request.pk, taken_at=None).update(taken_at=timezone.now()):
            by = request.asked_by or "a program"
            params = params_of(request.params)
            found.append(Asked(request.leg_uuid, request.action, params, by, request.pk.hex))
    return found


def write_outcomes(outcomes: SimpleQueue[Outcome]) -> None:
    """Write with each request whether its leg lived, wherever the one who asked waits for that."""
    with suppress(Empty):
        while True:
            request, found = outcomes.get_nowait()
            RecordingRequest.objects.filter(pk=request).update(found=found)


def tell_outcome(outcomes: SimpleQueue[Outcome], asked: Asked, found: bool) -> None:
    """Have it written which became of what a program asked; keys and dialplans wait for nothing."""
    if asked.id:
        outcomes.put((asked.id, found))


class Desk:
    """A switch's recorder and its watch, for as long as this listener commands the switch."""

    def __init__(self, switch_id: str, name: str, address: Address, folder: Path, journal: Journal) -> None:
        snapshot = kept_snapshot(folder, switch_id)
        outcomes: SimpleQueue[Outcome] = SimpleQueue()
        heard = partial(tell_outcome, outcomes)
        self.recorder = Recorder(name, address, journal, snapshot, heard=heard)
        self._watch = Watch(uuid.UUID(switch_id), folder, self.recorder, snapshot, outcomes)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}: policies", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what the switch was told stays as it is."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)
        self.recorder.stop()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._watch.step()):
                pass
        finally:
            connection.close()
