"""What the files of a recording were made from, so that a later change of it can be seen and followed.

Names and tags come from the recording and its call, agents' parts from answers and ends. Events that
come late can change both; then the steps that depend on them are done again, and no others.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from django.utils import timezone

from recordings.enqueue import process_soon
from recordings.models import ProcessingStep, Recording, State
from recordings.naming import label_of
from recordings.turns import Turn, turns_of

TASK_LOST_AFTER = timedelta(minutes=25)
NO_CALL = uuid.UUID(int=0)
LASTING = frozenset({"probe", "length", "levels"})
OF_NAMES = frozenset({"name", "mp3"})


def basis_of(recording: Recording) -> str:
    """What its files would be made from now."""
    return bases_of([recording])[recording.pk]


def bases_of(recordings: Sequence[Recording]) -> dict[uuid.UUID, str]:
    turns = turns_of({row.call_id for row in recordings if row.call_id})
    return {
        row.pk: f"{digest(names_of(row))}-{digest(parts_of(row, turns.get(row.call_id or NO_CALL, ())))}"
        for row in recordings
    }


def names_of(row: Recording) -> tuple[object, ...]:
    called = (row.call.dialed_number, row.call.callee_number) if row.call else ()
    return (
        row.started_at.timestamp(),
        row.leg_uuid,
        row.caller_number,
        row.callee_number,
        row.agent_name,
        row.queue_name,
        row.direction,
        label_of(row),
        *called,
    )


def parts_of(row: Recording, turns: Iterable[Turn]) -> tuple[object, ...]:
    spans = (row.started_at.timestamp(), row.stopped_at and row.stopped_at.timestamp())
    return (
        *spans,
        *((turn.agent, turn.began.timestamp(), turn.ended and turn.ended.timestamp()) for turn in turns),
    )


def digest(known: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def affects(step: str, before: str, now: str) -> bool:
    """Whether a step's work is worth nothing any more."""
    if step in LASTING or before == now:
        return False
    return step not in OF_NAMES or before.partition("-")[0] != now.partition("-")[0]


def start_from(recording: Recording, basis: str) -> None:
    """Note what the files are made from now; steps that were done with something else are done again."""
    before = recording.made_from
    if before == basis:
        return
    done = ProcessingStep.objects.filter(recording=recording, finished_at__isnull=False)
    names = [name for name in done.values_list("name", flat=True) if before and affects(name, before, basis)]
    done.filter(name__in=names).update(finished_at=None)
    recording.made_from = basis
    Recording.objects.filter(pk=recording.pk).update(made_from=basis)


def follow(call_ids: Collection[uuid.UUID]) -> int:
    """Have ready recordings of these calls made anew as far as they have changed; return how many there are.

    The rows are locked, also those that a worker is at: it looks for itself when it is done.
    """
    if not call_ids:
        return 0
    rows = Recording.objects.filter(call__id__any_of=call_ids, state__in=[State.READY, State.PROCESSING])
    locked = rows.exclude(made_from="").select_related("call").select_for_update(of=("self",))
    ready = [row for row in locked.order_by("pk") if row.state == State.READY]
    if not ready:
        return 0
    bases = bases_of(ready)
    changed = [row.pk for row in ready if row.made_from != bases[row.pk]]
    go_on(changed)
    return len(changed)


def go_on(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have recordings processed, as far as their steps are not done."""
    now = timezone.now()
    Recording.objects.filter(pk__in=recording_ids).update(
        state=State.PROCESSING, state_at=now, attempts=0, next_try_at=now + TASK_LOST_AFTER
    )
    process_soon(recording_ids)
