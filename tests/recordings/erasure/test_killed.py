"""A worker that is killed anywhere is gone on from: all of it goes, each thing counted once."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Account
from cdr.models import Call
from recordings.erasure import work
from recordings.erasure.models import Erasure, Phase
from recordings.models import Recording
from recordings.sweep import sweep
from tests.factories import make_call, make_leg, make_media, make_recording, tone
from tests.recordings.erasure.conftest import NUMBER, OTHER, files_below, note, rows_with
from tests.recordings.erasure.killed_worker import OURS

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CALLS = 5


@pytest.fixture
def told(account: Account) -> Account:
    for number in (*[NUMBER] * CALLS, OTHER):
        call = make_call(account, caller_number=number, started_at=timezone.now() - timedelta(days=1))
        make_leg(call)
        make_media(make_recording(call, stored_at=call.ended_at), tone(0.1))
    for _ in range(3):
        note(account, f"looked for {NUMBER}")
    return account


@pytest.mark.parametrize("step", sorted(OURS))
def test_what_a_dead_worker_left_goes_and_is_counted_once(
    step: str, told: Account, stored: Path, process_environment: dict[str, str], tmp_path: Path
) -> None:
    erasure = work.ask(told, NUMBER, None)
    be_killed(step, erasure, process_environment | {"CCPORTAL_DATA_DIR": str(tmp_path)})
    Erasure.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    sweep()
    work.go_on(erasure.pk.hex)
    erasure.refresh_from_db()
    assert (erasure.phase, erasure.number, erasure.trouble) == (Phase.DONE, "", "")
    went = dict.fromkeys(("audio files", "calls", "legs", "recordings"), CALLS)
    assert erasure.counts == went | {"mentions in the audit log": 3}
    assert rows_with(NUMBER) == []
    assert (Call.objects.count(), Recording.objects.count(), len(files_below(stored))) == (1, 1, 1)


def be_killed(step: str, erasure: Erasure, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.recordings.erasure.killed_worker", step, erasure.pk.hex]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
