from __future__ import annotations

import json
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts import audit
from accounts.models import Account, Switch
from ccportal.pipeline import apply_bodies
from cdr.models import Call, Evidence
from recordings.erasure import work
from recordings.erasure.models import Erasure
from recordings.erasure.numbers import Sought
from tests import captures
from tests.factories import make_account, make_contact, make_media, make_recording, make_switch

NUMBER, OTHER = "01058400500", "01044445555"


@pytest.fixture
def account(db: None) -> Account:
    return make_account("Hanbit Care", time_zone="Asia/Seoul", country="KR")


@pytest.fixture
def switch(account: Account) -> Switch:
    return make_switch(account, offnet_profiles=["blueivr"], offnet_contexts=["blueivr"])


@pytest.fixture
def heard(account: Account, switch: Switch) -> Account:
    """Real calls with audio: one of the number, one of somebody else."""
    for name in ("queue_answered", "queue_answered_mp3"):
        apply_bodies(switch, captures.bodies(name))
    Call.objects.update(started_at=timezone.now() - timedelta(days=9))
    for call in Call.objects.all():
        call.recordings.all().delete()
        file_name = f"20261120122924_{call.caller_number}_1001.wav"
        make_media(
            make_recording(call, path=f"/rec/{file_name}", stored_at=call.ended_at), file_name=file_name
        )
    make_contact(account, "+82 10-5840-0500", name="Kim Min-seo")
    return account


def run(account: Account, number: str = NUMBER) -> Erasure:
    """Ask, and do what a worker does, until it waits or is done."""
    erasure = work.ask(account, number, None)
    work.go_on(erasure.pk.hex)
    erasure.refresh_from_db()
    return erasure


def rows_with(number: str, country: str = "KR") -> list[str]:
    """Every row of the whole database in which the number stands in any way."""
    sought = Sought(number, country)
    models = [model for model in apps.get_models() if model is not Evidence]
    found = [
        f"{model.__name__}: {row}"
        for model in models
        for row in model._default_manager.values()
        if sought.is_in(json.dumps(row, default=str, ensure_ascii=False))
    ]
    told = (zlib.decompress(bytes(row.events)).decode("latin-1") for row in Evidence.objects.all())
    return found + ["evidence" for text in told if sought.is_in(text)]


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def note(account: Account, text: str, **detail: Any) -> None:
    audit.record(None, "calls.search", account, text=text, **detail)
