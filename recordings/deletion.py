"""Audio that is to go: marked as "deleting", removed wherever it is, and only then "deleted".

The rows of the files stay until the files are gone, so that a crash anywhere is made good by doing it again.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.tenancy import Actor
from recordings.candidates import kept_source
from recordings.enqueue import erase_soon
from recordings.held import held_recordings
from recordings.holding import lock
from recordings.intake import remove_source
from recordings.models import PLAYABLE, Media, Recording, State
from recordings.peaks import peaks_key
from recordings.sources import SourceError
from recordings.storage import storage_of

log = logging.getLogger(__name__)

TASK_LOST_AFTER = timedelta(minutes=10)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
WITH_AUDIO = (*PLAYABLE, State.MISSING)


class OnHold(Exception):
    """A legal hold keeps the recording."""


class NotStored(Exception):
    """There is no audio of the recording in storage (yet)."""


def delete_recording(recording: Recording, actor: Actor | None, reason: str = "Deleted on request.") -> None:
    """Have the audio of a recording removed and keep its row; raise OnHold or NotStored."""
    with transaction.atomic():
        lock(recording.account_id)
        rows = Recording.objects.filter(pk=recording.pk)
        if not mark(rows, reason):
            raise OnHold if rows.filter(held_recordings()).exists() else NotStored
        audit.record(actor, "recording.delete", recording, reason=reason)
        erase_soon([recording.pk])


def mark(rows: QuerySet[Recording], reason: str) -> int:
    """Mark what no hold keeps as about to be deleted; the caller has locked the account."""
    now = timezone.now()
    return (
        rows.filter(state__in=WITH_AUDIO, stored_at__isnull=False)
        .exclude(held_recordings())
        .update(
            state=State.DELETING,
            state_at=now,
            state_reason=reason[:255],
            attempts=0,
            next_try_at=now + TASK_LOST_AFTER,
        )
    )


def erase_each(recording_ids: list[str]) -> None:
    """Remove the audio of several recordings; those that fail are tried again in a while."""
    for recording_id in recording_ids:
        try:
            erase(uuid.UUID(recording_id))
        except OSError:
            log.exception("The audio of recording %s could not be removed", recording_id)


def erase(recording_id: uuid.UUID) -> None:
    """Remove the files, then their rows, then say that it is deleted; a hold that came in time stops it."""
    recording = claim(recording_id)
    if recording is None:
        return
    while media := recording.media.select_related("store").first():
        storage = storage_of(media)
        storage.delete(peaks_key(media.key))
        storage.delete(media.key)
        Media.objects.filter(pk=media.pk, store=media.store, key=media.key).delete()
    if recording.source_kept:
        forget_source(recording)
    Recording.objects.filter(pk=recording.pk, state=State.DELETING).update(
        state=State.DELETED, state_at=timezone.now(), finding="", next_try_at=None
    )


def claim(recording_id: uuid.UUID) -> Recording | None:
    """Take a recording on, or let go of it when a hold keeps it."""
    rows = Recording.objects.filter(pk=recording_id, state=State.DELETING)
    with transaction.atomic():
        recording = rows.select_related("switch").first()
        if recording is None:
            return None
        lock(recording.account_id)
        wanted = rows.exclude(held_recordings())
        if wanted.update(attempts=F("attempts") + 1, next_try_at=next_try(recording.attempts)):
            return recording
        rows.filter(media__isnull=False).update(
            state=State.READY, state_at=timezone.now(), state_reason="Kept by a hold.", next_try_at=None
        )
    return None


def next_try(attempts: int) -> datetime:
    return timezone.now() + min(FIRST_WAIT * 2.0 ** min(attempts, 12), LONGEST_WAIT)


def forget_source(recording: Recording) -> None:
    """Remove what could not be removed from the switch's folder when it was stored."""
    with ExitStack() as opened, suppress(SourceError):
        remove_source(recording, kept_source(recording, opened))
