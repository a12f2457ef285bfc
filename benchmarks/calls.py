"""Whole queue calls to measure with: a captured one told again with new ids, times and people."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from pathlib import Path

from switch.esl.captures import CapturedEvent, load_capture
from switch.esl.rejuvenate import NewEvent, Rejuvenator
from switch.esl.subscription import WHAT_MATTERS
from switch.esl.tokens import Renaming

CAPTURE = Path(__file__).parent.parent / "tests" / "data" / "freeswitch" / "queue_answered.jsonl.gz"
CORE = "5f2b3c50-7d34-4b27-9c0a-6f6f0a9d8e11"
FIRST_AT = 1_767_225_600_000_000
CALLER, AGENT = "01058400500", "1001"
AGENTS = 200
MICROSECONDS = 1_000_000


def is_subscribed(event: CapturedEvent) -> bool:
    if event.name == "CUSTOM":
        return event.subclass in WHAT_MATTERS.custom
    return event.name in WHAT_MATTERS.events


class QueueCalls:
    """Tells calls of which ``rate`` begin each second; the same number is always the same call."""

    def __init__(self, rate: float = 200.0, first_at: int = FIRST_AT) -> None:
        subscribed = [event for event in load_capture(CAPTURE) if is_subscribed(event)]
        self._teller = Rejuvenator(subscribed, words=[CALLER, AGENT])
        self._rate = rate
        self._first_at = first_at

    def call(self, number: int) -> list[NewEvent]:
        """Return one call's events in the order in which they happen."""
        chance = random.Random(number)  # noqa: S311 - not for secrets
        people = {CALLER: f"010{chance.randrange(10**8):08d}", AGENT: f"{1000 + number % AGENTS}"}
        return self._teller.call(
            self._first_at + int(number * MICROSECONDS / self._rate),
            seed=number,
            core=CORE,
            first_sequence=1 + number * self._teller.sequences,
            renaming=Renaming(words=people),
        )

    def one_after_another(self, calls: int) -> Iterator[bytes]:
        """Yield bodies call by call."""
        for number in range(calls):
            for event in self.call(number):
                yield event.body

    def as_they_overlap(self, calls: int) -> Iterator[tuple[int, bytes]]:
        """Yield moments and bodies in the order in which a switch sends them that has many calls at once."""
        waiting: list[tuple[int, int, int, bytes]] = []
        for number in range(calls):
            events = self.call(number)
            while waiting and waiting[0][0] < events[0].at:
                yield moment_and_body(heapq.heappop(waiting))
            for place, event in enumerate(events):
                heapq.heappush(waiting, (event.at, number, place, event.body))
        while waiting:
            yield moment_and_body(heapq.heappop(waiting))


def moment_and_body(waiting: tuple[int, int, int, bytes]) -> tuple[int, bytes]:
    return waiting[0], waiting[3]
