"""Audio in a ZIP, with what is there and what is not."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AuditEntry, Role
from ccportal.exports.archive import AudioMaker
from recordings.exports import Export, ExportState
from recordings.models import State
from tests.ccportal.exports.conftest import Asking, content, run
from tests.factories import NOON, make_call, make_media, make_recording, make_user, tone

pytestmark = pytest.mark.django_db
ALL = {"list": "period=all"}


def archive_of(export: Export) -> zipfile.ZipFile:
    assert export.state == ExportState.READY, export.state_reason
    archive = zipfile.ZipFile(io.BytesIO(content(export)))
    assert archive.testzip() is None
    return archive


def listed(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


def audio(asking: Asking, **fields: object) -> zipfile.ZipFile:
    return archive_of(run(asking(kind="recordings", format="zip", **{"chosen": ALL} | fields)))


def test_files_are_whole_and_in_the_manifest(account: Account, asking: Asking) -> None:
    for minute in range(3):
        call = make_call(account, started_at=NOON + timedelta(minutes=minute))
        make_media(make_recording(call), tone(0.1 * (minute + 1)), file_name=f"call {minute}.wav")
    archive = audio(asking)
    names = archive.namelist()
    assert names == [
        "000001_call 2.wav",
        "000002_call 1.wav",
        "000003_call 0.wav",
        "manifest.csv",
        "MISSING.csv",
    ]
    manifest = listed(archive, "manifest.csv")
    assert [row["file_name"] for row in manifest] == names[:3]
    for row in manifest:
        data = archive.read(row["file_name"])
        assert (row["sha256"], row["size"]) == (hashlib.sha256(data).hexdigest(), f"{len(data)}")
    assert listed(archive, "MISSING.csv") == []
    assert AuditEntry.objects.filter(action="recording.export").count() == 3


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.wav", "a/b\\c.wav", "=1+1.wav", "\u202egnp.wav", "x" * 251 + ".wav", "\x01.wav"],
)
def test_names_lead_nowhere_and_never_meet(account: Account, asking: Asking, name: str) -> None:
    for _ in range(2):
        make_media(make_recording(make_call(account)), tone(0.1), file_name=name)
    archive = audio(asking)
    *names, _, _ = archive.namelist()
    assert len({found.casefold() for found in names}) == 2
    assert all(PurePosixPath(found).name == found for found in names)
    assert all(found.isprintable() and found.endswith(".wav") and len(found) < 200 for found in names)


def test_what_is_not_there_is_told(account: Account, asking: Asking) -> None:
    times = iter(range(10))

    def recorded(**fields: object) -> object:
        call = make_call(account, started_at=NOON - timedelta(minutes=next(times)))
        return make_recording(call, **fields)

    make_media(recorded(), tone(0.1))  # type: ignore[arg-type]
    recorded(state=State.MISSING, state_reason="=The file never came.")
    gone, changed = (make_media(recorded(), tone(0.1)) for _ in range(2))  # type: ignore[arg-type]
    (Path(settings.MEDIA_ROOT) / gone.key).unlink()
    (Path(settings.MEDIA_ROOT) / changed.key).write_bytes(tone(0.2))
    never = make_call(account, started_at=NOON - timedelta(minutes=9))
    last = make_media(recorded(), tone(0.3))  # type: ignore[arg-type]
    archive = audio(asking)
    reasons = [row["reason"] for row in listed(archive, "MISSING.csv")]
    assert reasons == [
        "'=The file never came.",
        "The file is no longer in storage.",
        "The stored file is not what was stored.",
        "It was not recorded.",
    ]
    assert listed(archive, "MISSING.csv")[-1]["call_id"] == never.pk.hex
    assert [row["sha256"] for row in listed(archive, "manifest.csv")][-1] == last.sha256
    export = Export.objects.get()
    assert (export.files, export.missing) == (2, 4)


def test_more_files_are_no_more_queries_a_chunk(
    account: Account, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(more: int) -> int:
        for _ in range(more):
            make_media(make_recording(make_call(account)), tone(0.1))
        with CaptureQueriesContext(connection) as queries:
            audio(asking)
        return len(queries)

    monkeypatch.setattr(AudioMaker, "chunk", 50)
    asked(1)
    assert asked(1) == asked(6)


def test_other_tenants_and_other_teams_audio_stays(account: Account, asking: Asking) -> None:
    make_media(make_recording(make_call(account, queue_name="3000@default")), tone(0.1))
    leader = make_user(account, Role.SUPERVISOR)
    export = run(asking(leader, kind="recordings", format="zip", chosen=ALL))
    assert archive_of(export).namelist() == ["manifest.csv", "MISSING.csv"]


def test_who_may_not_download_gets_no_audio(account: Account, asking: Asking) -> None:
    export = run(asking(make_user(account, Role.REVIEWER), kind="recordings", format="zip"))
    assert export.state == ExportState.FAILED


def test_agents_parts_are_chosen_instead_of_whole_calls(account: Account, asking: Asking) -> None:
    whole = make_recording(make_call(account), started_at=NOON)
    make_media(whole, tone(0.3), file_name="call.wav")
    for part, agent in ((1, "Anna"), (2, "../Ben\u202e")):
        key = f"{account.pk.hex}/part-{part}.wav"
        name = f"call_{agent}_span.wav"
        make_media(whole, tone(0.1 * part), variant="agent", part=part, key=key, file_name=name)
    alone = make_recording(make_call(account, started_at=NOON - timedelta(hours=1)))
    make_media(alone, tone(0.1))
    archive = audio(asking, chosen=ALL | {"audio": "agent"})
    assert archive.namelist()[:2] == ["000001_call_Anna_span.wav", "000002_Ben_span.wav"]
    assert [row["recording_id"] for row in listed(archive, "manifest.csv")] == [whole.pk.hex] * 2
    (missing,) = listed(archive, "MISSING.csv")
    assert (missing["recording_id"], missing["reason"]) == (alone.pk.hex, "It has no agent's part.")


def test_a_list_of_recordings_is_exported_as_it_is_shown(account: Account, asking: Asking) -> None:
    for state in (State.READY, State.MISSING):
        recording = make_recording(make_call(account), state=state)
        make_media(recording, tone(0.1)) if state == State.READY else None
    archive = audio(asking, chosen={"recordings": "show=missing&period=all"})
    assert archive.namelist() == ["manifest.csv", "MISSING.csv"]
    assert [row["state"] for row in listed(archive, "MISSING.csv")] == ["missing"]
