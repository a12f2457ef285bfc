"""Files go to the storage that their account chose: verified first, resumable, and nothing of them twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.models import Account
from recordings.buckets import StorageUnavailable, bucket_of
from recordings.models import Damage, Media, Recording
from recordings.storage import storage_of
from recordings.stores import AudioStore, StoreKind, store_for
from tests.factories import make_account, make_call, make_media, make_recording, tone
from tests.recordings.conftest import keys_in, make_bucket
from tests.recordings.s3 import FaultyProxy, cut_download, cut_upload, lose_answer, refuse

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_disk(account: Account) -> list[Media]:
    return [make_media(make_recording(make_call(account))) for _ in range(3)]


def read(media: Media) -> bytes:
    with storage_of(media).open(media.key) as file:
        return bytes(file.read())


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_files_move_to_the_bucket_and_leave_the_disk(
    account: Account, on_disk: list[Media], bucket: AudioStore, stored: Path
) -> None:
    call_command("move_recordings", account.name)
    rows = list(Media.objects.all())
    assert {row.store for row in rows} == {bucket}
    assert [read(row) for row in rows] == [tone()] * 3
    assert keys_in(bucket) == sorted(row.key for row in rows)
    assert files_in(stored) == []


def test_they_come_back_too(account: Account, on_disk: list[Media], bucket: AudioStore, stored: Path) -> None:
    call_command("move_recordings", account.name)
    AudioStore.objects.create(account=account, kind=StoreKind.SERVER)
    call_command("move_recordings", account.name)
    assert keys_in(bucket) == []
    assert len(files_in(stored)) == 3
    assert not Media.objects.filter(store__isnull=False).exists()


@pytest.mark.parametrize(
    "fault",
    [refuse(500, "InternalError"), refuse(503, "SlowDown"), cut_upload, cut_download, lose_answer],
    ids=["500", "503", "cut upload", "cut download", "answer lost"],
)
def test_a_failing_bucket_costs_no_file(
    fault: object, account: Account, on_disk: list[Media], bucket: AudioStore, s3: FaultyProxy, stored: Path
) -> None:
    s3.faults.fail(fault, count=7)  # type: ignore[arg-type]
    try:
        call_command("move_recordings", account.name)
    except CommandError:
        kept = Media.objects.filter(store=None)
        assert [read(row) for row in kept] == [tone()] * len(kept)
        assert len(files_in(stored)) == len(kept)
    s3.faults.mend()
    call_command("move_recordings", account.name)
    assert [read(row) for row in Media.objects.all()] == [tone()] * 3
    assert len(keys_in(bucket)) == 3
    assert files_in(stored) == []


def test_a_damaged_file_stays_and_is_said(
    account: Account, on_disk: list[Media], bucket: AudioStore, stored: Path
) -> None:
    path = stored / on_disk[0].key
    path.write_bytes(b"\0" * on_disk[0].size)
    with pytest.raises(CommandError, match="1 recordings stayed"):
        call_command("move_recordings", account.name)
    on_disk[0].refresh_from_db()
    assert (on_disk[0].store, on_disk[0].damage) == (None, Damage.CHANGED)
    assert path.exists()
    assert len(keys_in(bucket)) == 2


def test_an_account_has_its_own_else_the_one_above_else_the_servers(
    account: Account, bucket: AudioStore
) -> None:
    below = make_account(parent=account)
    assert store_for(below.pk) == bucket
    AudioStore.objects.create(account=below, kind=StoreKind.SERVER)
    assert store_for(below.pk) is None
    assert store_for(make_account().pk) is None
    assert store_for(None) is None


def test_a_new_choice_leaves_old_files_where_they_are(
    account: Account, on_disk: list[Media], bucket: AudioStore, s3: FaultyProxy
) -> None:
    call_command("move_recordings", account.name)
    second = make_bucket(s3, account)
    assert store_for(account.pk) == second
    assert AudioStore.objects.filter(account=account, current=True).count() == 1
    assert [read(row) for row in Media.objects.all()] == [tone()] * 3


def test_a_read_of_some_bytes_fetches_not_the_whole(
    account: Account, bucket: AudioStore, s3: FaultyProxy
) -> None:
    make_media(make_recording(make_call(account)), tone(60.0), duration_ms=60_000)
    call_command("move_recordings", account.name)
    media = Media.objects.get()
    s3.faults.asked.clear()
    with storage_of(media).open(media.key) as file:
        file.seek(1_000_000)
        assert file.read(1000) == tone(60.0)[1_000_000:1_001_000]
    assert media.size > 1_900_000
    assert sum(asked.sent for asked in s3.faults.asked) <= 300_000


def test_a_bucket_that_is_not_there_is_no_missing_file(bucket: AudioStore, account: Account) -> None:
    media = make_media(make_recording(make_call(account)))
    with pytest.raises(FileNotFoundError):
        bucket_of(bucket).open(media.key)
    AudioStore.objects.update(bucket="no-such-bucket-here")
    bucket.refresh_from_db()
    with pytest.raises(StorageUnavailable):
        bucket_of(bucket).open(media.key)


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:1", "http://169.254.169.254", "https://10.0.0.1", "http://[::1]", "ftp://8.8.8.8"],
)
def test_an_endpoint_inside_is_refused(endpoint: str, account: Account) -> None:
    store = AudioStore(account=account, endpoint=endpoint, bucket="abc", access_key="a", secret_key="b")
    with pytest.raises(ValidationError):
        store.full_clean()


def test_a_name_that_leads_inside_by_now_is_refused_at_the_connection(
    account: Account, bucket: AudioStore, s3: FaultyProxy, settings: object
) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = []  # type: ignore[attr-defined]
    s3.faults.asked.clear()
    AudioStore.objects.update(region="eu-central-1")
    bucket.refresh_from_db()
    with pytest.raises(StorageUnavailable):
        bucket_of(bucket).open("x")
    assert s3.faults.asked == []


def test_a_tenants_bucket_is_not_signed_with_the_servers_keys(bucket: AudioStore, settings: object) -> None:
    settings.CCPORTAL_S3_ACCESS_KEY = settings.CCPORTAL_S3_SECRET_KEY = "the server's"  # type: ignore[attr-defined]
    AudioStore.objects.update(access_key="", secret_key="")
    bucket.refresh_from_db()
    with pytest.raises(StorageUnavailable):
        bucket_of(bucket)


def test_the_settings_name_a_bucket_for_everybody(
    s3: FaultyProxy, settings: object, account: Account
) -> None:
    settings.CCPORTAL_S3_BUCKET = "everybodys"  # type: ignore[attr-defined]
    settings.CCPORTAL_S3_ENDPOINT = s3.address  # type: ignore[attr-defined]
    settings.CCPORTAL_S3_ACCESS_KEY = settings.CCPORTAL_S3_SECRET_KEY = "server"  # type: ignore[attr-defined]
    store = store_for(account.pk)
    assert store
    assert store == store_for(None) == store_for(make_account().pk)
    bucket_of(store).client.create_bucket(Bucket=store.bucket)
    media = make_media(make_recording(make_call(account)))
    call_command("move_recordings", account.name)
    media.refresh_from_db()
    assert (media.store, keys_in(store)) == (store, [media.key])
    assert Recording.objects.count() == 1
