"""A worker that is killed at any step loses nothing and leaves nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from accounts.models import Account, Switch
from recordings.intake import collect
from recordings.models import Media, State
from tests.factories import tone
from tests.recordings.conftest import media_of, received
from tests.recordings.killed_worker import STEPS

ROOT = Path(__file__).parents[2]


def database_url() -> str:
    told: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(told['NAME']))}"
    who = f"{quote(told['USER'])}:{quote(told['PASSWORD'])}"
    return f"postgresql://{who}@/{told['NAME']}?host={quote(told['HOST'])}&port={told['PORT']}"


def run_and_be_killed(step: str, recording_id: str, data: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        "CCPORTAL_DATA_DIR": str(data),
        "DATABASE_URL": database_url(),
    }
    command = [sys.executable, "-m", "tests.recordings.killed_worker", step, recording_id]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_worker_is_made_good(
    step: str, switch: Switch, account: Account, folder: Path, stored: Path, tmp_path: Path
) -> None:
    source = folder / "x.wav"
    source.write_bytes(tone(3.0))
    recording = received(switch, account, "x.wav")
    run_and_be_killed(step, recording.pk.hex, tmp_path)
    assert source.exists() or (stored / media_of(recording).key).read_bytes() == tone(3.0)
    collect(recording.pk)
    recording.refresh_from_db()
    media = Media.objects.get()
    assert (recording.state, recording.source_kept) == (State.PROCESSING, False)
    assert (stored / media.key).read_bytes() == tone(3.0)
    assert not source.exists()
    left = {path.name for path in stored.rglob("*") if path.is_file()}
    assert left - {"call.wav.peaks.json"} == {"call.wav"}
