"""A listener that takes over in the middle of calls: what was asked of the one before it goes on to hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccportal.recorder.asking import Asked
from ccportal.recorder.notes import asked_of, note_asked
from ccportal.recorder.recorder import Recorder
from ccportal.recorder.takes import Reason, recording_id, recording_path
from policies.snapshot import Snapshot
from switch import events as ev
from switch.journal import Journal
from tests.ccportal.recording import (
    FOLDER,
    SWITCH,
    Scene,
    beside,
    calm,
    decode_control,
    eventually,
    playing,
    snapshot,
)

EVERYTHING = {"account": {"any": {"any": {"enabled": True}}}, "endpoint": {"any": {"any": {"enabled": True}}}}
LABELLED = {"label": "Order 1002", "time_limit": 60}


@contextmanager
def call_of(tmp_path: Path) -> Iterator[tuple[Scene, list[str]]]:
    """A call in progress on a switch that nobody records on yet, and its legs."""
    with playing(calm("onnet_onnet_recorded"), snapshot({}), tmp_path) as scene:
        eventually(lambda: len(scene.events("CHANNEL_BRIDGE")) == 1)
        yield scene, [str(event["Unique-ID"]) for event in scene.events("CHANNEL_CREATE")]


@contextmanager
def listener(scene: Scene, folder: Path, policies: Snapshot | None = None) -> Iterator[Recorder]:
    with beside(scene, policies or snapshot({}), folder) as recorder:
        yield recorder


def told(folder: Path, kind: type[Any]) -> list[Any]:
    with Journal.follow(folder, "beside") as journal:
        bodies = [body for batch in journal.read(0) if batch.kind == "control" for body in batch.bodies]
    return [event for event in map(decode_control, bodies) if isinstance(event, kind)]


def said(scene: Scene, action: str) -> list[str]:
    lines = (line.split() for line in scene.commands if line.startswith("uuid_record "))
    return sorted(words[1] for words in lines if words[2] == action)


def first_path(leg: str) -> str:
    return recording_path(FOLDER, recording_id(SWITCH, leg, 1))


def test_a_silence_is_ended_by_the_next_listener(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs):
        with listener(scene, tmp_path / "1", snapshot(EVERYTHING)) as recorder:
            eventually(lambda: len(scene.ours) == 2)
            recorder.ask(Asked(legs[0], "mask"))
            eventually(lambda: said(scene, "mask") == sorted(legs))
        with listener(scene, tmp_path / "2", snapshot(EVERYTHING)) as recorder:
            recorder.ask(Asked(legs[1], "unmask"))
            eventually(lambda: len(told(tmp_path / "2", ev.RecordingMasked)) == 2)
    assert said(scene, "unmask") == sorted(legs)
    assert not any(event.masked for event in told(tmp_path / "2", ev.RecordingMasked))


def test_what_begins_in_a_silenced_call_is_silent_for_the_next_listener_too(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs):
        with listener(scene, tmp_path / "1") as recorder:
            recorder.ask(Asked(legs[0], "mask"))
            eventually(lambda: len([line for line in scene.commands if "ccportal_masked=true" in line]) == 2)
        with listener(scene, tmp_path / "2") as recorder:
            recorder.ask(Asked(legs[1], "start"))
            eventually(lambda: said(scene, "mask") == [legs[1]])


def test_what_a_program_began_is_ended_by_the_next_listener(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs):
        with listener(scene, tmp_path / "1") as recorder:
            recorder.ask(Asked(legs[0], "start", LABELLED, by="a program"))
            eventually(lambda: len(scene.ours) == 1)
        with listener(scene, tmp_path / "2") as recorder:
            recorder.ask(Asked(legs[0], "stop"))
            eventually(lambda: len(scene.events("RECORD_STOP")) == 1)
    (ended,) = told(tmp_path / "2", ev.RecordingIntended)
    assert (ended.rid, ended.origin) == (recording_id(SWITCH, legs[0], 1), "")
    assert ended.grants[0]["because"] == "Asked for by a program."
    assert ended.grants[0]["ended"] > 0


def test_a_policy_s_recording_outlives_the_end_of_what_a_program_asked(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs):
        with listener(scene, tmp_path / "1", snapshot(EVERYTHING)) as recorder:
            eventually(lambda: len(scene.ours) == 2)
            recorder.ask(Asked(legs[0], "start", by="a program"))
            eventually(lambda: any("ccportal_asked" in line for line in scene.commands))
        with listener(scene, tmp_path / "2", snapshot(EVERYTHING)) as recorder:
            recorder.ask(Asked(legs[0], "stop"))
            eventually(lambda: any(line.endswith("ccportal_asked=-") for line in scene.commands))
        assert said(scene, "stop") == []
    last = [each for each in told(tmp_path / "2", ev.RecordingIntended) if each.leg == legs[0]][-1]
    assert sorted((grant["scope"], "ended" in grant) for grant in last.grants) == [
        ("account", False),
        ("action", True),
        ("caller", False),
    ]


def test_a_file_that_reached_its_limit_is_not_begun_anew(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs):
        with listener(scene, tmp_path / "1", snapshot(EVERYTHING)):
            eventually(lambda: len(scene.ours) == 2)
        for leg in legs:
            live = scene.switch.live.legs[leg]
            live.channel["variable_record_completion_cause"] = "success-maxtime"
            scene.switch.live.finish(live, first_path(leg), scene.switch.live.now)
        with listener(scene, tmp_path / "2", snapshot(EVERYTHING)):
            eventually(lambda: bool(told(tmp_path / "2", ev.CallDecided)))
            decided = told(tmp_path / "2", ev.CallDecided)[-1]
    assert [grant["scope"] for grant in decided.grants] == ["account", "caller", "callee"]
    assert said(scene, "start") == sorted(legs)


def test_what_is_asked_before_a_listener_has_met_the_leg_is_done_and_found(tmp_path: Path) -> None:
    with call_of(tmp_path) as (scene, legs), listener(scene, tmp_path / "1") as recorder:
        found: list[bool] = []
        recorder._heard = lambda asked, was_found: found.append(was_found)
        recorder.ask(Asked(legs[0], "start", LABELLED))
        recorder.ask(Asked("no-such-leg", "start"))
        eventually(lambda: len(found) == 2)
        eventually(lambda: len(scene.ours) == 1)
    assert found == [True, False]


@pytest.mark.parametrize(
    "noted", ["", "-", "W10", "WzFd", "{", "eyJhIjoxfQ", "W1siZXZlciIsImwiLCJiIl1d", None]
)
def test_what_we_did_not_note_is_nothing(noted: str | None) -> None:
    assert asked_of({"variable_ccportal_asked": noted}) == []


def test_many_askings_are_noted_as_far_as_there_is_room() -> None:
    reasons = [Reason("action", "now", {}, f"Asked for by 김철수 {number}.", "leg") for number in range(40)]
    name, _, value = note_asked("leg", reasons).line.rpartition(" ")[2].partition("=")
    noted = asked_of(json.loads(json.dumps({f"variable_{name}": value})))
    assert 5 < len(noted) < 40
    assert noted == reasons[-len(noted) :]
