"""A worker that is killed at any step loses no row and leaves none twice."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import Account
from ccportal.exports import drafts
from recordings.exports import Export, ExportState
from recordings.sweep import sweep
from tests.ccportal.exports.conftest import Asking, content, run, table
from tests.factories import NOON, make_call, make_media, make_recording, tone

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def be_killed(step: str, export: Export, environment: dict[str, str], data: Path) -> None:
    command = [sys.executable, "-m", "tests.ccportal.exports.killed_worker", step, export.pk.hex]
    done = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=environment | {"CCPORTAL_DATA_DIR": str(data)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def rescued(export: Export) -> Export:
    """What the next worker makes of it when the lease of the dead one is over."""
    Export.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep()
    return run(export)


def numbers_in(export: Export) -> list[str]:
    if export.format == "csv":
        head, *rows = table(export)
    else:
        head, *rows = load_workbook(io.BytesIO(content(export))).active.iter_rows(values_only=True)
    return [row[head.index("caller_id_number")] for row in rows]


@pytest.fixture
def calls(account: Account) -> list[str]:
    for number in range(8):
        call = make_call(account, started_at=NOON + timedelta(minutes=number), caller_number=f"n{number}")
        make_media(make_recording(call), tone(0.1))
    return [f"n{number}" for number in range(7, -1, -1)]


@pytest.fixture(autouse=True)
def _small_chunks(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccportal.exports.archive.AudioMaker.chunk", 3)


@pytest.mark.parametrize(
    ("format", "step"),
    [("csv", "second chunk flushed"), ("csv", "stored"), ("xlsx", "all written"), ("xlsx", "claimed")],
)
def test_a_sheet_is_made_whole(
    format: str,  # noqa: A002
    step: str,
    calls: list[str],
    asking: Asking,
    process_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    export = asking(format=format)
    be_killed(step, export, process_environment, tmp_path)
    assert rescued(export).state == ExportState.READY
    assert numbers_in(export) == calls
    assert export.rows_done == 8
    stored = [path for path in (tmp_path / "audio").rglob("export.*") if path.is_file()]
    assert len(stored) == 1


@pytest.mark.parametrize(
    "step",
    ["first file written", "fifth file written", "last file written", "second chunk written", "stored"],
)
def test_an_archive_is_made_whole(
    step: str, calls: list[str], asking: Asking, process_environment: dict[str, str], tmp_path: Path
) -> None:
    export = asking(kind="recordings", format="zip", chosen={"list": "period=all"})
    be_killed(step, export, process_environment, tmp_path)
    assert rescued(export).state == ExportState.READY, export.state_reason
    with zipfile.ZipFile(io.BytesIO(content(export))) as archive:
        assert archive.testzip() is None
        audio = [name for name in archive.namelist() if name.endswith(".wav")]
        assert [archive.read(name) for name in audio] == [tone(0.1)] * 8
        assert archive.read("manifest.csv").count(b"\r\n") == 9
    assert export.files == 8


def test_two_workers_never_write_one_draft(asking: Asking) -> None:
    export = asking()
    Export.objects.update(draft="x")
    export.refresh_from_db()
    with drafts.opened(export), pytest.raises(drafts.Busy), drafts.opened(export):
        os.abort()
