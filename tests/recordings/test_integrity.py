"""Stored files are read again: what differs is said, what is away is not, and bounded work is bounded."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Account, AuditEntry
from recordings.integrity import verify
from recordings.models import Damage, Media, Recording, State
from recordings.process import process, process_again
from recordings.stores import AudioStore
from tests.factories import make_call, make_media, make_recording, tone
from tests.recordings.s3 import FaultyProxy, refuse

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.now() - timedelta(days=1)


@pytest.fixture
def media(account: Account) -> Media:
    return make_media(make_recording(make_call(account)), verified_at=YESTERDAY)


def test_a_whole_file_is_whole(media: Media) -> None:
    assert verify() == f"1 files, {media.size} bytes, 0 damaged"
    media.refresh_from_db()
    assert media.damage == ""
    assert media.verified_at > YESTERDAY


def test_a_file_that_changed_is_said_and_so_is_one_that_is_gone(media: Media, stored: Path) -> None:
    gone = make_media(make_recording(make_call(media.recording.account)), verified_at=YESTERDAY)
    (stored / gone.key).unlink()
    path = stored / media.key
    path.write_bytes(b"\0" * media.size)
    verify()
    assert dict(Media.objects.values_list("pk", "damage")) == {
        media.pk: Damage.CHANGED,
        gone.pk: Damage.GONE,
    }
    assert AuditEntry.objects.filter(action="recording.damaged").count() == 2
    path.write_bytes(tone())
    Media.objects.update(verified_at=YESTERDAY)
    verify()
    media.refresh_from_db()
    assert media.damage == ""


def test_a_run_reads_so_much_and_the_next_goes_on(account: Account, settings: Any) -> None:
    recording = make_recording(make_call(account))
    for part in range(4):
        make_media(
            recording, tone(40.0), part=part, key=f"x/{part}.wav", verified_at=YESTERDAY, duration_ms=1
        )
    settings.CCPORTAL_VERIFY_MEGABYTES = 2
    verify()
    assert Media.objects.filter(verified_at=YESTERDAY).count() == 0 + 4 - 2 - (2 * 640_044 * 2 < 2_000_000)
    verify()
    verify()
    assert not Media.objects.filter(verified_at=YESTERDAY).exists()


def test_a_bucket_that_is_away_damages_nothing_and_keeps_no_one_waiting(
    media: Media, bucket: AudioStore, s3: FaultyProxy
) -> None:
    away = Media.objects.create(
        recording=make_recording(make_call(media.recording.account)), format="wav", store=bucket, key="k",
        file_name="k.wav", size=1, sha256="x", duration_ms=1, channels=1, sample_rate=8000,
        verified_at=YESTERDAY - timedelta(days=1),
    )  # fmt: skip
    s3.faults.fail(refuse(503, "SlowDown"))
    assert verify() == f"1 files, {media.size} bytes, 0 damaged, 1 storages did not answer"
    away.refresh_from_db()
    assert (away.damage, away.recording.state) == ("", State.READY)


def test_files_that_no_row_knows_are_counted(media: Media, stored: Path) -> None:
    for name in ("a.wav", "b.mp3", "b.mp3.peaks.json"):
        (stored / name).write_bytes(b"x")
    told = StringIO()
    call_command("verify_recordings", "--unknown", stdout=told)
    assert "3 files on the disk, 2 of them unknown." in told.getvalue()


def test_nothing_is_made_of_a_damaged_file_until_it_is_put_back(account: Account, stored: Path) -> None:
    recording = make_recording(make_call(account), stored_at=YESTERDAY)
    media = make_media(recording)
    (stored / media.key).write_bytes(tone()[:-2] + b"xx")
    Media.objects.update(damage=Damage.CHANGED)
    process_again(Recording.objects.all())
    process(recording.pk)
    recording.refresh_from_db()
    assert recording.state == State.FAILED
    assert recording.state_reason == "probe: The stored file is not what was stored."
    (stored / media.key).write_bytes(tone())
    process(recording.pk)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert not Media.objects.exclude(damage="").exists()
