"""What in the text of a captured event changes when its call is told again."""

from __future__ import annotations

import json
import random
import re
import uuid
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from switch.esl.captures import MICROSECONDS

BEFORE_SECONDS = 3600
AFTER_SECONDS = 60

PAIR = re.compile(rb'"((?:[^"\\]|\\.)*)":("(?:[^"\\]|\\.)*"|\[(?:"(?:[^"\\]|\\.)*",?)*\])')
NAME_KEY = re.compile(r"-ID-Name$|caller_id_name$|sip_from_display$|^CC-Member-CID-Name$")
REALM_KEY = re.compile(
    r"realm$|domain$|domain_name$|^Channel-Presence-ID$|^variable_presence_id$|^Conference-Domain$"
)
NUMBERLESS_KEY = re.compile(
    r"(Line-Number|sec|_ms|samples|size|bytes|count|[Pp]ort|sdp|sdp_str|ssrc|cseq|Index|rate|Rate|offset_pos|q850"
    r"|Accum|msec|Up-Time|Version|_id_s|session_id)$"
)
MOMENTS = (
    rb"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    rb"|(?<![0-9])(?:(?P<micros>[0-9]{16})|(?P<compact>20[0-9]{12})|(?P<seconds>[0-9]{10}))(?![0-9])"
    rb"|(?P<local>20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})"
    rb"|(?P<gmt>[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT)"
    rb"|(?P<slashed>/20[0-9]{2}/[0-9]{2}/[0-9]{2}/)"
)
SHAPES = {
    "compact": "%Y%m%d%H%M%S",
    "local": "%Y-%m-%d %H:%M:%S",
    "gmt": "%a, %d %b %Y %H:%M:%S GMT",
    "slashed": "/%Y/%m/%d/",
}
SPANS = ("bill", "flow_bill", "progress", "answer", "wait", "progress_media")
SPAN_UNITS = {"sec": 1, "msec": 1000, "usec": MICROSECONDS}


class TokenKind(Enum):
    """What stands at a place in the text."""

    TEXT = 0
    UUID = 1
    MICROS = 2
    SECONDS = 3
    SHAPED = 4
    SEQUENCE = 5
    WORD = 6
    NAME = 7
    REALM = 8
    SPAN = 9
    PATH = 10


@dataclass(frozen=True, slots=True)
class Token:
    """One changing thing; `text` is how it stood there.

    A SPAN grows by `per_second` for every second put in between `start` and `end`; a PATH is made of `parts`.
    """

    kind: TokenKind
    text: str = ""
    at: int = 0
    shape: str = ""
    start: int = 0
    end: int = 0
    per_second: float = 0
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Renaming:
    """Who takes part instead: `words` for numbers, extensions and queues; `names` for what is displayed."""

    words: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    realm: str = ""


class Clock:
    """Moves captured moments to new ones: all by whole seconds, those behind a cut by its extra time too."""

    def __init__(self, shift: int, cuts: Sequence[tuple[int, int]]) -> None:
        self.shift = shift // MICROSECONDS * MICROSECONDS
        self.cuts = sorted(cuts)
        self._moments = [cut for cut, _ in self.cuts]

    def move(self, at: int) -> int:
        """Return the new moment in microseconds."""
        return at + self.shift + sum(extra for _, extra in self.cuts[: bisect_left(self._moments, at)])

    def put_in(self, start: int, end: int) -> int:
        """Return how many microseconds were put in between two captured moments."""
        return sum(extra for cut, extra in self.cuts if start < cut < end)


