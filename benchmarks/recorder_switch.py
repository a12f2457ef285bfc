"""A switch in a process of its own that plays so many queue calls a second and answers commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from threading import Event

from benchmarks.calls import QueueCalls
from switch.esl.captures import CapturedEvent, label_event
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch
from switch.esl.replay_api import ApiAnswers, LiveLegs

OWN_RECORDINGS = ("RECORD_START", "RECORD_STOP", "MEDIA_BUG_START", "MEDIA_BUG_STOP")


def tape(rate: int, calls: int) -> Iterator[Played]:
    """The calls as they overlap, without the recordings that the captured one had."""
    first = 0
    for at, body in QueueCalls(rate).as_they_overlap(calls):
        first = first or at
        event = label_event(body)
        if event.name not in OWN_RECORDINGS:
            yield Played((at - first) / 1_000_000, event)


class Yes(ApiAnswers):
    """Agrees with everything: no more is measured of this switch than its sockets."""

    def answer(self, command: str) -> str:
        return "-ERR\n" if command.startswith("show") else "+OK\n"


class Nothing(LiveLegs):
    """Knows of no legs."""

    def follow(self, event: CapturedEvent) -> None:
        return


def serve(rate: int, seconds: int) -> None:
    switch = ReplaySwitch(iter(list(tape(rate, rate * seconds))))
    switch.live = Nothing()
    switch.answers = Yes(switch.live)
    with BackgroundSwitch(switch) as background:
        say(str(background.port))
        while not background.join(1.0):
            pass
    say(json.dumps({"calls": rate * seconds, "commands": len(switch.commands)}))
    Event().wait(2)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
