"""Where in a take's file a moment of the call is.

A file as long as the take counts from the take's beginning; a shorter one began late (at the answer, say) and
counts back from the take's end. Measured on FreeSWITCH 1.10.12 and 1.11.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SAME_LENGTH = timedelta(milliseconds=250)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Placed:
    """A take's file on the call's clock."""

    started_at: datetime
    stopped_at: datetime | None
    milliseconds: int

    @property
    def began_at(self) -> datetime:
        """The moment of the file's first sample."""
        length = self.milliseconds * MILLISECOND
        if self.stopped_at and self.stopped_at - self.started_at - length > SAME_LENGTH:
            return self.stopped_at - length
        return self.started_at

    def position(self, moment: datetime) -> int:
        """Milliseconds into the file, kept within it."""
        return max(0, min(self.milliseconds, round((moment - self.began_at) / MILLISECOND)))

    def span(self, begin: datetime, end: datetime | None) -> tuple[int, int] | None:
        """Where a span of the call is in the file; None when nothing of it is."""
        first = self.position(begin)
        last = self.milliseconds if end is None else self.position(end)
        return (first, last) if last > first else None
