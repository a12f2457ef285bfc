"""What went wrong is done again: for some recordings at once, for a whole list a batch at a time.

A list is gone through from new to old, in tasks of which each enqueues the next behind the work it made: so a
long list never stands before the recordings of new calls, and a task that runs twice does nothing twice.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.tenancy import Actor
from cdr.search import Cursor, below, count_capped
from recordings.enqueue import collect_soon, redo_soon, seek_soon
from recordings.expected import REFUSED
from recordings.kinds import Chosen
from recordings.models import Media, Recording, Redo, RedoAction, State, Variant
from recordings.process import process_again
from recordings.storage import storage_of

log = logging.getLogger(__name__)

BATCH = 200
TASK_LOST_AFTER = timedelta(minutes=10)


def look_again(recordings: QuerySet[Recording]) -> int:
    """Have files looked for that were not found, or not usable; return how many there are.

    What the switch refused to record has none.
    """
    with transaction.atomic():
        lost = list(
            recordings.filter(state=State.MISSING, stored_at__isnull=False)
            .order_by()
            .values_list("pk", flat=True)
        )
        rows = recordings.filter(state__in=[State.MISSING, State.FAILED], stored_at=None).order_by()
        rows = rows.exclude(state_reason__startswith=REFUSED)
        wanted = list(rows.values_list("pk", flat=True))
        seek_soon(lost)
        return len(lost) + collect_again(wanted)


@transaction.atomic
def collect_again(recording_ids: Sequence[uuid.UUID]) -> int:
    """Have files collected that were missing or unusable; what is being dealt with is left alone."""
    now = timezone.now()
    rows = Recording.objects.filter(pk__in=recording_ids, state__in=[State.MISSING, State.FAILED])
    taken = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    Recording.objects.filter(pk__in=taken).update(
        state=State.RECEIVED,
        state_at=now,
        state_reason="",
        finding="",
        stored_at=None,
        attempts=0,
        next_try_at=now + TASK_LOST_AFTER,
    )
    collect_soon(taken)
    return len(taken)


def seek_each(recording_ids: list[str]) -> None:
    """Look in storage for files that were there once."""
    for recording_id in recording_ids:
        try:
            seek(uuid.UUID(recording_id))
        except OSError:
            log.exception("The file of recording %s could not be looked for", recording_id)


def seek(recording_id: uuid.UUID) -> None:
    """Process a file that is in storage again; else collect it where the switch still has it."""
    rows = Recording.objects.filter(pk=recording_id, state=State.MISSING, stored_at__isnull=False)
    media = Media.objects.filter(recording__in=rows, variant=Variant.CALL).order_by("-format").first()
    if media and storage_of(media).exists(media.key):
        with transaction.atomic():
            rows.update(state=State.FAILED, finding="", state_reason="", state_at=timezone.now())
            process_again(Recording.objects.filter(pk=recording_id))
    elif rows.filter(source_kept=True).exists():
        collect_again([recording_id])
    else:
        rows.update(state_at=timezone.now(), state_reason="Looked for again, and not in storage.")


DEEDS: dict[str, Callable[[QuerySet[Recording]], int]] = {
    RedoAction.PROCESS: process_again,
    RedoAction.LOOK: look_again,
}


def do_to_some(actor: Actor | None, action: str, rows: QuerySet[Recording]) -> int:
    """Do it to a few recordings, and keep on record to which."""
    with transaction.atomic():
        recordings = list(rows.only("pk", "account"))
        audit.record_each(actor, f"recording.{action}_again", recordings)
        return DEEDS[action](Recording.objects.filter(pk__in=[row.pk for row in recordings]))


def do_to_all(actor: Actor | None, action: str, account_id: uuid.UUID, chosen: Chosen) -> Redo:
    """Begin to do it to a whole list."""
    with transaction.atomic():
        redo = Redo.objects.create(
            account_id=account_id,
            action=action,
            kind=chosen.kind,
            since=chosen.since,
            until=chosen.until,
            queue_name=chosen.queue_name,
            asked_by=audit.clean(actor.label if actor else "system")[:255],
        )
        redo.total = count_capped([rows_of(redo)])
        redo.save(update_fields=["total"])
        audit.record(
            actor,
            f"recording.{action}_again_all",
            redo,
            kind=chosen.kind,
            since=chosen.since,
            until=chosen.until,
            queue=chosen.queue_name,
        )
        redo_soon(redo.pk, redo.batch)
    return redo


def next_batch(redo_id: str, batch: int) -> None:
    """Do the next batch of a list, and enqueue the one behind it; nothing when it was done already."""
    with transaction.atomic():
        redo = Redo.objects.select_for_update().filter(pk=redo_id, batch=batch, finished_at=None).first()
        if redo is None:
            return
        found = list(rows_of(redo).only("pk", "started_at")[:BATCH])
        redo.taken += DEEDS[redo.action](Recording.objects.filter(pk__in=[row.pk for row in found]))
        redo.seen += len(found)
        redo.batch += 1
        redo.updated_at = timezone.now()
        if len(found) < BATCH:
            redo.finished_at = redo.updated_at
        else:
            redo.at, redo.at_id = found[-1].started_at, found[-1].pk
            redo_soon(redo.pk, redo.batch)
        redo.save()


def rows_of(redo: Redo) -> QuerySet[Recording]:
    """What of the list is still to be done; recordings that began after it was asked are not on it."""
    chosen = Chosen(redo.kind, redo.since, redo.until, redo.queue_name)
    rows = chosen.of(Recording.objects.filter(account=redo.account_id, started_at__lte=redo.asked_at))
    if redo.at and redo.at_id:
        rows = rows.filter(below(Cursor(redo.at, redo.at_id)))
    return rows.order_by("-started_at", "-id")


def go_on_with_lost() -> int:
    """Enqueue again the batches whose task got lost; return how many there are."""
    lost = Redo.objects.filter(finished_at=None, updated_at__lt=timezone.now() - TASK_LOST_AFTER)
    rows = list(lost.select_for_update(skip_locked=True))
    for redo in rows:
        redo_soon(redo.pk, redo.batch)
    Redo.objects.filter(pk__in=[redo.pk for redo in rows]).update(updated_at=timezone.now())
    return len(rows)
