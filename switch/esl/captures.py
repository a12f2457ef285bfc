"""Captured calls: the bodies of JSON events exactly as a switch sent them, one a line."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import msgspec

MICROSECONDS = 1_000_000


class Label(msgspec.Struct):
    """What a body says it is; empty where it cannot be read."""

    name: str = msgspec.field(name="Event-Name", default="")
    subclass: str = msgspec.field(name="Event-Subclass", default="")
    stamp: str = msgspec.field(name="Event-Date-Timestamp", default="")


_decode_label = msgspec.json.Decoder(Label).decode


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One body as it came; `at` is its moment in microseconds since the epoch, 0 where it says none."""

    body: bytes
    name: str
    subclass: str
    at: int


def label_event(body: bytes) -> CapturedEvent:
    """Read what a body is; a body that cannot be read keeps empty names."""
    try:
        label = _decode_label(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        label = Label()
    at = int(label.stamp) if label.stamp.isdigit() and len(label.stamp) < 19 else 0
    return CapturedEvent(body, label.name, label.subclass, at)


class _Sequence(msgspec.Struct):
    number: str = msgspec.field(name="Event-Sequence", default="0")


_decode_sequence = msgspec.json.Decoder(_Sequence).decode


def label_sequence(event: CapturedEvent) -> int:
    """Return the event's number among those of its switch's run."""
    return int(_decode_sequence(event.body).number)


def open_capture(path: Path) -> IO[bytes]:
    """Open a JSON-lines file, packed by gzip or not."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def read_bodies(path: Path) -> Iterator[bytes]:
    """Yield the bodies of a capture; empty lines are passed over."""
    with open_capture(path) as file:
        for line in file:
            body = line.rstrip(b"\r\n")
            if body:
                yield body


def load_capture(path: Path) -> list[CapturedEvent]:
    """Return a capture's events in the order in which they came."""
    return [label_event(body) for body in read_bodies(path)]


def capture_name(path: Path) -> str:
    """Return the scenario's name: the file's without its endings."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def offsets(events: Iterable[CapturedEvent]) -> Iterator[int]:
    """Yield each event's microseconds since the first, never falling: the switch's clock is a cached one."""
    first = latest = 0
    for event in events:
        first = first or event.at
        latest = max(latest, event.at - first) if event.at else latest
        yield latest
