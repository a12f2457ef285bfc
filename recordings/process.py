"""From a stored file to a recording that is ready: step by step, each seen, each repeatable.

    intake -> probe -> length -> name -> levels -> mp3 -> parts -> finish -> "ready"

A step does its work first and is marked as done after; one that was interrupted is done again.
What fails is tried again, for longer each time; the file that came from the switch can be heard all along.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import ExitStack
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from recordings.basis import basis_of, go_on, start_from
from recordings.connectors import sending as connecting
from recordings.delivery import files, news
from recordings.enqueue import process_soon, rehome_soon
from recordings.held import held_recordings
from recordings.holding import lock
from recordings.models import PLAYABLE, ProcessingStep, Recording, State
from recordings.peaks import peaks_key
from recordings.processing.probe import EmptyAudio
from recordings.processing.wav import NotAudio
from recordings.steps import STEPS, Job, Step, TooShort, Withdrawn
from recordings.storage import storage_of
from recordings.verdicts import told

log = logging.getLogger(__name__)

WORKER_LOST_AFTER = timedelta(minutes=25)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
MOST_TRIES = 14
CALL_WAIT = timedelta(seconds=20)
LONGEST_CALL_WAIT = timedelta(minutes=10)


class StepFailed(Exception):
    """A step that failed, and whether it could go better another time."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


def process_each(recording_ids: list[str]) -> None:
    """Process several recordings; one that fails does not keep the others waiting."""
    for recording_id in recording_ids:
        try:
            process(uuid.UUID(recording_id))
        except Exception:
            log.exception("Recording %s could not be processed", recording_id)


def process(recording_id: uuid.UUID) -> None:
    """Take a stored recording through the steps it has not been through."""
    recording = claim(recording_id)
    if recording is None:
        return
    if recording.state == State.DISCARDED:
        forget(recording)
    elif is_early(recording):
        put_off(recording)
    else:
        go_through(recording)


def go_through(recording: Recording) -> None:
    basis = basis_of(recording)
    start_from(recording, basis)
    with ExitStack() as opened:
        job = Job(recording, opened)
        try:
            for position, (name, step) in enumerate(STEPS.items()):
                run_step(job, position, name, step)
        except Withdrawn:
            log.info("Recording %s was deleted while it was processed", recording.pk.hex)
        except TooShort as short:
            discard(recording, short)
        except StepFailed as failed:
            fail(recording, failed)
        else:
            done(recording, basis)


def claim(recording_id: uuid.UUID) -> Recording | None:
    """Take the row on, also when a worker that died had it; None when there is nothing to do."""
    now = timezone.now()
    rows = Recording.objects.filter(pk=recording_id, stored_at__isnull=False)
    taken = rows.filter(state__in=[State.PROCESSING, State.FAILED]).update(
        state=State.PROCESSING,
        state_at=now,
        attempts=F("attempts") + 1,
        next_try_at=now + WORKER_LOST_AFTER,
    )
    found = rows.select_related("account", "call").first()
    if found is None or (not taken and (found.state != State.DISCARDED or found.next_try_at is None)):
        return None
    return found


def is_early(recording: Recording) -> bool:
    """Whether the call still goes on, so that nobody can say where the agent's part ends."""
    stopped = recording.stopped_at or recording.started_at
    return bool(
        recording.call
        and recording.call.ended_at is None
        and timezone.now() - stopped < LONGEST_CALL_WAIT
        and recording.call.offers.exists()
    )


def put_off(recording: Recording) -> None:
    Recording.objects.filter(pk=recording.pk, state=State.PROCESSING).update(
        attempts=F("attempts") - 1, next_try_at=timezone.now() + CALL_WAIT
    )


