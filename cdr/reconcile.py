"""Legs whose end nobody told: the switch's own list of channels says that they are over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from accounts.models import Switch
from cdr.models import ConnectionGap, Leg
from database.moments import instant, microseconds_of
from switch import events as ev

SETTLED = dt.timedelta(seconds=10)


def lost_legs(switch: Switch, listed: Collection[str], at: int) -> list[ev.LegLost]:
    """The legs that are up for us and that the switch did not list at a moment (microseconds).

    Young ones may only not have been listed yet; what ended in a gap ended by the gap's end. The real end, if
    a CDR file tells it later, takes its place.
    """
    before = instant(at) - SETTLED
    up = Leg.objects.filter(switch=switch, ended_at__isnull=True, created_at__lt=before)
    known = {
        uuid: max(filter(None, times)) for uuid, *times in up.values_list("uuid", "created_at", "answered_at")
    }
    heard_since = _heard_since(switch, instant(at))
    return [
        ev.LegLost(
            core=f"list:{at}",
            sequence=number,
            at=_over_at(known[uuid], heard_since, at),
            channel=ev.Channel(uuid),
        )
        for number, uuid in enumerate(sorted(known.keys() - set(listed)))
    ]


def _heard_since(switch: Switch, now: dt.datetime) -> dt.datetime | None:
    """The end of the last time in which the switch was not heard."""
    gaps = ConnectionGap.objects.filter(switch=switch, ended_at__lte=now).order_by("-ended_at")
    return gaps.values_list("ended_at", flat=True).first()


def _over_at(last_told: dt.datetime, heard_since: dt.datetime | None, at: int) -> int:
    """A leg of before a gap was over by its end: after that we would have heard of it."""
    return microseconds_of(heard_since) if heard_since and last_told < heard_since else at


def has_old_legs(switch: Switch, now: dt.datetime) -> bool:
    """Whether any leg has been up for a while: only then is the switch worth asking."""
    return Leg.objects.filter(switch=switch, ended_at__isnull=True, created_at__lt=now - SETTLED).exists()
