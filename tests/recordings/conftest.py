from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account, Switch
from cdr.assembly import Take
from recordings.buckets import bucket_of
from recordings.models import Media, Origin, Recording, State
from recordings.stores import AudioStore
from tests.factories import make_account, make_switch
from tests.recordings.s3 import FaultyProxy, faulty_proxy, s3_server

AUDIO = Path(__file__).parent.parent / "data" / "freeswitch" / "audio"
REMOTE = "/var/lib/freeswitch/recordings"
BEGAN = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
BEGAN_US = int(BEGAN.timestamp()) * 1_000_000


@pytest.fixture(autouse=True)
def _clean_storage(tmp_path: Path, settings: Any) -> None:
    """Give each test a storage of its own."""
    storages = {**settings.STORAGES}
    storages["recordings"] = {**storages["recordings"], "OPTIONS": {"location": tmp_path / "audio"}}
    settings.STORAGES = storages
    settings.MEDIA_ROOT = tmp_path / "audio"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return tmp_path / "audio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Our end of the switch's folder."""
    path = tmp_path / "from-switch"
    path.mkdir()
    return path


@pytest.fixture
def switch(db: None, folder: Path) -> Switch:
    return make_switch(path_mapping={REMOTE: str(folder)})


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def captured(folder: Path) -> Callable[..., Path]:
    """Put captured audio into the switch's folder."""

    def put(name: str, target: str = "") -> Path:
        path = folder / (target or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(AUDIO / name, path)
        return path

    return put


def make_take(path: str, **fields: Any) -> Take:
    """A take of ten seconds that a hangup ended."""
    defaults: dict[str, Any] = {
        "leg": "leg-a",
        "stop_leg": fields.get("leg", "leg-a"),
        "conference": "",
        "path": path if path.startswith(("/", "{")) else f"{REMOTE}/{path}",
        "number": 1,
        "rid": "",
        "started_at": BEGAN_US,
        "stopped_at": BEGAN_US + 10_000_000,
        "milliseconds": 10_000,
        "size": None,
        "cause": "success-silence",
        "discarded": False,
        "overwritten": False,
        "queue": "",
        "agent": "",
        "origin": Origin.DIALPLAN.value,
    }
    return Take(**defaults | fields)


def received(switch: Switch, account: Account | None, path: str, **fields: Any) -> Recording:
    """Make a take whose file is to be collected."""
    defaults: dict[str, Any] = {
        "path": path if path.startswith(("/", "{")) else f"{REMOTE}/{path}",
        "leg_uuid": str(uuid.uuid4()),
        "origin": Origin.DIALPLAN,
        "state": State.RECEIVED,
        "started_at": BEGAN,
        "stopped_at": BEGAN,
    }
    return Recording.objects.create(switch=switch, account=account, **defaults | fields)


def media_of(recording: Recording) -> Media:
    return Media.objects.get(recording=recording)


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def s3(s3_address: str, settings: Any) -> Iterator[FaultyProxy]:
    """A server for S3 behind a proxy that can be told to fail, and a second to wait for it."""
    settings.CCPORTAL_S3_TIMEOUT = 1
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = ["127.0.0.1"]
    with faulty_proxy(s3_address) as proxy:
        yield proxy


@pytest.fixture
def bucket(s3: FaultyProxy, account: Account) -> AudioStore:
    """The account's own bucket, in which its new recordings are kept."""
    return make_bucket(s3, account)


def make_bucket(s3: FaultyProxy, account: Account, **fields: Any) -> AudioStore:
    store = AudioStore.objects.create(
        account=account,
        endpoint=s3.address,
        bucket=f"audio-{uuid.uuid4().hex[:12]}",
        access_key="tenant",
        secret_key="never shown",
        **fields,
    )
    bucket_of(store).client.create_bucket(Bucket=store.bucket)
    return store


def keys_in(store: AudioStore) -> list[str]:
    found = bucket_of(store).client.list_objects_v2(Bucket=store.bucket)
    return sorted(entry["Key"] for entry in found.get("Contents", []))
