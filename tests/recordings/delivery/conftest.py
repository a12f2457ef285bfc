from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Switch
from cdr.models import Call
from recordings.models import Media, Recording, State, Webhook
from recordings.storage import storage_at, store
from tests.factories import make_call, tone
from tests.recordings.conftest import received

SOUND = tone(2.0)
Finished = Callable[..., Recording]


@pytest.fixture(autouse=True)
def _operator_allows_this_machine(settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def call(account: Account, switch: Switch) -> Call:
    return make_call(account, switch=switch, ended_at=timezone.now(), caller_name="Kim & Söhne")


@pytest.fixture
def finished(account: Account, switch: Switch, call: Call) -> Finished:
    """A recording that is ready, two seconds long, with grants that want it at these urls."""

    def make(*urls: str, grants: Any = None, **fields: Any) -> Recording:
        params = grants or [{"url": url, "format": "wav"} for url in urls]
        defaults: dict[str, Any] = {
            "call": call,
            "leg_uuid": "leg-1",
            "state": State.READY,
            "stored_at": timezone.now() - timedelta(minutes=1),
            "caller_name": call.caller_name,
            "caller_number": "+49 30 1",
            "grants": [{"scope": "account", "params": each} for each in params],
        }
        recording = received(switch, account, "x.wav", **defaults | fields)
        key = f"{recording.pk.hex}/call.wav"
        stored = store(storage_at(None), key, io.BytesIO(SOUND))
        Media.objects.create(
            recording=recording,
            format="wav",
            key=key,
            file_name="x.wav",
            size=stored.size,
            sha256=stored.sha256,
            duration_ms=2000,
            channels=1,
            sample_rate=8000,
        )
        return recording

    return make


@pytest.fixture
def hook(account: Account) -> Webhook:
    return Webhook.objects.create(account=account, name="CRM", url="http://127.0.0.1:1/")
