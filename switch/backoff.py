"""When to try again, and when silence means that a connection is dead."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

HEARTBEAT_SECONDS = 20.0
SILENT_HEARTBEATS = 2.5


@dataclass(slots=True)
class Backoff:
    """Delays that double from `first` to `longest` seconds, each shortened at random by up to a half."""

    first: float = 0.5
    longest: float = 30.0
    random: random.Random = field(default_factory=random.SystemRandom)
    _next: float = 0.0

    def next_delay(self) -> float:
        """Return the seconds to wait before the next attempt."""
        delay = self._next or self.first
        self._next = min(delay * 2, self.longest)
        return delay * self.random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin with the shortest delay again."""
        self._next = 0.0


@dataclass(slots=True)
class Watchdog:
    """Tell when nothing was heard for 2.5 heartbeats; `now` is a monotonic time in seconds."""

    heard_at: float
    patience: float = HEARTBEAT_SECONDS * SILENT_HEARTBEATS

    def heard(self, now: float) -> None:
        """Note that something came."""
        self.heard_at = now

    def expired(self, now: float) -> bool:
        """Tell whether the silence has lasted too long."""
        return now - self.heard_at > self.patience
