"""The lists that recordings are looked after by: what is on each, from what an address or a task says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from recordings.models import PLAYABLE, Finding, Media, Recording, State

NEVER_WANTED = (State.DISCARDED, State.DELETED)
KINDS: dict[str, Q] = {
    "expected": Q(state__in=[state for state in State if state not in NEVER_WANTED]),
    "present": Q(state__in=[*PLAYABLE, State.MISSING], stored_at__isnull=False),
    "playable": Q(state__in=PLAYABLE, stored_at__isnull=False),
    "ready": Q(state=State.READY),
    "waiting": Q(state=State.EXPECTED),
    "recording": Q(state=State.RECORDING),
    "received": Q(state__in=[State.RECEIVED, State.PROCESSING]),
    "missing": Q(state=State.MISSING),
    "failed": Q(state=State.FAILED),
    "damaged": Q(state__in=PLAYABLE, pk__in=Media.objects.exclude(damage="").values("recording")),
    "discarded": Q(state=State.DISCARDED),
    "deleted": Q(state=State.DELETED),
    **{
        finding.value: Q(finding=finding)
        for finding in Finding
        if finding not in (Finding.MISSING, Finding.DISCARDED)
    },
}


@dataclass(frozen=True)
class Chosen:
    """One list: a kind, a stretch of time, ``since`` in and ``until`` out, and a queue; empty is any."""

    kind: str
    since: datetime | None = None
    until: datetime | None = None
    queue_name: str = ""

    def of(self, rows: QuerySet[Recording]) -> QuerySet[Recording]:
        rows = rows.filter(KINDS[self.kind])
        if self.since:
            rows = rows.filter(started_at__gte=self.since)
        if self.until:
            rows = rows.filter(started_at__lt=self.until)
        return rows.filter(queue_name=self.queue_name) if self.queue_name else rows
