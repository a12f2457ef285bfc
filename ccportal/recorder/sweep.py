"""Legs that nobody told us of: asked from the switch after a connection, and when events were dropped."""

from __future__ import annotations

import json
from html import unescape
from re import compile as pattern
from typing import Any, Final

import msgspec

from ccportal.recorder.engine import Engine
from ccportal.recorder.notes import asked_of, had_a_recording, is_following, is_masked, take_number
from ccportal.recorder.orders import Answered, Give, Order, Purpose
from ccportal.recorder.takes import LiveTake, Stage, recording_id, recording_path, rid_in
from switch import events as ev
from switch.commands import dump_channel, list_recordings, show_channels
from switch.errors import MalformedEvent, UnsafeValue
from switch.esl.translate import Translator

TARGET: Final = pattern("<target>(.*?)</target>")


class Sweep:
    """Compares the engine's legs with the switch's, and lets it know those it missed."""

    def __init__(self, engine: Engine, translator: Translator) -> None:
        self._engine = engine
        self._translate = translator.translate
        self._known: frozenset[str] = frozenset()
        self._listing = False
        self._looking: set[str] = set()
        self._looked_at: list[Answered] = []

    @property
    def over(self) -> bool:
        """Whether all that was asked has been answered."""
        return not (self._listing or self._looking)

    def begin(self, now: float) -> list[Order]:
        """Ask for the live legs."""
        self._known = frozenset(self._engine.book.legs)
        self._listing = True
        return [Give("", Purpose.LIST, (show_channels(),), read_at=now)]

    def done(self, done: Answered) -> list[Order]:
        """Take notice of an answer; what else is to be asked is returned."""
        if done.give.purpose is Purpose.LIST:
            self._listing = False
            return self._listed(done) if done.ok else []
        self._looking.discard(done.give.leg)
        if done.ok:
            self._looked_at.append(done)
        if not self._looking:
            self._meet_in_order()
        return []

    def _meet_in_order(self) -> None:
        """Meet the legs as they were made, whichever was told of first: a caller before who is rung."""
        looked, self._looked_at = self._looked_at, []
        dumps = [(fields_of(done.replies[0].text), done) for done in looked]
        for dump, done in sorted(dumps, key=lambda pair: created_at(pair[0])):
            self._looked(dump, done)

    def _listed(self, done: Answered) -> list[Order]:
        living = uuids_in(done.replies[0].text)
        if living is None:
            return []
        engine = self._engine
        for gone in self._known - set(living):
            engine.ended(gone, done.at)
        engine.book.try_again(done.at)
        missed = [leg for leg in living if leg not in engine.book.legs]
        looks = [look for leg in missed if (look := look_at(leg, done.at))]
        self._looking = {look.leg for look in looks}
        return list(looks)

    def _looked(self, dump: dict[str, Any], done: Answered) -> None:
        bugs = done.replies[1]
        channel = self._channel(dump)
        if channel is None or channel.uuid in self._engine.book.legs:
            return
        number = take_number(dump)
        takes = self._takes(channel, number, TARGET.findall(bugs.text), done.at)
        for take in takes:
            take.masked = is_masked(dump) and take.stage is Stage.RUNNING
            take.following = is_following(dump)
        if ours := next((take for take in takes if take.ours), None):
            ours.reasons = asked_of(dump)
        self._engine.book.meet(
            channel.uuid,
            answered=done.at if channel.answered else 0.0,
            bridged=bool(channel.bridged),
            count=number,
            takes=takes,
        )
        if number and not ours and channel.answered and had_a_recording(dump):
            self._engine.book.legs[channel.uuid].had_its_file = True
        self._engine.created(channel, done.at, masked=is_masked(dump))

    def _channel(self, dump: dict[str, Any]) -> ev.Channel | None:
        """Read a dump as if the leg had just been created."""
        try:
            event = self._translate(msgspec.json.encode(dump | {"Event-Name": "CHANNEL_CREATE"}))
        except (ValueError, TypeError, MalformedEvent):
            return None
        return event.channel if isinstance(event, ev.LegCreated) else None

    def _takes(self, channel: ev.Channel, number: int, targets: list[str], at: float) -> list[LiveTake]:
        """What is recorded on the leg, and what was armed and waits for its answer."""
        snapshot, leg = self._engine.snapshot, channel.uuid
        takes = [
            LiveTake(leg, path, rid=rid_in(path), on=leg, stage=Stage.RUNNING, restored=True)
            for path in map(unescape, targets)
        ]
        if number and not channel.answered:
            rid = recording_id(snapshot.switch_id, leg, number)
            path = recording_path(snapshot.folder, rid)
            if path not in {take.path for take in takes}:
                takes.append(LiveTake(leg, path, number, rid, stage=Stage.ARMED, armed_at=at, restored=True))
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


def created_at(dump: dict[str, Any]) -> int:
    told = str(dump.get("Caller-Channel-Created-Time", ""))
    return int(told) if told.isascii() and told.isdigit() else 0


def fields_of(dump: str) -> dict[str, Any]:
    """A leg's dump; empty when it cannot be read."""
    try:
        fields = json.loads(dump)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
