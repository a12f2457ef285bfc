"""Files that come after their recording was marked missing: looked for again, ever less often, for a week."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from recordings.candidates import find_source
from recordings.enqueue import collect_soon
from recordings.intake import FIRST_LOOK
from recordings.models import Finding, Recording, State
from recordings.sources import SourceError

GIVEN_UP_AFTER = timedelta(days=7)
MOST_AT_ONCE = 200


def look_again() -> int:
    """Look for the files of missing recordings that are due; return how many have come."""
    now = timezone.now()
    due = Recording.objects.filter(
        state=State.MISSING, finding=Finding.MISSING, stored_at=None, next_try_at__lte=now
    )
    come = 0
    for recording in due.select_related("switch").order_by("next_try_at")[:MOST_AT_ONCE]:
        if is_there(recording):
            come += collect_anew(recording)
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


@transaction.atomic
def collect_anew(recording: Recording) -> bool:
    """Have a file collected that was missing or unusable; False when it is being dealt with already."""
    now = timezone.now()
    rows = Recording.objects.filter(pk=recording.pk, stored_at=None, state__in=[State.MISSING, State.FAILED])
    taken = rows.update(
        state=State.RECEIVED, state_at=now, finding="", state_reason="", attempts=0, next_try_at=None
    )
    if taken:
        collect_soon([recording.pk])
    return bool(taken)