def run_step(job: Job, position: int, name: str, step: Step) -> None:
    """Do a step that is not done, and write down how it went."""
    row, _ = ProcessingStep.objects.get_or_create(
        recording=job.recording,
        name=name,
        defaults={"position": position, "started_at": timezone.now()},
    )
    if row.finished_at is not None:
        return
    mine = ProcessingStep.objects.filter(pk=row.pk)
    mine.update(started_at=timezone.now(), attempts=F("attempts") + 1, error="", position=position)
    try:
        note = step(job)
    except (TooShort, Withdrawn) as ended:
        mine.update(note=str(ended)[:255])
        raise
    except Exception as error:
        log.warning("Step %s of recording %s failed", name, job.recording.pk.hex, exc_info=True)
        mine.update(error=told(error)[:255])
        is_final = isinstance(error, (NotAudio, EmptyAudio))
        raise StepFailed(f"{name}: {told(error)}", permanent=is_final) from error
    mine.update(finished_at=timezone.now(), note=note[:255])


def done(recording: Recording, basis: str) -> None:
    """Say that it is ready, unless what it was made from has changed meanwhile.

    A reason that was worth telling of the file stays.
    """
    with transaction.atomic():
        rows = Recording.objects.select_related("call").select_for_update(of=("self",))
        row = rows.filter(pk=recording.pk, state=State.PROCESSING).first()
        if row is None:
            return
        if basis_of(row) != basis:
            go_on([row.pk])
            return
        row.state, row.state_at, row.attempts, row.next_try_at = State.READY, timezone.now(), 0, None
        row.state_reason = row.state_reason if row.finding else ""
        row.save(update_fields=["state", "state_at", "attempts", "next_try_at", "state_reason"])
        files.put_recording(row)
        news.recording_ready(row.pk)
        connecting.recording_ready(row)
        if row.account_id != recording.account_id:
            rehome_soon([row.pk])


def fail(recording: Recording, failed: StepFailed) -> None:
    """Say what is wrong, and when it is tried again; after two days of trying, that somebody must look."""
    is_final = failed.permanent or recording.attempts >= MOST_TRIES
    wait = min(FIRST_WAIT * 2 ** min(recording.attempts, 12), LONGEST_WAIT)
    changes: dict[str, object] = {} if recording.finding else {"state_reason": failed.reason[:255]}
    with transaction.atomic():
        Recording.objects.filter(pk=recording.pk, state=State.PROCESSING).update(
            state=State.FAILED,
            state_at=timezone.now(),
            next_try_at=None if is_final else timezone.now() + wait,
            **changes,
        )
        news.recordings_failed([recording.pk] if is_final else [])


def discard(recording: Recording, short: TooShort) -> None:
    """Mark it first, so that nobody hears it any more, then remove the files."""
    now = timezone.now()
    with transaction.atomic():
        lock(recording.account_id)
        mine = Recording.objects.filter(pk=recording.pk, state=State.PROCESSING)
        marked = mine.exclude(held_recordings()).update(
            state=State.DISCARDED,
            state_at=now,
            state_reason=str(short)[:255],
            next_try_at=now + WORKER_LOST_AFTER,
        )
        recording.steps.filter(finished_at=None).update(finished_at=now)
    if marked:
        forget(recording)


def forget(recording: Recording) -> None:
    """Remove the files of a discarded recording, and only then the rows that know of them."""
    for media in recording.media.select_related("store"):
        storage = storage_of(media)
        storage.delete(peaks_key(media.key))
        storage.delete(media.key)
        media.delete()
    Recording.objects.filter(pk=recording.pk, state=State.DISCARDED).update(next_try_at=None)


def process_again(recordings: QuerySet[Recording]) -> int:
    """Have every step of these recordings done anew; return how many there are."""
    with transaction.atomic():
        rows = recordings.filter(stored_at__isnull=False, state__in=PLAYABLE).order_by()
        ids = list(rows.values_list("pk", flat=True))
        ProcessingStep.objects.filter(recording__in=ids).delete()
        Recording.objects.filter(pk__in=ids).update(
            state=State.PROCESSING,
            state_at=timezone.now(),
            attempts=0,
            next_try_at=timezone.now() + WORKER_LOST_AFTER,
        )
        process_soon(ids)
    return len(ids)
