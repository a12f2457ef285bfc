"""Legs whose end nobody told: the switch's own list of channels says that they are over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from accounts.models import Switch
from cdr.models import Leg
from database.moments import instant
from switch import events as ev

SETTLED = dt.timedelta(seconds=10)


def lost_legs(switch: Switch, listed: Collection[str], at: int) -> list[ev.LegLost]:
    """The legs that are up for us and that the switch did not list at a moment (microseconds).

    Young ones may only not have been listed yet. The real end, if a CDR file tells it later, takes its place.
    """
    before = instant(at) - SETTLED
    up = Leg.objects.filter(switch=switch, ended_at__isnull=True, created_at__lt=before)
    gone = set(up.values_list("uuid", flat=True)) - set(listed)
    return [
        ev.LegLost(core=f"list:{at}", sequence=number, at=at, channel=ev.Channel(uuid))
        for number, uuid in enumerate(sorted(gone))
    ]


def has_old_legs(switch: Switch, now: dt.datetime) -> bool:
    """Whether any leg has been up for a while: only then is the switch worth asking."""
    return Leg.objects.filter(switch=switch, ended_at__isnull=True, created_at__lt=now - SETTLED).exists()
