"""A disk that is full at every write there is: room for one page more each time, then for one file more."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, Switch
from recordings.arrivals import UploadToken
from recordings.intake import collect_each
from recordings.models import Media, Recording, State
from recordings.process import process, process_each
from recordings.rehome import rehome_each
from recordings.sweep import sweep
from recordings.uploads import Sent, Trouble, UploadRefused, issue, receive
from tests.factories import make_call, make_recording, tone
from tests.recordings.conftest import received
from tests.recordings.test_process_killed import waiting
from tests.small_disk import NoMounting, SmallDisk, small_disk

pytestmark = pytest.mark.django_db

AUDIO = tone(0.5)
NO_SPACE = os.strerror(errno.ENOSPC)
MOST = 60
SCARCE = pytest.mark.parametrize("scarce", ["pages", "names"])


@pytest.fixture
def disk(tmp_path: Path, settings: Any, _clean_storage: None) -> Iterator[SmallDisk]:
    """Have data folder and audio on a small disk, and the switch's folder beside it."""
    try:
        with small_disk(tmp_path / "disk") as disk:
            settings.DATA_DIR = disk.folder
            settings.MEDIA_ROOT = disk.folder / "audio"
            options = {"location": disk.folder / "audio"}
            recordings = {**settings.STORAGES["recordings"], "OPTIONS": options}
            settings.STORAGES = {**settings.STORAGES, "recordings": recordings}
            yield disk
    except NoMounting as refused:
        pytest.skip(f"no disk can be mounted here: {refused}")


def until(disk: SmallDisk, scarce: str, tried: Callable[[], bool]) -> int:
    """Try with ever more room until it works; return how often it did not."""
    for left in range(MOST):
        disk.leave(**{scarce: left})
        if tried():
            disk.leave()
            return left
    raise AssertionError("It never worked.")


def assert_whole(disk: SmallDisk) -> None:
    """Every row's file is there and is what the row says, and nobody left a draft."""
    for media in Media.objects.all():
        content = (disk.folder / "audio" / media.key).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (media.size, media.sha256)
    assert not [name for name in disk.files() if name.startswith((".draft-", "tmp"))]


@SCARCE
@pytest.mark.parametrize("audio", [AUDIO, AUDIO[:-6000]], ids=["whole", "to be repaired"])
def test_intake_leaves_the_source_until_there_is_room(
    audio: bytes, scarce: str, disk: SmallDisk, switch: Switch, account: Account, folder: Path
) -> None:
    source = folder / "x.wav"
    source.write_bytes(audio)
    recording = received(switch, account, "x.wav")

    def tried() -> bool:
        collect_each([recording.pk.hex])
        recording.refresh_from_db()
        assert_whole(disk)
        if recording.stored_at:
            return True
        assert (recording.state, recording.finding) == (State.RECEIVED, "")
        assert recording.state_reason == f"Could not be stored: OSError: {NO_SPACE}"
        assert recording.next_try_at
        assert source.read_bytes() == audio
        assert not Media.objects.exists()
        return False

    assert until(disk, scarce, tried) >= 4
    assert not source.exists()
    assert recording.state_reason == "" or audio != AUDIO
    assert Media.objects.count() == 1
    assert disk.files() <= {"call.wav", "call.wav.peaks.json"}


def test_the_sweep_takes_it_up_when_there_is_room_again(
    disk: SmallDisk, switch: Switch, account: Account, folder: Path
) -> None:
    (folder / "x.wav").write_bytes(AUDIO)
    recording = received(switch, account, "x.wav")
    disk.leave(pages=2)
    collect_each([recording.pk.hex])
    disk.leave()
    Recording.objects.update(next_try_at=timezone.now())
    with transaction.atomic():
        assert sweep() == 1
    collect_each(OrmQ.objects.get().task["args"][0])
    assert Media.objects.get().size == len(AUDIO)


