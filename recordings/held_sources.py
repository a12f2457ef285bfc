"""Sources that stay until the MP3 is verified and a connector's receiver has acknowledged it."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from recordings.candidates import Found
from recordings.connectors.sending import connectors_for
from recordings.delivery.models import Delivery, DeliveryState, Kind
from recordings.models import Recording, State
from recordings.sources import Folder, SourceError, place_of

log = logging.getLogger(__name__)

AT_ONCE = 200


def must_wait(recording: Recording) -> bool:
    """Whether the account tells another system of its calls, with the file."""
    has_call = recording.account_id is not None and recording.call_id is not None
    return has_call and bool(connectors_for([recording.account_id], with_files=True))


def marks_of(found: Found) -> str:
    """What tells the very files again."""
    return json.dumps([[file.name, file.seen.st_size, file.seen.st_mtime_ns] for file in found.files])


def waiting() -> QuerySet[Recording]:
    """Those whose files need not wait any more: done, and nothing of theirs is still to be told."""
    untold = Delivery.objects.filter(
        recording=OuterRef("pk"),
        kind=Kind.CONNECTOR,
        state__in=[DeliveryState.PENDING, DeliveryState.FAILED],
    )
    held = Recording.objects.exclude(source_held="").filter(state__in=[State.READY, State.DISCARDED])
    return held.exclude(Exists(untold)).select_related("switch").order_by("state_at")


def release_sources() -> int:
    """Remove the sources that need not wait any more; return of how many recordings."""
    rows = list(waiting()[:AT_ONCE])
    for row in rows:
        try:
            gone = remove(row, json.loads(row.source_held))
        except (SourceError, OSError):
            log.warning("The source of recording %s could not be removed", row.pk.hex, exc_info=True)
            gone = False
        Recording.objects.filter(pk=row.pk).update(source_held="", source_kept=not gone)
    return len(rows)


def remove(recording: Recording, marks: list[Any]) -> bool:
    """Remove those of the files that are what they were."""
    with Folder(place_of(recording.source_path, recording.switch.path_mapping)) as folder:
        gone = [remove_one(folder, *mark) for mark in marks]
    return all(gone)


def remove_one(folder: Folder, name: str, size: int, modified_ns: int) -> bool:
    try:
        seen = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return True
    is_the_file = (seen.st_size, seen.st_mtime_ns) == (size, modified_ns)
    return is_the_file and folder.remove(name, seen)
