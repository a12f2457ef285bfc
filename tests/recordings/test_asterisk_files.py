"""What MixMonitor leaves behind: good files, empty ones, unfinished ones, and two in one."""

from __future__ import annotations

import os
import shutil
import time
import wave
from pathlib import Path

import pytest

from accounts.models import Account, Switch, SwitchKind
from ccportal.pipeline import apply_events, sorted_events
from recordings.intake import TRIES, collect
from recordings.models import Finding, Media, Recording, State
from switch import events as ev
from tests import asterisk_captures as captured
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db

REMOTE = "/var/spool/asterisk/monitor"
SILENCE = b"\0\0" * 8000


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def switch(account: Account, folder: Path) -> Switch:
    return make_switch(account, name="pbx", kind=SwitchKind.ASTERISK, path_mapping={REMOTE: str(folder)})


def recorded(switch: Switch, name: str) -> Recording:
    """The recording of a captured call, after all that was told of it."""
    events: list[ev.Event] = captured.everything(name)
    apply_events(switch, sorted_events(events))
    return Recording.objects.get()


def write(folder: Path, recording: Recording, frames: bytes) -> Path:
    path = folder / recording.path.rsplit("/", 1)[-1]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(frames)
    return path


def collected(recording: Recording, tries: int = 1) -> Recording:
    for _ in range(tries):
        collect(recording.pk)
    recording.refresh_from_db()
    return recording


def test_the_file_that_mixmonitor_wrote_is_stored_and_leaves_the_switch(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "answer")
    path = write(folder, recording, SILENCE * 3)
    assert (collected(recording).state, recording.finding) == (State.PROCESSING, "")
    assert Media.objects.get().duration_ms == 3000
    assert not path.exists()


def test_a_call_nobody_answered_has_no_recording_and_is_no_fault(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "busy")
    assert write(folder, recording, b"").stat().st_size == 44
    assert collected(recording, TRIES).state == State.DISCARDED
    assert recording.state_reason == "The file has no sound in it."


def test_an_answered_call_with_an_empty_file_misses_its_recording(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "answer")
    write(folder, recording, b"")
    assert (collected(recording, TRIES).state, recording.finding) == (State.MISSING, Finding.EMPTY)


def test_a_file_that_could_not_be_opened_is_missing(switch: Switch) -> None:
    assert collected(recorded(switch, "rec_path_bad"), TRIES).state == State.MISSING


def test_two_writers_on_one_file_are_said(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "blind_transfer")
    write(folder, recording, SILENCE)
    assert collected(recording).finding == Finding.MIXED


def left_by_a_crash(folder: Path, recording: Recording, age: float) -> None:
    path = folder / recording.path.rsplit("/", 1)[-1]
    shutil.copy(captured.ASTERISK / "crash_kill9.wav", path)
    os.utime(path, (time.time() - age, time.time() - age))


def test_a_file_that_a_crash_left_unfinished_is_repaired(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "answer")
    left_by_a_crash(folder, recording, 120)
    assert (collected(recording).state, recording.finding) == (State.PROCESSING, Finding.UNFINISHED)
    assert Media.objects.get().duration_ms == 2048


def test_a_file_that_still_grows_waits(switch: Switch, folder: Path) -> None:
    recording = recorded(switch, "answer")
    left_by_a_crash(folder, recording, 1)
    assert (collected(recording, TRIES + 2).state, recording.finding) == (State.RECEIVED, "")
