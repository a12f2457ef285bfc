"""Files that come after their recording was marked missing: looked for again, ever less often, for a week."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta

from django.utils import timezone

from recordings.again import collect_again
from recordings.candidates import find_source
from recordings.intake import FIRST_LOOK
from recordings.models import Finding, Recording, State
from recordings.sources import SourceError

GIVEN_UP_AFTER = timedelta(days=7)
MOST_AT_ONCE = 200


def look_for_late() -> int:
    """Look for the files of missing recordings that are due; return how many have come."""
    now = timezone.now()
    due = Recording.objects.filter(
        state=State.MISSING, finding=Finding.MISSING, stored_at=None, next_try_at__lte=now
    )
    come = 0
    for recording in due.select_related("switch").order_by("next_try_at")[:MOST_AT_ONCE]:
        if is_there(recording):
            come += collect_again([recording.pk])
        else:
            Recording.objects.filter(pk=recording.pk, state=State.MISSING).update(
                next_try_at=next_look(recording, now)
            )
    return come


def next_look(recording: Recording, now: datetime) -> datetime | None:
    """After as long as it has been missing already; None when it has been for too long."""
    missing_for = now - recording.state_at
    return now + max(missing_for, FIRST_LOOK) if missing_for < GIVEN_UP_AFTER else None


def is_there(recording: Recording) -> bool:
    with ExitStack() as opened:
        try:
            find_source(recording, opened)
        except SourceError:
            return False
    return True
