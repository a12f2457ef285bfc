"""Every minute: recordings and exports that wait for their next try, or that a crash left behind, go on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recordings.again import go_on_with_lost
from recordings.awaited import find_calls
from recordings.enqueue import collect_soon, erase_soon, process_soon, rehome_soon
from recordings.erasure.work import sweep_erasures
from recordings.exporting import sweep_exports
from recordings.held_sources import release_sources
from recordings.models import Media, Recording, State
from recordings.storage import QUARANTINE
from recordings.uploads import not_sent_in_time

MOST_AT_ONCE = 1000
TASK_LOST_AFTER = timedelta(minutes=10)
WORKER_LOST_AFTER = timedelta(minutes=25)
STOP_LOST_AFTER = timedelta(minutes=2)
ROOM_FORGOTTEN_AFTER = timedelta(hours=24)


def sweep() -> int:
    """Enqueue what is due; return how many recordings and exports that were."""
    now = timezone.now()
    with transaction.atomic():
        ended = mark(never_stopped(), state=State.RECEIVED, state_at=now, next_try_at=now + TASK_LOST_AFTER)
        due = mark(left_behind(), next_try_at=now + TASK_LOST_AFTER)
        stuck = mark(abandoned(), state=State.RECEIVED, state_at=now, next_try_at=now + TASK_LOST_AFTER)
        found = [*ended, *due, *stuck]
        collect_soon(found)
        process_soon(waiting := mark(to_be_processed(), next_try_at=now + WORKER_LOST_AFTER))
        erase_soon(going := mark(to_be_erased(), next_try_at=now + TASK_LOST_AFTER))
        rehome_soon(released := list(out_of_quarantine()))
        not_sent_in_time()
        find_calls()
        go_on_with_lost()
        exports = sweep_exports()
        sweep_erasures()
    release_sources()
    return len(found) + len(waiting) + len(going) + len(released) + exports


def never_stopped() -> QuerySet[Recording]:
    """Takes whose end was never heard, although their call is over; a room's after a day."""
    now = timezone.now()
    return Recording.objects.filter(
        Q(call__ended_at__lt=now - STOP_LOST_AFTER) | Q(call=None, started_at__lt=now - ROOM_FORGOTTEN_AFTER),
        state=State.RECORDING,
    )


def left_behind() -> QuerySet[Recording]:
    """Files to be collected whose next try is due, or whose task got lost."""
    now = timezone.now()
    return Recording.objects.filter(
        Q(next_try_at__lte=now) | Q(next_try_at=None, state_at__lt=now - TASK_LOST_AFTER),
        state=State.RECEIVED,
    )


def abandoned() -> QuerySet[Recording]:
    """Files a worker was at and never finished: longer ago than any task may take."""
    return Recording.objects.filter(
        state=State.PROCESSING, stored_at=None, state_at__lt=timezone.now() - WORKER_LOST_AFTER
    )


def to_be_processed() -> QuerySet[Recording]:
    """Stored files whose next try is due: a task or worker got lost, a step failed, files are still to go."""
    return Recording.objects.filter(
        state__in=[State.PROCESSING, State.FAILED, State.DISCARDED],
        stored_at__isnull=False,
        next_try_at__lte=timezone.now(),
    )


def to_be_erased() -> QuerySet[Recording]:
    """Audio that is to go and whose task or worker got lost, or whose storage was away."""
    return Recording.objects.filter(state=State.DELETING, next_try_at__lte=timezone.now())


def out_of_quarantine() -> QuerySet[Media, uuid.UUID]:
    """Recordings that got an account while their files are still in quarantine."""
    kept = Media.objects.filter(key__startswith=f"{QUARANTINE}/", recording__account__isnull=False)
    return kept.values_list("recording", flat=True).distinct()[:MOST_AT_ONCE]


def mark(rows: QuerySet[Recording], **changes: object) -> list[uuid.UUID]:
    """Mark rows and return their ids; another sweep at the same moment passes over them."""
    lock = rows.select_for_update(skip_locked=True, of=("self",))
    ids: Iterable[uuid.UUID] = lock.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE]
    taken = list(ids)
    Recording.objects.filter(pk__in=taken).update(**changes)
    return taken