@SCARCE
def test_every_step_fails_clean_and_goes_on_when_there_is_room(
    scarce: str, disk: SmallDisk, switch: Switch, account: Account, folder: Path
) -> None:
    recording = waiting(switch, account, folder)
    failed: list[str] = []
    lefts: Iterator[int] = itertools.count()
    for _ in range(MOST):
        disk.leave(**{scarce: next(lefts)})
        done = recording.steps.filter(finished_at__isnull=False).count()
        Recording.objects.update(attempts=0)
        process(recording.pk)
        recording.refresh_from_db()
        assert_whole(disk)
        if recording.state == State.READY:
            break
        step = recording.steps.get(finished_at=None)
        assert recording.state == State.FAILED
        assert recording.state_reason == f"{step.name}: {step.error}"
        assert step.error == f"OSError: {NO_SPACE}"
        assert recording.next_try_at
        assert recording.media.filter(variant="call", format="wav").exists()
        failed.append(step.name)
        if recording.steps.filter(finished_at__isnull=False).count() > done:
            lefts = itertools.count()
    assert list(dict.fromkeys(failed)) == ["levels", "mp3", "parts"]
    assert failed.count("mp3") >= 3
    assert failed.count("parts") >= 3
    assert (recording.state_reason, recording.next_try_at) == ("", None)
    assert disk.files() == {"call.mp3", "call.mp3.peaks.json", "agent-1.mp3", "agent-1.mp3.peaks.json"}
    assert sorted(recording.media.values_list("variant", "part", "format", "duration_ms")) == [
        ("agent", 1, "mp3", 2000),
        ("call", 0, "mp3", 3000),
    ]


@SCARCE
def test_a_sent_file_is_refused_until_there_is_room(scarce: str, disk: SmallDisk, account: Account) -> None:
    recording = make_recording(make_call(account), state=State.MISSING, switch_ms=None)
    token, _ = issue(recording, None)

    def tried() -> bool:
        trouble = sent(token)
        if trouble is None:
            return True
        assert trouble == Trouble.NO_ROOM
        recording.refresh_from_db()
        token.refresh_from_db()
        assert (recording.state, recording.stored_at, token.used_at) == (State.MISSING, None, None)
        assert not Media.objects.exists()
        assert not disk.files()
        return False

    assert until(disk, scarce, tried) >= 2
    assert_whole(disk)
    assert disk.files() == {"sent.wav"}


def sent(token: UploadToken) -> Trouble | None:
    """Send the file and return why it was refused."""
    try:
        receive(token, io.BytesIO(AUDIO), Sent("x.wav", len(AUDIO)))
    except UploadRefused as refused:
        return refused.trouble
    return None


@SCARCE
def test_a_file_that_has_no_room_where_it_goes_stays_where_it_is(
    scarce: str, disk: SmallDisk, switch: Switch, account: Account, folder: Path
) -> None:
    (folder / "x.wav").write_bytes(AUDIO)
    recording = received(switch, None, "x.wav")
    collect_each([recording.pk.hex])
    old = Media.objects.get().key
    Recording.objects.update(account=account)

    def tried() -> bool:
        rehome_each([recording.pk.hex])
        assert_whole(disk)
        return Media.objects.get().key != old

    assert until(disk, scarce, tried) >= 3
    assert Media.objects.get().key.startswith(account.pk.hex)
    assert disk.files() == {"call.wav"}


def test_a_disk_that_says_so_only_when_it_is_flushed_costs_nothing(
    switch: Switch, account: Account, folder: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, NO_SPACE)

    (folder / "x.wav").write_bytes(AUDIO)
    recording = received(switch, account, "x.wav")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        collect_each([recording.pk.hex])
    assert (folder / "x.wav").read_bytes() == AUDIO
    assert not [path for path in stored.rglob("*") if path.is_file()]
    collect_each([recording.pk.hex])
    process_each([recording.pk.hex])
    recording.refresh_from_db()
    assert recording.state == State.READY
