"""Calls without end, for a replayed switch: new ones begin now and then, several at a time."""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ccportal.demo.repertoire import Manner, Repertoire
from switch.esl.captures import MICROSECONDS, CapturedEvent
from switch.esl.rejuvenate import NewEvent
from switch.esl.replay import Played, Tape
from switch.esl.replay_audio import AudioShelf

LIVE: Final = Manner(talk=12.0, wait=2.0)
PAUSE_SECONDS: Final = 6.0
FIRST_PAUSE_SECONDS: Final = 1.0


@dataclass
class LiveTape:
    """Yields the events of calls that begin about every `pause` seconds from now on."""

    repertoire: Repertoire
    seed: str
    shelf: AudioShelf | None = None
    pause: float = PAUSE_SECONDS
    clock: Callable[[], float] = time.time

    def play(self) -> Tape:
        """Yield events by the time they are due, for ever."""
        chance = random.Random(self.seed)  # noqa: S311 - nothing secret
        began = self.clock()
        waiting: list[tuple[float, int, Played]] = []
        order = itertools.count()
        next_call = FIRST_PAUSE_SECONDS
        for number in itertools.count():
            moment = int((began + next_call) * MICROSECONDS)
            for event in self.repertoire.call(f"{self.seed}/{number}", moment, LIVE):
                due = max(event.at / MICROSECONDS - began, next_call)
                heapq.heappush(waiting, (due, next(order), self._played(due, event)))
            next_call += chance.expovariate(1 / self.pause)
            while waiting and waiting[0][0] < next_call:
                yield heapq.heappop(waiting)[2]

    def _played(self, due: float, event: NewEvent) -> Played:
        before = None
        if event.audio is not None and self.shelf is not None:
            before = partial(self.shelf.deliver, event.audio)
        return Played(due, CapturedEvent(event.body, event.name, event.subclass, event.at), before)
