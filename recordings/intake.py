"""From a take's file on the switch to verified audio in storage.

The order is what makes a crash at any point harmless: claim the row; copy, flush and read back; then one
transaction for the media, the note that it is stored and the task that goes on with it; only then the source
is removed. A task that runs again finds the source and copies it again over the same key, or finds the row
stored and only tidies up.
"""

from __future__ import annotations

import logging
import os
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from cdr.models import Leg
from recordings.candidates import Found, find_source, kept_source, overwritten, overwritten_by_other
from recordings.delivery import news
from recordings.enqueue import process_soon, rehome_soon
from recordings.held_sources import marks_of, must_wait
from recordings.matching import is_ours
from recordings.models import PLAYABLE, Finding, Media, Recording, State, Variant
from recordings.peaks import store_peaks
from recordings.processing.native import combine
from recordings.processing.probe import EmptyAudio, Probe, probe
from recordings.processing.wav import NotAudio, repair
from recordings.sources import SourceError, is_same
from recordings.storage import Stored, digest, file_name_of, key_of, scratch_file, storage_at, store
from recordings.stores import AudioStore, store_for
from recordings.verdicts import judge, told, verdict_on, wait_until_closed

log = logging.getLogger(__name__)

TRIES = 3
BETWEEN_TRIES = timedelta(seconds=30)
FIRST_LOOK = timedelta(minutes=10)
LONGEST_BACK_OFF = timedelta(hours=1)
TASK_LOST_AFTER = timedelta(minutes=10)
COMMITTED = [
    "finding",
    "state_reason",
    "state_at",
    "stored_at",
    "attempts",
    "next_try_at",
    "source_path",
    "source_kept",
    "source_held",
]


@dataclass(frozen=True)
class Kept:
    """What is in storage, where, and what it is."""

    store: AudioStore | None
    stored: Stored
    audio: Probe


def collect_each(recording_ids: list[str]) -> None:
    """Collect several recordings; one that fails does not keep the others waiting."""
    for recording_id in recording_ids:
        try:
            collect(uuid.UUID(recording_id))
        except Exception as error:
            log.exception("The file of recording %s could not be stored", recording_id)
            back_off(uuid.UUID(recording_id), error)


def collect(recording_id: uuid.UUID) -> None:
    """Find the file of a take, store it and say so in its row."""
    recording = claim(recording_id)
    if recording is None:
        tidy_up(recording_id)
        return
    with ExitStack() as opened:
        try:
            found = find_source(recording, opened)
            if not found.codec:
                wait_for_all_of_it(recording, found)
            audio, content = examine(found, opened)
            if not audio.finished:
                wait_until_closed(recording, found.files[0].seen.st_mtime)
        except SourceError as error:
            give_up_or_wait(recording, error)
            return
        keep(recording, found, audio, content)


def keep(recording: Recording, found: Found, audio: Probe, content: BinaryIO) -> None:
    where = store_for(recording.account_id)
    storage = storage_at(where)
    stored = store(storage, key_of(recording, Variant.CALL, audio.format), content)
    if not all(is_same(os.fstat(source.file.fileno()), source.seen) for source in found.files):
        give_up_or_wait(recording, SourceError(Finding.UNFINISHED, "The file is still being written."))
        discard_copy(storage, stored.key)
        return
    media = commit(recording, found, Kept(where, stored, audio))
    if media is None:
        discard_copy(storage, stored.key)
        return
    if not media.recording.source_held:
        remove_source(recording, found)
    try:
        store_peaks(storage, media)
    except (OSError, NotAudio):
        log.warning("No peaks for recording %s", recording.pk.hex, exc_info=True)


def claim(recording_id: uuid.UUID) -> Recording | None:
    """Take the row on; one that a crashed worker left in processing is taken on again."""
    rows = Recording.objects.filter(pk=recording_id, stored_at__isnull=True)
    claimed = rows.filter(state__in=[State.RECEIVED, State.PROCESSING]).update(
        state=State.PROCESSING, state_at=timezone.now(), attempts=F("attempts") + 1, next_try_at=None
    )
    return (
        Recording.objects.select_related("switch", "call").filter(pk=recording_id).first()
        if claimed
        else None
    )


def examine(found: Found, opened: ExitStack) -> tuple[Probe, BinaryIO]:
    """Say what was found and give the bytes to store: the file itself, or a finished copy of it."""
    content = found.files[0].file
    if found.codec:
        content = opened.enter_context(scratch_file())
        incoming, outgoing = found.files
        combine(incoming.file, outgoing.file, found.codec, content)
    return finished(content, opened)


def finished(content: BinaryIO, opened: ExitStack) -> tuple[Probe, BinaryIO]:
    """Say what audio it is, and give it with its header complete."""
    try:
        audio = probe(content)
    except EmptyAudio:
        raise SourceError(Finding.EMPTY, "The file has no sound in it.") from None
    except NotAudio as error:
        raise SourceError(Finding.UNREADABLE, f"The file is {error}."[:255]) from error
    if audio.wav and not audio.finished:
        source, content = content, opened.enter_context(scratch_file())
        repair(source, audio.wav, content)
    return audio, content


