"""Captured queue calls told again as typed events: other ids, people and times, some of them much longer."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from switch import events as ev
from switch.esl.captures import MICROSECONDS, load_capture
from switch.esl.translate import Translator

CAPTURES = Path(__file__).parent.parent / "tests" / "data" / "freeswitch"
AGENTS = 200
QUEUES = 20
SLOWEST = 90
STATUSES = ("Available", "On Break", "Logged Out", "Available (On Demand)")
CHANGING = re.compile(
    rb"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    rb"|(?<![0-9])(?:(?P<micros>[0-9]{16})|(?P<seconds>[0-9]{10}))(?![0-9])"
    rb'|(?<=")(?P<agent>1001|1002|lb001)(?=")|(?<=")(?P<queue>3[0-9]{3})(?=@default")'
)
HEAD = re.compile(rb'^\["(\w+)","([0-9a-f-]+)",([0-9]+),')


@dataclass(frozen=True)
class Template:
    """An event in pieces, told at a moment of its capture: fixed text, then what changes, in turns."""

    tag: bytes
    sequence: int
    pieces: tuple[tuple[bytes, str, bytes], ...]
    rest: bytes


@dataclass(frozen=True)
class Capture:
    """A captured call; ``began`` is a whole second in microseconds."""

    began: int
    templates: list[Template]


def load(path: Path) -> Capture | None:
    """Read a capture; None where no caller joined a queue."""
    translate = Translator([]).translate
    told = [translate(captured.body) for captured in load_capture(path)]
    kept = [event for event in told if isinstance(event, ev.LegEvent | ev.MemberEvent)]
    if not any(isinstance(event, ev.QueueJoined) for event in kept):
        return None
    began = min(event.at for event in kept) // MICROSECONDS * MICROSECONDS
    first = min(event.sequence for event in kept)
    return Capture(began, [cut(event, first) for event in kept])


def cut(event: ev.Event, first: int) -> Template:
    body = msgspec.json.encode(event)
    head = HEAD.match(body)
    if head is None:
        raise ValueError(f"an event that does not begin as events do: {body[:80]!r}")
    text = body[head.end() :]
    pieces, at = [], 0
    for found in CHANGING.finditer(text):
        pieces.append((text[at : found.start()], str(found.lastgroup), found[0]))
        at = found.end()
    return Template(head[1], event.sequence - first, tuple(pieces), text[at:])


class TypedCalls:
    """Tells calls, one every so many seconds; the same number is always the same call."""

    def __init__(self, first_at: int, apart: int) -> None:
        found = (load(path) for path in sorted(CAPTURES.glob("*.jsonl.gz")))
        self._captures = [capture for capture in found if capture]
        self._first_at = first_at
        self._apart = apart
        self._sequences = 1 + max(each.sequence for some in self._captures for each in some.templates)

    def call(self, number: int, core: str) -> Iterator[bytes]:
        """One call's events, of one or several visits, with offers, transfers and holds as captured."""
        chance = random.Random(number)  # noqa: S311 - not for secrets
        capture = chance.choice(self._captures)
        told = Retelling(chance, capture.began, self.began(number), chance.choice((1, 1, 3, 10, SLOWEST)))
        first = number * self._sequences
        for template in capture.templates:
            head = b'["%b","%b",%d,' % (template.tag, core.encode(), first + template.sequence)
            yield head + b"".join(told.parts(template)) + template.rest

    def status(self, number: int, core: str) -> bytes:
        """A change of some agent's status at about the time of a call."""
        chance = random.Random(-number)  # noqa: S311 - not for secrets
        change = ev.AgentChanged(
            core=core,
            sequence=-number,
            at=self.began(number) + chance.randrange(MICROSECONDS),
            agent=f"{1000 + chance.randrange(AGENTS)}",
            kind="status",
            value=chance.choice(STATUSES),
        )
        return msgspec.json.encode(change)

    def began(self, number: int) -> int:
        return self._first_at + number * self._apart * MICROSECONDS


class Retelling:
    """What stands in one new call instead of each thing of its capture; it takes so many times as long."""

    def __init__(self, chance: random.Random, captured: int, began: int, slower: int) -> None:
        self._chance = chance
        self._captured = captured
        self._began = began
        self._slower = slower
        self._known: dict[bytes, bytes] = {}

    def parts(self, template: Template) -> Iterator[bytes]:
        for text, kind, value in template.pieces:
            yield text
            if value not in self._known:
                self._known[value] = self._new(kind, value)
            yield self._known[value]

    def _new(self, kind: str, value: bytes) -> bytes:
        match kind:
            case "uuid":
                return str(uuid.UUID(int=self._chance.getrandbits(128))).encode()
            case "micros":
                return b"%d" % self._moved(int(value))
            case "seconds":
                return b"%d" % (self._moved(int(value) * MICROSECONDS) // MICROSECONDS)
            case "agent":
                return b"%d" % (1000 + self._chance.randrange(AGENTS))
        return b"%d" % (3000 + self._chance.randrange(QUEUES))

    def _moved(self, moment: int) -> int:
        return self._began + (moment - self._captured) * self._slower
