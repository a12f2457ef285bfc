"""A bucket that fails from any request on, while a recording in it is made ready."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, Switch
from recordings import buckets
from recordings.intake import collect_each
from recordings.models import Media, Recording, State
from recordings.process import WORKER_LOST_AFTER, process
from recordings.storage import digest, storage_of
from recordings.stores import AudioStore
from recordings.sweep import sweep
from tests.factories import tone
from tests.recordings.conftest import keys_in, received
from tests.recordings.s3 import (
    Asked,
    Fault,
    FaultyProxy,
    Handler,
    cut_download,
    cut_upload,
    hang,
    refuse,
)
from tests.recordings.test_killed import ROOT, database_url
from tests.recordings.test_process_killed import taken_up_again, waiting

MOST = 60
MADE = [("agent", 1, "mp3", 2000), ("call", 0, "mp3", 3000)]


def cut_on_the_way(handler: Handler) -> None:
    cut_upload(handler) if handler.command == "PUT" else cut_download(handler)


FAULTS: dict[str, tuple[Fault, str, int]] = {
    "500": (refuse(500, "InternalError"), "The storage answered 500", 2),
    "503": (refuse(503, "SlowDown"), "The storage answered 503", 2),
    "cut": (cut_on_the_way, "The storage failed: ", 1),
}
"""What happens, the words for it, and how many requests more succeed each time."""


def fail_from(proxy: FaultyProxy, fault: Fault, first: int) -> None:
    """Hand on so many requests, and fail all behind them."""
    proxy.faults.fail(fault)
    counted = itertools.count()

    def is_behind(_: Asked) -> bool:
        return next(counted) >= first

    proxy.faults.fits = is_behind


def assert_whole() -> None:
    """Every row's file is in the bucket and is what the row says."""
    for media in Media.objects.select_related("store"):
        with storage_of(media).open(media.key) as file:
            assert digest(file) == (media.size, media.sha256)


def assert_ready(recording: Recording, bucket: AudioStore) -> None:
    assert (recording.state, recording.state_reason, recording.next_try_at) == (State.READY, "", None)
    assert sorted(recording.media.values_list("variant", "part", "format", "duration_ms")) == MADE
    keys = recording.media.values_list("key", flat=True)
    assert keys_in(bucket) == sorted(name for key in keys for name in (key, f"{key}.peaks.json"))
    assert_whole()


@pytest.mark.django_db
@pytest.mark.parametrize("name", FAULTS)
def test_every_step_fails_clean_and_goes_on_when_the_bucket_answers(
    name: str,
    s3: FaultyProxy,
    bucket: AudioStore,
    switch: Switch,
    account: Account,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault, words, stride = FAULTS[name]
    monkeypatch.setattr(buckets, "TRIES", 1)
    recording = waiting(switch, account, folder)
    failed: list[str] = []
    firsts = itertools.count(0, stride)
    for _ in range(MOST):
        done = recording.steps.filter(finished_at__isnull=False).count()
        Recording.objects.update(attempts=0)
        fail_from(s3, fault, next(firsts))
        process(recording.pk)
        s3.faults.mend()
        recording.refresh_from_db()
        assert_whole()
        if recording.state == State.READY:
            break
        step = recording.steps.get(finished_at=None)
        assert recording.state == State.FAILED
        assert recording.state_reason == f"{step.name}: {step.error}"
        assert words in step.error
        assert recording.next_try_at
        failed.append(step.name)
        if recording.steps.filter(finished_at__isnull=False).count() > done:
            firsts = itertools.count(0, stride)
    assert list(dict.fromkeys(failed)) == ["probe", "levels", "mp3", "parts", "finish"]
    assert_ready(recording, bucket)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("puts", [0, 2])
def test_a_worker_killed_in_the_middle_of_an_upload_is_made_good(
    puts: int,
    s3: FaultyProxy,
    bucket: AudioStore,
    switch: Switch,
    account: Account,
    folder: Path,
    tmp_path: Path,
) -> None:
    recording = waiting(switch, account, folder)
    kill_in_upload(s3, puts, f"recordings.process.process(uuid.UUID('{recording.pk.hex}'))", tmp_path)
    recording.refresh_from_db()
    assert recording.state == State.PROCESSING
    assert recording.media.filter(variant="call", format="wav").exists()
    assert_whole()
    taken_up_again(recording)
    assert_ready(recording, bucket)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_sends_the_original_leaves_the_source(
    s3: FaultyProxy, bucket: AudioStore, switch: Switch, account: Account, folder: Path, tmp_path: Path
) -> None:
    source = folder / "x.wav"
    source.write_bytes(tone(1.0))
    recording = received(switch, account, "x.wav")
    kill_in_upload(s3, 0, f"recordings.intake.collect_each(['{recording.pk.hex}'])", tmp_path)
    assert (source.read_bytes(), Media.objects.count()) == (tone(1.0), 0)
    Recording.objects.update(state_at=timezone.now() - WORKER_LOST_AFTER - timedelta(minutes=1))
    with transaction.atomic():
        assert sweep() == 1
    collect_each(OrmQ.objects.get().task["args"][0])
    assert not source.exists()
    assert_whole()
    assert len([key for key in keys_in(bucket) if key.endswith(".wav")]) == 1


def kill_in_upload(proxy: FaultyProxy, puts: int, deed: str, data: Path) -> None:
    """Have a worker do it, and kill it when so many files are sent and the next one half."""
    half_sent = threading.Event()
    counted = itertools.count()

    def hold(handler: Handler) -> None:
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0) // 2)
        half_sent.set()
        hang(handler)

    proxy.faults.fail(hold)
    proxy.faults.fits = lambda asked: asked.method == "PUT" and next(counted) >= puts
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        "CCPORTAL_DATA_DIR": str(data),
        "CCPORTAL_DELIVERY_ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database_url(),
    }
    program = f"import uuid, django; django.setup(); import recordings.intake, recordings.process; {deed}"
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
    assert half_sent.wait(60)
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    proxy.faults.mend()