def fill_token(
    token: Token,
    clock: Clock,
    chance: random.Random,
    ids: dict[str, str],
    first_sequence: int,
    renaming: Renaming,
) -> bytes:
    """Return what stands at a token's place in the new call."""
    match token.kind:
        case TokenKind.UUID:
            return _new_id(token.text, chance, ids).encode()
        case TokenKind.MICROS:
            return b"%d" % clock.move(token.at)
        case TokenKind.SECONDS:
            return b"%d" % (clock.move(token.at) // MICROSECONDS)
        case TokenKind.SHAPED:
            moment = datetime.fromtimestamp(clock.move(token.at) // MICROSECONDS, UTC)
            return moment.strftime(token.shape).encode()
        case TokenKind.SEQUENCE:
            return b"%d" % (first_sequence + token.at)
        case TokenKind.SPAN:
            seconds = clock.put_in(token.start, token.end) // MICROSECONDS
            return b"%d" % (int(token.text) + round(seconds * token.per_second))
        case TokenKind.WORD:
            return in_json(renaming.words.get(token.text, token.text))
        case TokenKind.NAME:
            return in_json(renaming.names.get(token.text) or renaming.words.get(token.text, token.text))
        case TokenKind.REALM:
            return in_json(renaming.realm or token.text)
        case _:
            return token.text.encode("utf-8", "surrogateescape")


def _new_id(old: str, chance: random.Random, ids: dict[str, str]) -> str:
    if old not in ids:
        ids[old] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return ids[old]


def in_json(text: str) -> bytes:
    """Return a text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Cut:
    """An event as indexes into the token table."""

    parts: tuple[int, ...]
    record_path: int | None
    record_path_text: str
    record_ms: int


class Tokenizer:
    """Cuts the events of one capture, all into one table of tokens; index 0 is the empty text."""

    def __init__(self, started_at: int, ended_at: int, words: Iterable[str]) -> None:
        self.table: list[Token] = [Token(TokenKind.TEXT)]
        self.core = ""
        self._first = started_at // MICROSECONDS - BEFORE_SECONDS
        self._last = ended_at // MICROSECONDS + AFTER_SECONDS
        self._places: dict[Token, int] = {self.table[0]: 0}
        self._sequences: list[int] = []
        self._stops: dict[str, tuple[int, int]] = {}
        listed = sorted(words, key=len, reverse=True)
        word = b"|".join(re.escape(word.encode()) for word in listed)
        self._plain = re.compile(MOMENTS)
        self._wordy = (
            re.compile(MOMENTS + rb"|(?<![0-9A-Za-z])(?P<word>" + word + rb")(?![0-9A-Za-z])")
            if listed
            else self._plain
        )
        self._words = frozenset(listed)

    def count_sequences(self, numbers: Iterable[int]) -> None:
        """Learn the sequence numbers of the capture, before it is cut."""
        self._sequences = sorted(set(numbers))

    @property
    def sequence_span(self) -> int:
        return len(self._sequences)

    def cut(self, body: bytes, at: int) -> Cut:
        """Cut one event's body; `at` is the event's moment."""
        event: dict[str, Any] = json.loads(body)
        self.core = self.core or str(event.get("Core-UUID", ""))
        leg = str(event.get("Unique-ID", ""))
        if event.get("Event-Name") == "RECORD_STOP":
            self._stops[leg] = (at - _number(event, "variable_record_ms") * 1000, at)
        parts: list[int] = []
        done = 0
        for pair in PAIR.finditer(body):
            parts.append(self._text(body[done : pair.start(2)]))
            parts += self._cut_value(pair[1].decode(), pair[2], event, self._stops.get(leg))
            done = pair.end()
        parts.append(self._text(body[done:]))
        return self._with_path(parts, event)

    def _with_path(self, parts: list[int], event: Mapping[str, Any]) -> Cut:
        text = str(event.get("Record-File-Path", ""))
        pieces = self._cut_text(in_json(text), self._wordy)
        path = self._place(Token(TokenKind.PATH, text, parts=tuple(pieces))) if text else None
        return Cut(tuple(parts), path, text, _number(event, "variable_record_ms"))

    def _cut_value(
        self, key: str, value: bytes, event: Mapping[str, Any], stop: tuple[int, int] | None
    ) -> list[int]:
        text = value[1:-1].decode("utf-8", "surrogateescape")
        if key == "Event-Sequence":
            return self._quoted(Token(TokenKind.SEQUENCE, at=bisect_left(self._sequences, int(text))))
        span = self._span(key, text, event, stop)
        if span is not None:
            return self._quoted(span)
        if NAME_KEY.search(key) and text in self._words:
            return self._quoted(Token(TokenKind.NAME, text))
        if REALM_KEY.search(key):
            return self._cut_realm(value)
        return self._cut_text(value, self._plain if NUMBERLESS_KEY.search(key) else self._wordy)

    def _quoted(self, token: Token) -> list[int]:
        return [self._text(b'"'), self._place(token), self._text(b'"')]

    def _cut_realm(self, value: bytes) -> list[int]:
        user, at, host = value[1:-1].rpartition(b"@")
        return [
            self._text(b'"'),
            *self._cut_text(user + at, self._wordy),
            self._place(Token(TokenKind.REALM, host.decode("utf-8", "surrogateescape"))),
            self._text(b'"'),
        ]

    def _span(
        self, key: str, text: str, event: Mapping[str, Any], stop: tuple[int, int] | None
    ) -> Token | None:
        if not text.isdigit():
            return None
        limits = self._call_span(key, event) or _record_span(key, event, stop)
        if limits is None:
            return None
        start, end, per_second = limits
        return Token(TokenKind.SPAN, text, start=start, end=end, per_second=per_second)

    @staticmethod
    def _call_span(key: str, event: Mapping[str, Any]) -> tuple[int, int, float] | None:
        found = CALL_SPANS.get(key)
        start, end = _number(event, "variable_start_uepoch"), _number(event, "variable_end_uepoch")
        if found is None or not end:
            return None
        length = _number(event, found[0])
        from_end = "bill" in key
        return (end - length, end, found[1]) if from_end else (start, start + length, found[1])

    def _cut_text(self, text: bytes, pattern: re.Pattern[bytes]) -> list[int]:
        parts: list[int] = []
        done = 0
        for match in pattern.finditer(text):
            token = self._token(match)
            if token is not None:
                parts += [self._text(text[done : match.start()]), self._place(token)]
                done = match.end()
        parts.append(self._text(text[done:]))
        return parts

    def _token(self, match: re.Match[bytes]) -> Token | None:
        kind, text = match.lastgroup or "", match[0].decode()
        if kind == "uuid":
            return Token(TokenKind.UUID, text)
        if kind == "word":
            return Token(TokenKind.WORD, text)
        at = self._moment(kind, text)
        if at is None or not self._first <= at // MICROSECONDS <= self._last:
            return None
        if kind == "micros":
            return Token(TokenKind.MICROS, at=at)
        if kind == "seconds":
            return Token(TokenKind.SECONDS, at=at)
        return Token(TokenKind.SHAPED, at=at, shape=SHAPES[kind])

    def _moment(self, kind: str, text: str) -> int | None:
        if kind == "micros":
            return int(text)
        if kind == "seconds":
            return int(text) * MICROSECONDS
        try:
            moment = datetime.strptime(text, SHAPES[kind]).replace(tzinfo=UTC)
        except ValueError:
            return None
        if kind == "slashed":
            return (self._first + BEFORE_SECONDS) * MICROSECONDS
        return int(moment.timestamp()) * MICROSECONDS

    def _text(self, text: bytes) -> int:
        return self._place(Token(TokenKind.TEXT, text.decode("utf-8", "surrogateescape")))

    def _place(self, token: Token) -> int:
        place = self._places.get(token)
        if place is None:
            place = self._places[token] = len(self.table)
            self.table.append(token)
        return place


CALL_SPANS = {
    f"variable_{name}{suffix}": (f"variable_{name}usec", unit)
    for name in SPANS
    for suffix, unit in SPAN_UNITS.items()
} | {
    f"variable_{prefix}duration": ("variable_uduration", unit)
    for prefix, unit in (("", 1), ("m", 1000), ("u", MICROSECONDS))
}


def _record_span(
    key: str, event: Mapping[str, Any], stop: tuple[int, int] | None
) -> tuple[int, int, float] | None:
    """Return the time that a variable about the leg's last recording covers, and how it grows with it."""
    milliseconds = _number(event, "variable_record_ms")
    if stop is None or not milliseconds or not key.startswith("variable_record_"):
        return None
    growth = {
        "variable_record_seconds": 1.0,
        "variable_record_ms": 1000.0,
        "variable_record_samples": _number(event, "variable_record_samples") * 1000 / milliseconds,
        "variable_record_file_size": (_number(event, "variable_record_file_size") - 44) * 1000 / milliseconds,
    }.get(key)
    return (*stop, growth) if growth else None


def _number(event: Mapping[str, Any], key: str) -> int:
    text = str(event.get(key, ""))
    return int(text) if text.isdigit() else 0
