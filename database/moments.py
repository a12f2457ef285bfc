"""The switch's integer microseconds since the epoch as the database's times."""

from __future__ import annotations

import datetime as dt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant(microseconds: int) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=microseconds)


def moment(microseconds: int) -> dt.datetime | None:
    """The instant, None where there was none."""
    return instant(microseconds) if microseconds else None


def microseconds_of(at: dt.datetime) -> int:
    """The switch's way to write an instant."""
    return (at - EPOCH) // dt.timedelta(microseconds=1)
