"""Tasks about recordings and exports, written in the transaction of the rows they are about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django_q.tasks import async_task

ROWS_PER_TASK = 20


def collect_soon(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have the files of these recordings found and stored."""
    _enqueue("recordings.intake.collect_each", recording_ids)


def process_soon(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have the stored files of these recordings named, converted and cut."""
    for recording_id in recording_ids:
        _enqueue("recordings.process.process_each", [recording_id])


def rehome_soon(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have the stored files of these recordings moved under the account that has them now."""
    _enqueue("recordings.rehome.rehome_each", recording_ids)


def seek_soon(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have storage asked for files of these recordings that were gone."""
    _enqueue("recordings.again.seek_each", recording_ids)


def redo_soon(redo_id: uuid.UUID, batch: int) -> None:
    """Have a batch of a list done."""
    async_task("recordings.again.next_batch", redo_id.hex, batch)


def erase_soon(recording_ids: Sequence[uuid.UUID]) -> None:
    """Have the audio of these recordings removed."""
    _enqueue("recordings.deletion.erase_each", recording_ids)


def export_soon(export_id: uuid.UUID) -> None:
    """Have an export made, or gone on with."""
    async_task("ccportal.exports.work.go_on", export_id.hex)


def erase_exports_soon(export_ids: Sequence[uuid.UUID]) -> None:
    """Have the files of these exports removed."""
    _enqueue("recordings.exporting.erase_each", export_ids)


def _enqueue(task: str, ids: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(ids), ROWS_PER_TASK):
        async_task(task, [one.hex for one in ids[start : start + ROWS_PER_TASK]])
