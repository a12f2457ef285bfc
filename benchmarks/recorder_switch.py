"""A switch in a process of its own that plays so many queue calls a second and agrees with every command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from threading import Event

from benchmarks.calls import QueueCalls
from switch.esl.captures import MICROSECONDS, CapturedEvent, label_event
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch
from switch.esl.replay_api import ApiAnswers, LiveLegs

OWN_RECORDINGS = ("RECORD_START", "RECORD_STOP", "MEDIA_BUG_START", "MEDIA_BUG_STOP")


def tape(rate: int, calls: int) -> list[Played]:
    """The calls as they overlap, evenly spread, without the recordings that the captured one had."""
    teller = QueueCalls(rate)
    return sorted((played for number in range(calls) for played in one_call(teller, number, rate)), key=due)


def one_call(teller: QueueCalls, number: int, rate: int) -> Iterator[Played]:
    """A call from its own moment on; the teller's moments are whole seconds apart."""
    events = teller.call(number)
    for told in events:
        event = label_event(told.body)
        if event.name not in OWN_RECORDINGS:
            yield Played(number / rate + (told.at - events[0].at) / MICROSECONDS, event)


def due(played: Played) -> float:
    return played.due


class Yes(ApiAnswers):
    """Agrees with everything: no more is measured of this switch than its sockets."""

    def answer(self, command: str) -> str:
        return "-ERR\n" if command.startswith("show") else "+OK\n"


class Nothing(LiveLegs):
    """Knows of no legs."""

    def follow(self, event: CapturedEvent) -> None:
        return


def serve(rate: int, seconds: int) -> None:
    switch = ReplaySwitch(iter(tape(rate, rate * seconds)))
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
