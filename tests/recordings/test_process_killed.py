"""A worker that is killed while it makes a recording ready loses nothing and leaves nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, Switch
from cdr.models import AgentOffer
from recordings.basis import follow
from recordings.intake import collect
from recordings.models import Recording, State
from recordings.process import WORKER_LOST_AFTER, process
from recordings.sweep import sweep
from tests.factories import make_call, make_offer, make_visit, tone
from tests.recordings.conftest import BEGAN, received
from tests.recordings.processing_worker import STEPS
from tests.recordings.test_killed import ROOT, database_url

DISCARDING = ("to be discarded", "marked discarded")
READY_STEPS = [step for step in STEPS if step not in DISCARDING]


def run_and_be_killed(step: str, recording_id: str, data: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        "CCPORTAL_DATA_DIR": str(data),
        "DATABASE_URL": database_url(),
    }
    command = [sys.executable, "-m", "tests.recordings.processing_worker", step, recording_id]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def waiting(switch: Switch, account: Account, folder: Path, **params: Any) -> Recording:
    """A stored call of three seconds, of which an agent had the last two."""
    call = make_call(account, switch=switch, started_at=BEGAN, ended_at=BEGAN + timedelta(seconds=3))
    visit = make_visit(call, left_at=BEGAN + timedelta(seconds=3))
    answered = BEGAN + timedelta(seconds=1)
    make_offer(visit, "1001", answered_at=answered, ended_at=BEGAN + timedelta(seconds=3), agent_leg_uuid="b")
    (folder / "x.wav").write_bytes(tone(3.0))
    recording = received(
        switch,
        account,
        "x.wav",
        call=call,
        stopped_at=BEGAN + timedelta(seconds=3),
        origin="policy",
        grants=[{"params": {"format": "mp3"} | params}],
    )
    collect(recording.pk)
    return recording


def taken_up_again(recording: Recording) -> None:
    """What the sweep finds after the worker is given up for lost is done to its end."""
    OrmQ.objects.all().delete()
    Recording.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
    with transaction.atomic():
        sweep()
    if OrmQ.objects.exists():
        process(recording.pk)
    recording.refresh_from_db()


def left_in(stored: Path) -> set[str]:
    return {path.name for path in stored.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", READY_STEPS)
def test_a_killed_worker_is_made_good(
    step: str, switch: Switch, account: Account, folder: Path, stored: Path, tmp_path: Path
) -> None:
    recording = waiting(switch, account, folder)
    run_and_be_killed(step, recording.pk.hex, tmp_path)
    kept = [stored / media.key for media in recording.media.filter(variant="call")]
    assert any(path.exists() for path in kept)
    taken_up_again(recording)
    assert (recording.state, recording.state_reason, recording.next_try_at) == (State.READY, "", None)
    assert left_in(stored) == {"call.mp3", "call.mp3.peaks.json", "agent-1.mp3", "agent-1.mp3.peaks.json"}
    assert sorted(recording.media.values_list("variant", "part", "format", "duration_ms")) == [
        ("agent", 1, "mp3", 2000),
        ("call", 0, "mp3", 3000),
    ]
    assert all(recording.steps.values_list("finished_at", flat=True))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("tmp")]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["cut", "part kept", "all but ready"])
def test_a_worker_killed_while_it_cuts_anew_is_made_good(
    step: str, switch: Switch, account: Account, folder: Path, stored: Path, tmp_path: Path
) -> None:
    recording = waiting(switch, account, folder)
    process(recording.pk)
    AgentOffer.objects.update(ended_at=BEGAN + timedelta(seconds=2))
    with transaction.atomic():
        assert follow([recording.call_id] if recording.call_id else []) == 1
    run_and_be_killed(step, recording.pk.hex, tmp_path)
    taken_up_again(recording)
    assert recording.state == State.READY
    assert left_in(stored) == {"call.mp3", "call.mp3.peaks.json", "agent-1.mp3", "agent-1.mp3.peaks.json"}
    assert recording.media.get(variant="agent").duration_ms == 1000


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", DISCARDING)
def test_a_worker_killed_while_it_discards_is_made_good(
    step: str, switch: Switch, account: Account, folder: Path, stored: Path, tmp_path: Path
) -> None:
    recording = waiting(switch, account, folder, record_min_sec=60)
    run_and_be_killed(step, recording.pk.hex, tmp_path)
    taken_up_again(recording)
    assert (recording.state, recording.next_try_at) == (State.DISCARDED, None)
    assert left_in(stored) == set()
    assert not recording.media.exists()


def test_the_sweep_leaves_a_worker_its_time(switch: Switch, account: Account, folder: Path) -> None:
    recording = waiting(switch, account, folder)
    OrmQ.objects.all().delete()
    Recording.objects.update(next_try_at=timezone.now() + WORKER_LOST_AFTER)
    sweep()
    assert not OrmQ.objects.exists()
    recording.refresh_from_db()
    assert recording.state == State.PROCESSING
