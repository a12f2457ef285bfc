"""What was read from the socket and is not in the journal yet: in order, and never more than fits."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
BATCH_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bodies that were read together; times in seconds since the epoch."""

    kind: str
    bodies: list[bytes]
    received_at: float
    size: int


class Backlog:
    """A queue between one thread that puts and one that takes.

    When it is full, events are dropped until half of it is free again; control records always fit.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._parcels: deque[Parcel] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._dropping = False

    def put(self, bodies: list[bytes], received_at: float, kind: str = "events") -> bool:
        """Keep bodies; False when they were dropped because there is no room."""
        size = sum(map(len, bodies))
        with self._changed:
            if kind == "events" and not self._has_room(size):
                return False
            self._parcels.append(Parcel(kind, bodies, received_at, size))
            self._bytes += size
            self._changed.notify()
        return True

    def take(self, timeout: float) -> list[Parcel]:
        """Return the next parcels of one kind, at most a batch's worth; none when nothing came in time."""
        with self._changed:
            if not self._parcels and not self._closed:
                self._changed.wait(timeout)
            taken: list[Parcel] = []
            size = 0
            while self._parcels and size < BATCH_BYTES and self._parcels[0].kind == self._kind_of(taken):
                taken.append(self._parcels.popleft())
                size += taken[-1].size
            return taken

    def taken_care_of(self, parcels: list[Parcel]) -> None:
        """Give back the room of parcels that are in the journal."""
        with self._changed:
            self._bytes -= sum(parcel.size for parcel in parcels)

    def close(self) -> None:
        """Say that nothing more will be put."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def over(self) -> bool:
        """Whether it is closed and everything was taken."""
        with self._changed:
            return self._closed and not self._parcels

    @property
    def dropping(self) -> bool:
        return self._dropping

    def _kind_of(self, taken: list[Parcel]) -> str:
        return taken[0].kind if taken else self._parcels[0].kind

    def _has_room(self, size: int) -> bool:
        limit = self._most // 2 if self._dropping else self._most
        self._dropping = self._bytes > 0 and self._bytes + size > limit
        return not self._dropping
