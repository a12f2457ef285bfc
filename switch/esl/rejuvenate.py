"""Captured calls told again as new ones: fresh ids, other times, other people, longer waits and talks.

A capture is cut once into fixed text and tokens; a call is then made by filling in the tokens, so that every
place where the switch repeats an id, a moment or a number says the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import cast

from switch.esl.captures import MICROSECONDS, CapturedEvent, label_sequence, offsets
from switch.esl.tokens import Clock, Renaming, Tokenizer, TokenKind, fill_token
from switch.esl.waits import Wait, quiet_waits

Parts = Callable[[Sequence[bytes]], tuple[bytes, ...]]

NOT_OF_A_CALL = frozenset(
    {
        "ADD_SCHEDULE",
        "API",
        "BACKGROUND_JOB",
        "DEL_SCHEDULE",
        "HEARTBEAT",
        "MODULE_LOAD",
        "MODULE_UNLOAD",
        "RE_SCHEDULE",
        "SHUTDOWN",
        "STARTUP",
    }
)


@dataclass(frozen=True, slots=True)
class Audio:
    """A recorded file: its captured and its new path on the switch.

    `stretches` are (milliseconds in the captured file, seconds put in there), in the file's order.
    """

    captured_path: str
    path: str
    stretches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event of a call that is told again; `at` is its moment in microseconds since the epoch."""

    at: int
    name: str
    subclass: str
    body: bytes
    audio: Audio | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    name: str
    subclass: str
    at: int
    parts: Parts
    recorded: _Recorded | None


@dataclass(frozen=True, slots=True)
class _Recorded:
    path: int
    captured_path: str
    stop: int
    milliseconds: int


class Rejuvenator:
    """Makes new calls of one capture; its quiet `waits` can be made longer by whole seconds.

    Events of the names in `leave_out` are no part of the call; with `names` only events of those are told.
    """

    def __init__(
        self,
        events: Sequence[CapturedEvent],
        words: Sequence[str] = (),
        *,
        leave_out: frozenset[str] = NOT_OF_A_CALL,
        names: frozenset[str] | None = None,
    ) -> None:
        kept = [event for event in events if event.name not in leave_out and event.at]
        if not kept:
            raise ValueError("the capture holds no call")
        self.started_at = min(event.at for event in kept)
        self.ended_at = max(event.at for event in kept)
        self.waits: tuple[Wait, ...] = quiet_waits(kept)
        self._tokenizer = Tokenizer(self.started_at, self.ended_at, words)
        self._tokenizer.count_sequences(map(label_sequence, kept))
        moments = [self.started_at + offset for offset in offsets(kept)]
        self._templates = [
            self._cut(event, at)
            for event, at in zip(kept, moments, strict=True)
            if names is None or event.name in names
        ]
        self._table = self._tokenizer.table
        self.sequences = self._tokenizer.sequence_span

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """The kinds of events that a call has."""
        return frozenset((template.name, template.subclass) for template in self._templates)

    def _cut(self, event: CapturedEvent, at: int) -> _Template:
        cut = self._tokenizer.cut(event.body, event.at)
        recorded = None
        if event.name == "RECORD_STOP" and cut.record_path is not None:
            recorded = _Recorded(cut.record_path, cut.record_path_text, event.at, cut.record_ms)
        # itemgetter of one index gives no tuple, hence the empty part at the end.
        return _Template(event.name, event.subclass, at, cast("Parts", itemgetter(*cut.parts, 0)), recorded)

    def call(
        self,
        at: int,
        *,
        seed: int | str,
        core: str = "",
        first_sequence: int = 1,
        renaming: Renaming | None = None,
        extra_seconds: Sequence[int] = (),
        only: frozenset[str] | None = None,
    ) -> list[NewEvent]:
        """Return the call as if it had begun at a moment (microseconds since the epoch).

        The same seed gives the same ids. `extra_seconds` lengthens the waits, one number each; `only` keeps
        events of these names. Events take at most `sequences` numbers, beginning with `first_sequence`.
        """
        clock = Clock(at - self.started_at, self._cuts(extra_seconds))
        filled = self._fill(clock, random.Random(seed), core, first_sequence, renaming or Renaming())  # noqa: S311
        return [
            NewEvent(
                clock.move(template.at),
                template.name,
                template.subclass,
                b"".join(template.parts(filled)),
                self._audio(template.recorded, filled, clock),
            )
            for template in self._templates
            if only is None or template.name in only
        ]

    def _cuts(self, extra_seconds: Sequence[int]) -> list[tuple[int, int]]:
        return [
            (wait.cut_at, seconds * MICROSECONDS)
            for wait, seconds in zip(self.waits, extra_seconds, strict=False)
            if seconds > 0
        ]

    def _fill(
        self, clock: Clock, chance: random.Random, core: str, first_sequence: int, renaming: Renaming
    ) -> list[bytes]:
        ids: dict[str, str] = {self._tokenizer.core: core} if core else {}
        filled: list[bytes] = []
        for token in self._table:
            if token.kind is TokenKind.PATH:
                filled.append(b"".join(filled[part] for part in token.parts))
            else:
                filled.append(fill_token(token, clock, chance, ids, first_sequence, renaming))
        return filled

    @staticmethod
    def _audio(recorded: _Recorded | None, filled: Sequence[bytes], clock: Clock) -> Audio | None:
        if recorded is None:
            return None
        start = recorded.stop - recorded.milliseconds * 1000
        stretches = tuple(
            ((cut - start) // 1000, extra // MICROSECONDS)
            for cut, extra in clock.cuts
            if start < cut < recorded.stop
        )
        path = json.loads(b'"%b"' % filled[recorded.path])
        return Audio(recorded.captured_path, path, stretches)
