"""Stored files go where they belong: to their recording's account, as when its call leaves quarantine, and to
the storage that this account has chosen.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, cast

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import schedule

from recordings.delivery import files
from recordings.integrity import note
from recordings.models import Damage, Media, Recording, State
from recordings.peaks import peaks_key
from recordings.storage import StorageDamaged, key_of, storage_at, store
from recordings.stores import AudioStore, store_for

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=10)


def rehome_each(recording_ids: list[str]) -> None:
    """Move the files of several recordings; those that fail are tried again in a while."""
    failed = []
    for recording_id in recording_ids:
        try:
            rehome(uuid.UUID(recording_id))
        except StorageDamaged:
            log.exception("A file of recording %s is damaged and stays where it is", recording_id)
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
    """Copy each file to its place, let the row point there, and only then remove the old one."""
    for media in Media.objects.filter(recording=recording_id).select_related("recording", "store"):
        place = place_of(media.recording, media)
        if place != Place(media.store, media.key):
            move(media, place)
    files.follow(recording_id)


@dataclass(frozen=True)
class Place:
    """A storage and a key in it."""

    store: AudioStore | None
    key: str

    @property
    def storage(self) -> Storage:
        return storage_at(self.store)

    def forget(self) -> None:
        """Remove a file that no row points at."""
        if not Media.objects.filter(store=self.store, key=self.key).exists():
            self.storage.delete(peaks_key(self.key))
            self.storage.delete(self.key)


def place_of(recording: Recording, media: Media) -> Place:
    """Where a file of the recording belongs."""
    key = key_of(recording, media.variant, media.format, media.part)
    return Place(store_for(recording.account_id), key)


def move(media: Media, place: Place) -> bool:
    """Move a file; a row that went another way meanwhile, or a file that is damaged, stays as it is."""
    old = Place(media.store, media.key)
    with old.storage.open(old.key) as file:
        stored = store(place.storage, place.key, cast("BinaryIO", file))
    is_whole = (stored.size, stored.sha256) == (media.size, media.sha256)
    moved = is_whole and point_at(media, old, place)
    (old if moved else place).forget()
    if not is_whole:
        note(media, Damage.CHANGED)
        raise StorageDamaged(f"{old.key} is not what was stored")
    return moved


def files_elsewhere(account_id: uuid.UUID, after: uuid.UUID, most: int) -> list[uuid.UUID]:
    """Recordings with files that are not where the account has its own now; in work they are left alone."""
    here = store_for(account_id)
    rows = Media.objects.filter(recording__account=account_id, recording__gt=after)
    rows = rows.exclude(recording__state__in=[State.PROCESSING, State.DELETING])
    elsewhere = rows.filter(Q(store=None) | ~Q(store=here)) if here else rows.filter(store__isnull=False)
    return list(elsewhere.order_by("recording").values_list("recording", flat=True).distinct()[:most])


@transaction.atomic
def point_at(media: Media, old: Place, place: Place) -> bool:
    """Let the row point at the new place if both it and its recording are as they were."""
    row = Recording.objects.select_for_update().get(pk=media.recording_id)
    if place.key != key_of(row, media.variant, media.format, media.part):
        return False
    as_it_was = Media.objects.filter(pk=media.pk, store=old.store, key=old.key, sha256=media.sha256)
    return bool(as_it_was.update(store=place.store, key=place.key))
