"""Recordings in a bucket, over HTTP to a server that speaks S3, and through a proxy that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import Account, Switch
from recordings.intake import collect, collect_each
from recordings.models import Media, Recording, State
from recordings.process import process
from recordings.storage import storage_of
from recordings.stores import AudioStore
from tests.factories import tone
from tests.recordings.conftest import keys_in, media_of, received
from tests.recordings.s3 import (
    FaultyProxy,
    cut_download,
    cut_upload,
    hang,
    lose_answer,
    refuse,
)

pytestmark = pytest.mark.django_db

FAULTS = {
    "500": refuse(500, "InternalError"),
    "503": refuse(503, "SlowDown"),
    "403": refuse(403, "AccessDenied"),
    "cut upload": cut_upload,
    "cut download": cut_download,
    "answer lost": lose_answer,
}


@pytest.fixture
def source(folder: Path) -> Path:
    path = folder / "x.wav"
    path.write_bytes(tone(3.0))
    return path


@pytest.fixture
def recording(switch: Switch, account: Account, source: Path) -> Recording:
    return received(switch, account, "x.wav")


def read(media: Media) -> bytes:
    with storage_of(media).open(media.key) as file:
        return bytes(file.read())


def test_a_recording_goes_into_its_accounts_bucket(
    bucket: AudioStore, recording: Recording, source: Path, stored: Path
) -> None:
    collect(recording.pk)
    media = media_of(recording)
    assert media.store == bucket
    assert media.key.startswith(f"{bucket.account_id.hex}/")  # type: ignore[union-attr]
    assert read(media) == tone(3.0)
    assert keys_in(bucket) == [media.key, f"{media.key}.peaks.json"]
    assert not source.exists()
    assert not stored.exists()


def test_it_is_processed_there(bucket: AudioStore, recording: Recording) -> None:
    collect(recording.pk)
    process(recording.pk)
    recording.refresh_from_db()
    files = recording.media.order_by("format")
    assert recording.state == State.READY
    assert [media.format for media in files] == ["mp3", "wav"]
    assert {media.store for media in files} == {bucket}
    assert keys_in(bucket) == sorted(key for media in files for key in (media.key, f"{media.key}.peaks.json"))


@pytest.mark.parametrize("method", ["PUT", "GET", ""])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_intake_from_a_failing_bucket_loses_nothing(
    fault: str, method: str, s3: FaultyProxy, bucket: AudioStore, recording: Recording, source: Path
) -> None:
    s3.faults.fail(FAULTS[fault], method)
    collect_each([recording.pk.hex])
    is_stored = Media.objects.exists()
    assert source.exists() != is_stored
    s3.faults.mend()
    collect_each([recording.pk.hex])
    assert read(media_of(recording)) == tone(3.0)
    assert not source.exists()
    assert len([key for key in keys_in(bucket) if key.endswith(".wav")]) == 1


def test_a_bucket_that_hangs_is_given_up_in_time(
    s3: FaultyProxy, bucket: AudioStore, recording: Recording, source: Path
) -> None:
    s3.faults.fail(hang)
    collect_each([recording.pk.hex])
    recording.refresh_from_db()
    assert recording.state == State.RECEIVED
    assert recording.next_try_at is not None
    assert len(s3.faults.asked) <= 6
    assert source.exists()
