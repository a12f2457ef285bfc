"""Legs that nobody told us of: asked from the switch after a connection, and when events were dropped."""

from __future__ import annotations

import json
from html import unescape
from re import compile as pattern
from typing import Any, Final

import msgspec

from ccportal.recorder.engine import Engine
from ccportal.recorder.orders import Answered, Give, Order, Purpose
from ccportal.recorder.takes import TAKE_VARIABLE, LiveTake, Stage, recording_id, recording_path
from switch import events as ev
from switch.commands import dump_channel, list_recordings, show_channels
from switch.errors import MalformedEvent, UnsafeValue
from switch.esl.translate import Translator

TARGET: Final = pattern("<target>(.*?)</target>")
MOST_TAKES: Final = 1000


class Sweep:
    """Compares the engine's legs with the switch's, and lets it know those it missed."""

    def __init__(self, engine: Engine, translator: Translator) -> None:
        self._engine = engine
        self._translate = translator.translate
        self._known: frozenset[str] = frozenset()

    def begin(self, now: float) -> list[Order]:
        """Ask for the live legs."""
        self._known = frozenset(self._engine.book.legs)
        return [Give("", Purpose.LIST, (show_channels(),), read_at=now)]

    def done(self, done: Answered) -> list[Order]:
        """Take notice of an answer; what else is to be asked is returned."""
        if not done.ok:
            return []
        if done.give.purpose is Purpose.LIST:
            return self._listed(done)
        self._looked(done)
        return []

    def _listed(self, done: Answered) -> list[Order]:
        living = uuids_in(done.replies[0].text)
        if living is None:
            return []
        engine = self._engine
        for gone in self._known - set(living):
            engine.ended(gone, done.at)
        engine.book.try_again(done.at)
        missed = [leg for leg in living if leg not in engine.book.legs]
        return [order for leg in missed if (order := look_at(leg, done.at))]

    def _looked(self, done: Answered) -> None:
        dump, bugs = done.replies
        channel = self._channel(dump.text)
        if channel is None or channel.uuid in self._engine.book.legs:
            return
        number = take_number(channel)
        takes = self._takes(channel, number, bugs.text, done.at)
        self._engine.book.meet(
            channel.uuid,
            answered=done.at if channel.answered else 0.0,
            bridged=bool(channel.bridged),
            count=number,
            takes=takes,
        )
        self._engine.created(channel, done.at)

    def _channel(self, dump: str) -> ev.Channel | None:
        """Read a dump as if the leg had just been created."""
        try:
            fields = json.loads(dump)
            body = msgspec.json.encode(fields | {"Event-Name": "CHANNEL_CREATE"})
            event = self._translate(body)
        except (ValueError, TypeError, MalformedEvent):
            return None
        return event.channel if isinstance(event, ev.LegCreated) else None

    def _takes(self, channel: ev.Channel, number: int, bugs: str, at: float) -> list[LiveTake]:
        """What is recorded on the leg, and what was armed and waits for its answer."""
        snapshot = self._engine.snapshot
        rid = recording_id(snapshot.switch_id, channel.uuid, number) if number else ""
        ours = recording_path(snapshot.folder, rid) if rid else ""
        paths = [unescape(path) for path in TARGET.findall(bugs)]
        takes = [
            LiveTake(
                channel.uuid,
                path,
                number if path == ours else 0,
                rid if path == ours else "",
                channel.uuid,
                Stage.RUNNING,
            )
            for path in paths
        ]
        if ours and ours not in paths and not channel.answered:
            takes.append(LiveTake(channel.uuid, ours, number, rid, stage=Stage.ARMED, armed_at=at))
        return takes


def look_at(leg: str, now: float) -> Give | None:
    try:
        return Give(leg, Purpose.LOOK, (dump_channel(leg), list_recordings(leg)), read_at=now)
    except UnsafeValue:
        return None


def uuids_in(listing: str) -> list[str] | None:
    """The legs of ``show channels as json``, oldest first; None when it cannot be read."""
    try:
        rows: list[dict[str, Any]] = json.loads(listing).get("rows", [])
        return [str(row["uuid"]) for row in sorted(rows, key=lambda row: int(row.get("created_epoch", 0)))]
    except (ValueError, AttributeError, KeyError, TypeError):
        return None


def take_number(channel: ev.Channel) -> int:
    text = channel.variables.get(TAKE_VARIABLE, "")
    return min(int(text), MOST_TAKES) if text.isascii() and text.isdigit() else 0
