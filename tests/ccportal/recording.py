"""A switch that plays calls, a recorder that hears it, and policies that stand in no database."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ccportal.listener.reader import Link
from ccportal.recorder.recorder import Recorder
from policies.snapshot import AccountRow, DeviceRow, QueueRow, Rows, Snapshot, SwitchRow, UserRow
from switch import events as ev
from switch.esl.captures import CapturedEvent, label_event
from switch.esl.connection import Address, backend
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch, Terms
from switch.esl.session import EventSession
from switch.journal import Journal
from tests import captures

SWITCH = uuid.UUID(int=7)
ACCOUNT = uuid.UUID(int=1)
FOLDER = "/var/lib/freeswitch/recordings"
PATIENCE = 15.0
PHONES = ("1001", "1002", "1003", "1004")
decode_control = msgspec.json.Decoder(ev.AnyEvent).decode


def snapshot(
    account: Mapping[str, Any] | None = None,
    queues: Mapping[str, Mapping[str, Any]] | None = None,
    **devices: Mapping[str, Any],
) -> Snapshot:
    """One account that has the whole switch; ``phone1001=`` is a device's document, ``user1001=`` a user.

    ``queues`` are those that record, with their parameters.
    """
    documents: dict[uuid.UUID, Any] = {} if account is None else {ACCOUNT: account}
    for name, document in devices.items():
        documents[phone_id(name[-4:]) if name.startswith("phone") else user_id(name[-4:])] = document
    return Snapshot(
        Rows(
            mark=(0, 0),
            switch=SwitchRow(SWITCH, ACCOUNT, ["blueivr"], ["blueivr"], FOLDER),
            accounts=[AccountRow(ACCOUNT, f"/{ACCOUNT.hex}/", True, "127.0.0.1", "", "KR")],
            devices=[DeviceRow(phone_id(n), ACCOUNT, user_id(n), n, f"Phone {n}", True) for n in PHONES],
            users=[UserRow(user_id(n), ACCOUNT, n, f"User {n}", True) for n in PHONES],
            numbers=[],
            documents=documents,
            queues=[QueueRow(ACCOUNT, name, dict(told)) for name, told in (queues or {}).items()],
        )
    )


def phone_id(number: str) -> uuid.UUID:
    return uuid.UUID(int=int(number) + 10_000)


def user_id(number: str) -> uuid.UUID:
    return uuid.UUID(int=int(number) + 20_000)


@dataclass
class Scene:
    """What was seen of a play: the commands on the wire, our records, and the recordings the switch began."""

    switch: ReplaySwitch
    recorder: Recorder
    folder: Path

    @property
    def commands(self) -> list[str]:
        """The commands about recordings, in the order they came."""
        found = (line.removeprefix("api ") for line in self.switch.commands)
        return [line for line in found if line.startswith(("uuid_setvar", "uuid_record"))]

    def records(self, kind: type[Any] = ev.Event) -> list[Any]:
        return [event for event in map(decode_control, self.kept("control")) if isinstance(event, kind)]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.kept("events") if label_event(body).name == name]

    def kept(self, kind: str) -> list[bytes]:
        with Journal.follow(self.folder, "s") as journal:
            return [body for batch in journal.read(0) if batch.kind == kind for body in batch.bodies]

    @property
    def ours(self) -> list[dict[str, Any]]:
        """The beginnings of files that we asked for."""
        return [event for event in self.events("RECORD_START") if "/ccportal/" in event["Record-File-Path"]]


def calm(name: str) -> list[CapturedEvent]:
    """A captured call without the recordings of its own."""
    labelled = map(label_event, captures.bodies(name))
    return [
        event for event in labelled if event.name not in ("RECORD_START", "RECORD_STOP", "MEDIA_BUG_START")
    ]


def tape_of(events: list[CapturedEvent], pauses: Mapping[int, Callable[[], object]]) -> Iterator[Played]:
    """The events as they were, with something done before some of them."""
    first = events[0].at
    for place, event in enumerate(events):
        yield Played(max(0, event.at - first) / 1_000_000, event, pauses.get(place))


@contextmanager
def playing(
    events: list[CapturedEvent],
    policies: Snapshot,
    folder: Path,
    *,
    speed: float = 1.0,
    reply_delay: float = 0.0,
    before: Mapping[int, Callable[[Scene], object]] | None = None,
) -> Iterator[Scene]:
    """Play events to a recorder for the length of a with block."""
    holder: list[Scene] = []
    pauses = {place: lambda do=do: do(holder[0]) for place, do in (before or {}).items()}
    switch = ReplaySwitch(tape_of(events, pauses), Terms(speed=speed, forever=True, reply_delay=reply_delay))
    with BackgroundSwitch(switch) as background, Journal.open(folder, "s") as journal:
        address = Address("127.0.0.1", background.port, "ClueCon")
        recorder = Recorder("test", address, journal, policies)
        holder.append(Scene(switch, recorder, folder))
        link = Link("test", EventSession(address, backend("native")), journal, recorder)
        try:
            yield holder[0]
        finally:
            link.stop("the test is over", 5.0)
            recorder.stop()


@contextmanager
def beside(scene: Scene, policies: Snapshot, folder: Path) -> Iterator[Recorder]:
    """Have one more listener hear the same switch for the length of a with block."""
    address = Address("127.0.0.1", scene.switch.port, "ClueCon")
    with Journal.open(folder, "beside") as journal:
        recorder = Recorder("beside", address, journal, policies)
        link = Link("beside", EventSession(address, backend("native")), journal, recorder)
        try:
            yield recorder
        finally:
            link.stop("the test is over", 5.0)
            recorder.stop()


def play(events: list[CapturedEvent], policies: Snapshot, folder: Path, **options: Any) -> Scene:
    """Play events to the end and return what was seen."""
    with playing(events, policies, folder, **options) as scene:
        eventually(lambda: scene.switch.played == len(events))
        eventually(lambda: len(scene.events("CHANNEL_HANGUP_COMPLETE")) == ends_in(events))
    return scene


def ends_in(events: list[CapturedEvent]) -> int:
    return sum(event.name == "CHANNEL_HANGUP_COMPLETE" for event in events)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        pause.wait(0.01)
