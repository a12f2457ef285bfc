"""What was heard of the connection itself: gaps, and events that could not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db.models import F
from django.utils import timezone

from accounts.models import Switch
from cdr.models import ConnectionGap, EventCount
from database.moments import instant
from switch import events as ev


def record_gaps(switch: Switch, events: Sequence[ev.Event]) -> None:
    """A row for every time without a connection; told again it changes nothing."""
    for event in events:
        if isinstance(event, ev.ConnectionLost):
            ConnectionGap.objects.get_or_create(
                switch=switch, started_at=instant(event.at), defaults={"reason": event.reason[:255]}
            )
        elif isinstance(event, ev.ConnectionRestored) and event.lost_at:
            ConnectionGap.objects.update_or_create(
                switch=switch, started_at=instant(event.lost_at), defaults={"ended_at": instant(event.at)}
            )


def count(switch: Switch, kind: str, names: Mapping[str, int]) -> None:
    """Add to the counts of events that could not be used."""
    for name, number in Counter(names).items():
        row, _ = EventCount.objects.get_or_create(switch=switch, kind=kind, name=name[:128])
        EventCount.objects.filter(pk=row.pk).update(count=F("count") + number, last_at=timezone.now())
