"""The switch's file stays until the MP3 is verified and the other side has acknowledged it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import Account, Switch
from recordings.connectors.models import Connector
from recordings.connectors.sending import recording_ready
from recordings.held_sources import release_sources
from recordings.intake import collect
from recordings.models import Delivery, Recording, State
from tests.factories import make_call
from tests.recordings.conftest import received
from tests.recordings.connectors.process_tool import SECRET, SIGN_IN, STEPS

pytestmark = pytest.mark.django_db
NAME = "out_c9fa1ae7-5256-4a2b-8991-b5a816afb649.wav"


@pytest.fixture
def connector(account: Account) -> Connector:
    return Connector.objects.create(
        account=account,
        name="Tool",
        wsdl="http://127.0.0.1:1/",
        secrets={"password": SECRET},
        sign_in=SIGN_IN,
        steps=STEPS,
    )


@pytest.fixture
def source(
    connector: Connector, account: Account, switch: Switch, captured: Callable[[str], Path], stored: Path
) -> Path:
    path = captured(NAME)
    collect(received(switch, account, NAME, call=make_call(account, switch=switch)).pk)
    return path


def ready() -> Recording:
    recording = Recording.objects.get()
    recording.state = State.READY
    recording.stopped_at = recording.stored_at
    recording.save()
    recording_ready(recording)
    return recording


def test_a_source_stays_until_it_is_acknowledged(source: Path) -> None:
    assert (source.exists(), release_sources()) == (True, 0)
    recording = ready()
    assert Delivery.objects.count() == 1
    collect(recording.pk)
    assert (release_sources(), source.exists()) == (0, True)
    Delivery.objects.update(state="failed")
    assert (release_sources(), source.exists()) == (0, True)
    Delivery.objects.update(state="sent")
    assert (release_sources(), source.exists(), release_sources()) == (1, False, 0)
    recording.refresh_from_db()
    assert (recording.source_kept, recording.source_held) == (False, "")


def test_another_file_in_its_place_stays(source: Path) -> None:
    ready()
    Delivery.objects.update(state="sent")
    source.write_bytes(b"something else")
    assert (release_sources(), source.exists()) == (1, True)
    assert Recording.objects.get().source_kept


def test_a_connector_that_is_gone_keeps_nothing(source: Path, connector: Connector) -> None:
    ready()
    connector.delete()
    assert (release_sources(), source.exists()) == (1, False)