def wait_for_all_of_it(recording: Recording, found: Found) -> None:
    """Give a file that is not as large as the switch said time to arrive; an MP3's last flush comes later."""
    told, size = recording.switch_size, found.files[0].seen.st_size
    is_whole = told is None or (size >= told if found.files[0].name.endswith(".mp3") else size == told)
    if not is_whole and recording.attempts < TRIES:
        raise SourceError(Finding.UNFINISHED, f"The switch wrote {told} bytes, {size} are there.")


def at_work(recording_id: uuid.UUID) -> QuerySet[Recording]:
    """The row, while it is being collected and nobody else has stored its file."""
    return Recording.objects.filter(pk=recording_id, state=State.PROCESSING, stored_at__isnull=True)


@transaction.atomic
def commit(recording: Recording, found: Found, kept: Kept) -> Media | None:
    """Write media and state together; None when the row went another way meanwhile."""
    row = at_work(recording.pk).select_for_update().first()
    if row is None:
        return None
    if overwritten_by_other(row) and row.switch_size != found.files[0].seen.st_size:
        give_up_or_wait(row, overwritten())
        return None
    row.source_path, row.source_kept = found.remote_path, True
    row.source_held = marks_of(found) if must_wait(row) else ""
    media = write_stored(row, kept)
    if row.account_id != recording.account_id:
        rehome_soon([row.pk])
    return media


def write_stored(row: Recording, kept: Kept) -> Media:
    """Write that the file is stored, and the task that goes on with it; the caller holds the row."""
    media, _ = Media.objects.update_or_create(
        recording=row,
        variant=Variant.CALL,
        part=0,
        format=kept.audio.format,
        defaults={
            "store": kept.store,
            "key": kept.stored.key,
            "file_name": file_name_of(row, kept.audio.format),
            "size": kept.stored.size,
            "sha256": kept.stored.sha256,
            "duration_ms": kept.audio.milliseconds,
            "channels": kept.audio.channels,
            "sample_rate": kept.audio.sample_rate,
            "verified_at": timezone.now(),
            "damage": "",
        },
    )
    row.finding, row.state_reason = judge(row, kept.audio)
    row.stored_at = row.state_at = timezone.now()
    row.attempts, row.next_try_at = 0, row.stored_at + TASK_LOST_AFTER
    row.save(update_fields=COMMITTED)
    process_soon([row.pk])
    return media


def remove_source(recording: Recording, found: Found) -> None:
    """Remove what was stored; what cannot be removed stays noted as kept."""
    gone = [found.folder.remove(source.name, source.seen) for source in found.files]
    if all(gone):
        Recording.objects.filter(pk=recording.pk).update(source_kept=False)


def discard_copy(storage: Storage, key: str) -> None:
    """Remove a copy that belongs to no row."""
    if not Media.objects.filter(key=key).exists():
        storage.delete(key)


def give_up_or_wait(recording: Recording, error: SourceError) -> None:
    """Try again later, or say for good what is wrong; a row that is not in processing is left alone."""
    is_growing = error.finding == Finding.UNFINISHED
    final = error.permanent or (recording.attempts >= TRIES and not is_growing)
    if final and error.finding == Finding.MISSING and nobody_answered(recording):
        at_work(recording.pk).delete()
        return
    verdict = verdict_on(recording, error.finding)
    with transaction.atomic():
        at_work(recording.pk).update(
            state=verdict if final else State.RECEIVED,
            state_at=timezone.now(),
            finding=error.finding if final else "",
            state_reason=error.reason[:255],
            next_try_at=next_look(error) if final else timezone.now() + BETWEEN_TRIES,
        )
        news.recordings_failed([recording.pk] if final and verdict != State.DISCARDED else [])


def nobody_answered(recording: Recording) -> bool:
    """Whether a file that we asked for, and never heard of, was for a leg that nobody answered."""
    legs = Leg.objects.filter(switch=recording.switch_id, uuid=recording.leg_uuid, answered_at=None)
    return recording.stopped_at is None and is_ours(recording) and legs.exists()


def next_look(error: SourceError) -> datetime | None:
    """A file that was not found may still come."""
    return timezone.now() + FIRST_LOOK if error.finding == Finding.MISSING and not error.permanent else None


def back_off(recording_id: uuid.UUID, error: Exception) -> None:
    """Leave what our own side failed on, a full disk say, for longer each time and never for good."""
    recording = at_work(recording_id).first()
    if recording is None:
        return
    wait = min(BETWEEN_TRIES * 2 ** min(recording.attempts, 10), LONGEST_BACK_OFF)
    at_work(recording_id).update(
        state=State.RECEIVED,
        state_at=timezone.now(),
        state_reason=f"Could not be stored: {told(error)}"[:255],
        next_try_at=timezone.now() + wait,
    )


def tidy_up(recording_id: uuid.UUID) -> None:
    """Remove the source that a crash left behind, if it has the very bytes that are stored."""
    media = Media.objects.filter(
        recording=recording_id,
        recording__state__in=PLAYABLE,
        recording__source_kept=True,
        recording__source_held="",
        variant=Variant.CALL,
    ).first()
    if media is None:
        return
    recording = Recording.objects.select_related("switch").get(pk=recording_id)
    with ExitStack() as opened:
        try:
            found = kept_source(recording, opened)
        except SourceError:
            return
        if all(digest(source.file) == (media.size, media.sha256) for source in found.files):
            remove_source(recording, found)
