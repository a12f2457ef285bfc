"""Making an export: chunk by chunk into a draft, then whole into storage.

1. A worker takes the lease; who has none, or lost it, writes nothing more.
2. Each chunk is flushed to the draft's disk first; then the row says how far it is. A worker that dies leaves
   a draft that is cut to what the row says and gone on with, on another machine begun anew.
3. After a while the work goes behind the other tasks, so that a long list never stands before new calls.
4. The row has the key before the file is stored, and is ready after it was read back: no file is forgotten.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit
from accounts.models import EXPORTS_KEPT_DAYS
from ccportal.api.pages import Place
from ccportal.exports import drafts
from ccportal.exports.archive import AudioMaker
from ccportal.exports.drafts import Busy, Draft
from ccportal.exports.rows import MAKERS, RowsMaker
from ccportal.exports.sources import Asked, NotAllowed, Source, asked_by, source_of
from recordings.enqueue import export_soon
from recordings.exporting import TASK_LOST_AFTER
from recordings.exports import Export, ExportFormat, ExportState
from recordings.storage import Stored, storage_at, store
from recordings.stores import store_for

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
# Longer than any task lives: while it lasts somebody may be writing the file.
STORING = timedelta(minutes=20)
SLICE_SECONDS = 60
BEAT_SECONDS = 30
MOST_TRIES = 5
FIRST_WAIT = timedelta(minutes=1)
MEGABYTE = 1_000_000
Maker = RowsMaker | AudioMaker


class Withdrawn(Exception):
    """It was deleted, or another worker has it."""


class TooBig(Exception):
    """The file would be larger than any may be."""


def go_on(export_hex: str) -> None:
    """Make an export, or a part of it; what fails is tried again in a while, a few times."""
    export = claim(uuid.UUID(export_hex))
    if export is None:
        return
    drafts.clear_left()
    try:
        work = Work(export, asked_by(export))
    except NotAllowed as refused:
        fail(export, str(refused))
        return
    try:
        work.go_on()
    except Withdrawn:
        work.forget()
    except Busy:
        work.wait(FIRST_WAIT)
    except TooBig as refused:
        fail(export, str(refused))
    except Exception as error:
        log.exception("Export %s failed", export.pk)
        work.wait_or_fail(error)


def claim(export_id: uuid.UUID) -> Export | None:
    """Take an export on that nobody is at work on."""
    now = timezone.now()
    lease = uuid.uuid4().hex
    free = Export.objects.unfinished().filter(Q(lease="") | Q(lease_until__lt=now), pk=export_id)
    changes = {"started_at": Coalesce(F("started_at"), now), "attempts": F("attempts") + 1}
    if not free.update(state=ExportState.RUNNING, lease=lease, lease_until=now + LEASE, **changes):
        return None
    return Export.objects.select_related("account", "user__account", "api_key__account").get(pk=export_id)


def fail(export: Export, reason: str) -> None:
    now = timezone.now()
    Export.objects.unfinished().filter(pk=export.pk, lease=export.lease).update(
        state=ExportState.FAILED,
        state_reason=reason[:255],
        finished_at=now,
        lease="",
        lease_until=None,
    )
    drafts.remove(export)


class Work:
    """One worker's turn at an export."""

    def __init__(self, export: Export, asked: Asked) -> None:
        self.export = export
        self.lease = export.lease
        self.asked = asked
        self.until = time.monotonic() + SLICE_SECONDS
        self.beaten = time.monotonic()

    def save(self, changes: Mapping[str, Any] | None = None, lasts: timedelta = LEASE) -> None:
        """Change the row while it is ours, and keep it ours for longer; raise Withdrawn."""
        changes = {"lease_until": timezone.now() + lasts, **(changes or {})}
        if not self.mine().update(**changes):
            raise Withdrawn
        for name, value in changes.items():
            setattr(self.export, name, value)

    def mine(self) -> Any:
        return Export.objects.filter(pk=self.export.pk, lease=self.lease, state=ExportState.RUNNING)

    def beat(self) -> None:
        """Keep the lease while a chunk takes long."""
        if time.monotonic() - self.beaten > BEAT_SECONDS:
            self.save()
            self.beaten = time.monotonic()

    def go_on(self) -> None:
        source = source_of(self.export, self.asked)
        if not drafts.is_there(self.export):
            self.begin(source)
        with drafts.opened(self.export) as draft:
            maker = self.maker(source, draft)
            if self.fill(maker, source, draft):
                self.finish(maker)
        if self.export.state == ExportState.READY:
            drafts.remove(self.export)

    def begin(self, source: Source) -> None:
        """Begin anew: whatever another machine has of it is forgotten."""
        drafts.remove(self.export)
        zeros = dict.fromkeys(("rows_done", "files", "missing", "flushed", "index_flushed"), 0)
        nowhere = {"draft": uuid.uuid4().hex, "at": None, "at_id": None}
        self.save({**zeros, **nowhere, "rows_total": source.count()})

    def maker(self, source: Source, draft: Draft) -> Maker:
        if self.export.format != ExportFormat.ZIP:
            return MAKERS[self.export.format](self.export, self.asked, source, draft)
        maker = AudioMaker(self.export, self.asked, source, draft, self.beat)
        maker.waits_for_storage = self.export.attempts < MOST_TRIES
        return maker

    def fill(self, maker: Maker, source: Source, draft: Draft) -> bool:
        """Write chunks until there are no more; False when the time was over before."""
        place = self.place()
        while places := source.after(place, maker.chunk):
            maker.add(places)
            place = places[-1]
            self.note(maker, draft, place, len(places))
            if time.monotonic() > self.until:
                self.hand_on()
                return False
        return True

    def place(self) -> Place | None:
        at, key = self.export.at, self.export.at_id
        return Place(False, at, key) if at and key else None

    def note(self, maker: Maker, draft: Draft, place: Place, count: int) -> None:
        """Say how far it is, when it is on the disk."""
        body, index = draft.flush()
        if body > settings.CCPORTAL_EXPORT_MOST_MB * MEGABYTE:
            raise TooBig(
                f"The file would be larger than {settings.CCPORTAL_EXPORT_MOST_MB:,} MB. Choose less."
            )
        with transaction.atomic():
            self.save(
                {
                    "at": place.moment,
                    "at_id": place.id,
                    "flushed": body,
                    "index_flushed": index,
                    "rows_done": self.export.rows_done + count,
                    "files": maker.files,
                    "missing": maker.missing,
                    "attempts": 0,
                }
            )
            audit.record_each(self.asked.actor, "recording.export", maker.taken, export=self.export.pk.hex)

    def hand_on(self) -> None:
        """Go on behind what waits meanwhile."""
        with transaction.atomic():
            self.save({"lease": ""}, TASK_LOST_AFTER)
            export_soon(self.export.pk)

    def finish(self, maker: Maker) -> None:
        """Store the file, read it back, and only then say that it is ready."""
        place = store_for(self.export.account_id)
        self.save({"store": place, "key": self.export.stored_key}, STORING)
        storage = storage_at(place)
        with maker.finished() as file:
            stored = store(storage, self.export.key, file)
        try:
            self.ready(stored)
        except Withdrawn:
            storage.delete(self.export.key)
            raise

    def ready(self, stored: Stored) -> None:
        now = timezone.now()
        days = self.export.account.keep_exports_days or EXPORTS_KEPT_DAYS
        self.save(
            {
                "state": ExportState.READY,
                "size": stored.size,
                "sha256": stored.sha256,
                "finished_at": now,
                "expires_at": now + timedelta(days=days),
                "lease": "",
                "lease_until": None,
            }
        )

    def wait_or_fail(self, error: Exception) -> None:
        if self.export.attempts >= MOST_TRIES:
            fail(self.export, f"It failed {self.export.attempts} times: {error}")
        else:
            self.wait(FIRST_WAIT * 2**self.export.attempts)

    def wait(self, pause: timedelta) -> None:
        """Let go; the sweep has it gone on with when the pause is over."""
        self.mine().update(lease="", lease_until=timezone.now() + pause)

    def forget(self) -> None:
        """Remove the draft, unless it is another worker's by now."""
        if not Export.objects.unfinished().filter(pk=self.export.pk, draft=self.export.draft).exists():
            drafts.remove(self.export)
