"""Stored files follow their recording to another account, as when its call leaves quarantine."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import BinaryIO, cast

from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import schedule

from recordings.models import Media, Recording
from recordings.peaks import peaks_key
from recordings.storage import key_of, recordings_storage, store

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=10)


def rehome_each(recording_ids: list[str]) -> None:
    """Move the files of several recordings; those that fail are tried again in a while."""
    failed = []
    for recording_id in recording_ids:
        try:
            rehome(uuid.UUID(recording_id))
        except OSError:
            log.exception("The files of recording %s could not be moved", recording_id)
            failed.append(recording_id)
    if failed:
        schedule(
            "recordings.rehome.rehome_each",
            failed,
            schedule_type=Schedule.ONCE,
            next_run=timezone.now() + TRY_AGAIN_AFTER,
        )


def rehome(recording_id: uuid.UUID) -> None:
    """Copy each file under its account's key, let the row point there, and only then remove the old one."""
    for media in Media.objects.filter(recording=recording_id).select_related("recording"):
        key = key_of(media.recording, media.variant, media.format, media.part)
        if key != media.key:
            move(media, key)


def move(media: Media, key: str) -> None:
    storage, old = recordings_storage(), media.key
    with storage.open(old) as file:
        stored = store(storage, key, cast("BinaryIO", file))
    with transaction.atomic():
        row = Recording.objects.select_for_update().get(pk=media.recording_id)
        is_right = stored.sha256 == media.sha256 and key == key_of(
            row, media.variant, media.format, media.part
        )
        moved = is_right and Media.objects.filter(pk=media.pk, key=old).update(key=key)
    unused = old if moved else key
    if not Media.objects.filter(key=unused).exists():
        storage.delete(peaks_key(unused))
        storage.delete(unused)
