"""Recordings on their way to ready: formats, names, lengths, damage, failure and retry."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, Switch
from accounts.validators import validate_file_name_template
from recordings.intake import collect
from recordings.models import Finding, Media, Recording, State, Variant
from recordings.naming import file_name
from recordings.process import MOST_TRIES, process, process_again, process_each
from recordings.processing.companding import MULAW
from recordings.processing.wav import pcm_format, wav_header
from recordings.sweep import sweep
from tests import captures
from tests.factories import make_call, tone
from tests.recordings.conftest import BEGAN, received

MP3 = [{"params": {"format": "mp3"}}]
WAV = [{"params": {"format": "wav"}}]


@pytest.fixture
def ready(switch: Switch, account: Account, folder: Path) -> Callable[..., Recording]:
    """Collect and process audio; what is told of the recording goes before."""

    def make(audio: bytes = tone(3.0), name: str = "x.wav", **fields: Any) -> Recording:
        (folder / name).write_bytes(audio)
        recording = received(switch, account, name, **fields)
        collect(recording.pk)
        process(recording.pk)
        recording.refresh_from_db()
        return recording

    return make


def formats(recording: Recording) -> list[str]:
    return sorted(recording.media.values_list("format", flat=True))


@pytest.mark.parametrize(
    ("origin", "grants", "keep_wav", "kept"),
    [
        ("dialplan", [], False, ["mp3", "wav"]),
        ("queue", [], False, ["mp3", "wav"]),
        ("dialplan", MP3, False, ["mp3", "wav"]),
        ("policy", MP3, False, ["mp3"]),
        ("policy", [{"params": {}}], False, ["mp3"]),
        ("policy", MP3, True, ["mp3", "wav"]),
        ("policy", WAV, False, ["wav"]),
        ("policy", [*WAV, *MP3], False, ["mp3", "wav"]),
        ("action", MP3, False, ["mp3"]),
    ],
)
def test_the_grants_say_what_is_kept(
    origin: str,
    grants: list[Any],
    keep_wav: bool,
    kept: list[str],
    ready: Callable[..., Recording],
    account: Account,
    stored: Path,
) -> None:
    Account.objects.filter(pk=account.pk).update(keep_wav=keep_wav)
    recording = ready(origin=origin, grants=grants)
    assert recording.state == State.READY
    assert formats(recording) == kept
    files = {path.name for path in stored.rglob("*") if path.is_file()}
    assert files == {name for kind in kept for name in (f"call.{kind}", f"call.{kind}.peaks.json")}
    if "wav" in kept:
        assert (stored / recording.media.get(format="wav").key).read_bytes() == tone(3.0)


def test_it_can_be_heard_before_it_is_processed(switch: Switch, account: Account, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(1.0))
    recording = received(switch, account, "x.wav")
    collect(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.stored_at is not None) == (State.PROCESSING, True)
    [task] = OrmQ.objects.all()
    assert task.task["func"] == "recordings.process.process_each"
    process_each(task.task["args"][0])
    recording.refresh_from_db()
    assert recording.state == State.READY


def test_every_step_is_on_record(ready: Callable[..., Recording]) -> None:
    steps = list(ready().steps.all())
    assert [step.name for step in steps] == ["probe", "length", "name", "levels", "mp3", "parts", "finish"]
    assert all(step.attempts == 1 and step.milliseconds is not None and not step.error for step in steps)


@pytest.mark.parametrize(
    ("seconds", "least", "hold", "state"),
    [
        (2.999, [3], False, State.DISCARDED),
        (3.0, [3], False, State.READY),
        (2.0, [3, 2], False, State.READY),
        (2.0, [3, 4], False, State.DISCARDED),
        (2.0, [3], True, State.READY),
        (0.1, [], False, State.READY),
    ],
)
def test_what_every_grant_finds_too_short_is_discarded(
    seconds: float, least: list[int], hold: bool, state: str, ready: Callable[..., Recording], stored: Path
) -> None:
    grants = [{"params": {"record_min_sec": each}} for each in least]
    recording = ready(tone(seconds), grants=grants, origin="policy", legal_hold=hold)
    assert recording.state == state
    assert recording.media.exists() == (state == State.READY)
    assert any(path.is_file() for path in stored.rglob("*")) == (state == State.READY)
    if state == State.DISCARDED:
        assert recording.state_reason == f"{seconds:.3f} s, shorter than the {min(least)} s that are kept."
        process(recording.pk)
        recording.refresh_from_db()
        assert (recording.state, recording.next_try_at) == (State.DISCARDED, None)


def header(size: int, *, form: bytes = pcm_format(2, 8000)) -> bytes:
    return wav_header(form, 8)[:-4] + struct.pack("<I", size)


SOUND = tone(2.0)[44:]
ALAW_FORM = struct.pack("<HHIIHH", 6, 2, 8000, 16000, 2, 8)
MULAW_FORM = struct.pack("<HHIIHH", 7, 2, 8000, 16000, 2, 8)


def rf64(size: int = len(SOUND)) -> bytes:
    """A large file's header; one that was never finished says nothing of the size there either."""
    form = struct.pack("<4sI", b"fmt ", 16) + pcm_format(2, 8000)
    large = struct.pack("<4sIQQQI", b"ds64", 28, size and size + 72, size, size // 4, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + large + form + b"data\xff\xff\xff\xff" + SOUND


@pytest.mark.parametrize(
    ("audio", "finding"),
    [
        (header(len(SOUND)) + SOUND[:-8000], Finding.UNFINISHED),
        (header(0xFFFFFFFE) + SOUND, Finding.UNFINISHED),
        (header(0) + SOUND, Finding.UNFINISHED),
        (header(len(SOUND)) + SOUND[:-1], Finding.UNFINISHED),
        (header(0xFFFFFFFF) + SOUND, Finding.UNFINISHED),
        (rf64(), ""),
        (rf64(0), Finding.UNFINISHED),
        (wav_header(ALAW_FORM, 32_000) + bytes(range(256)) * 125, ""),
        (wav_header(MULAW_FORM, 32_000) + bytes(range(256)) * 125, ""),
    ],
    ids=["truncated", "4 GB", "unfinished", "odd", "no size", "RF64", "RF64 unfinished", "A-law", "mu-law"],
)
def test_odd_wav_files_become_ready(audio: bytes, finding: str, ready: Callable[..., Recording]) -> None:
    recording = ready(audio)
    assert (recording.state, recording.finding) == (State.READY, finding)
    lengths = set(recording.media.values_list("duration_ms", flat=True))
    assert formats(recording) == ["mp3", "wav"]
    assert max(lengths) - min(lengths) <= 1
    assert 1700 <= min(lengths) <= 2000
    assert bool(recording.state_reason) == bool(finding)


@pytest.mark.parametrize("garbage", [b"\0" * 5000, b"\xff\xf3\x00" * 400, b"HTTP/1.1 200 OK\r\n" * 99])
def test_an_mp3_with_garbage_in_front_becomes_ready_and_stays_as_it_came(
    garbage: bytes, ready: Callable[..., Recording], stored: Path
) -> None:
    sound = (captures.AUDIO / "20261120123017_01044445555_07070067775.mp3").read_bytes()
    clean = ready(sound, "clean.mp3")
    recording = ready(garbage + sound, "garbage.mp3")
    assert (recording.state, recording.finding) == (State.READY, "")
    assert recording.media.get().duration_ms == pytest.approx(clean.media.get().duration_ms, abs=80)
    assert (stored / recording.media.get().key).read_bytes() == garbage + sound
    assert recording.speech["channels"][0]["talk_ms"] == pytest.approx(
        clean.speech["channels"][0]["talk_ms"], abs=100
    )


def test_the_table_of_mu_law_is_used(ready: Callable[..., Recording]) -> None:
    loud = bytes([int(MULAW.argmax())]) * 32_000
    recording = ready(wav_header(MULAW_FORM, 32_000) + loud)
    assert [channel["talk_ms"] for channel in recording.speech["channels"]] == [2000, 2000]


@pytest.mark.parametrize("audio", [b"", tone(0.1)[:44], os.urandom(9000).replace(b"\xff", b"")])
def test_what_is_no_audio_never_gets_to_processing(audio: bytes, ready: Callable[..., Recording]) -> None:
    recording = ready(audio)
    assert recording.state == State.RECEIVED
    assert not recording.steps.exists()


@pytest.mark.parametrize("damage", [b"", b"RIFF", os.urandom(300).replace(b"\xff", b"")])
def test_a_stored_file_that_is_damaged_fails_and_says_so(
    damage: bytes, switch: Switch, account: Account, folder: Path, stored: Path
) -> None:
    (folder / "x.wav").write_bytes(tone(1.0))
    recording = received(switch, account, "x.wav")
    collect(recording.pk)
    (stored / recording.media.get().key).write_bytes(damage)
    process(recording.pk)
    recording.refresh_from_db()
    step = recording.steps.get()
    assert recording.state == State.FAILED
    assert recording.state_reason == f"probe: {step.error}"
    assert step.finished_at is None
    assert recording.media.count() == 1


def test_what_fails_is_tried_again_later_each_time(
    switch: Switch, account: Account, folder: Path, stored: Path
) -> None:
    (folder / "x.wav").write_bytes(tone(1.0))
    recording = received(switch, account, "x.wav")
    collect(recording.pk)
    place = (stored / recording.media.get().key).with_name("call.mp3")
    place.mkdir()
    (place / "in the way").touch()
    waits = []
    for _ in range(3):
        process(recording.pk)
        recording.refresh_from_db()
        assert (recording.state, recording.state_reason[:5]) == (State.FAILED, "mp3: ")
        assert str(stored) not in recording.state_reason
        assert recording.next_try_at is not None
        waits.append(recording.next_try_at - timezone.now())
    assert waits == sorted(waits)
    assert waits[2] > 2 * waits[0]
    (place / "in the way").unlink()
    place.rmdir()
    OrmQ.objects.all().delete()
    assert sweep() == 0
    Recording.objects.update(next_try_at=timezone.now())
    assert sweep() == 1
    process_each(OrmQ.objects.get().task["args"][0])
    recording.refresh_from_db()
    assert (recording.state, recording.state_reason, recording.attempts) == (State.READY, "", 0)
    steps = dict(recording.steps.values_list("name", "attempts"))
    assert (steps["probe"], steps["mp3"], steps["parts"]) == (1, 4, 1)


def test_in_the_end_somebody_has_to_look(ready: Callable[..., Recording], stored: Path) -> None:
    recording = ready()
    process_again(Recording.objects.all())
    Recording.objects.update(attempts=MOST_TRIES)
    (stored / recording.media.get(format="wav").key).unlink()
    process(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.next_try_at) == (State.FAILED, None)


def test_what_is_ready_is_left_alone(ready: Callable[..., Recording]) -> None:
    recording = ready()
    before = list(recording.steps.values_list("attempts", "finished_at"))
    process(recording.pk)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert list(recording.steps.values_list("attempts", "finished_at")) == before


def test_one_that_fails_keeps_no_other_waiting(
    switch: Switch, account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    for name in ("a.wav", "b.wav"):
        (folder / name).write_bytes(tone(0.5))
        rows.append(received(switch, account, name))
        collect(rows[-1].pk)
    Media.objects.filter(recording=rows[0]).delete()
    process_each([row.pk.hex for row in rows])
    assert list(Recording.objects.order_by("path").values_list("state", flat=True)) == [
        State.FAILED,
        State.READY,
    ]


TEMPLATES = [
    ("{started:%Y%m%d%H%M%S}_{caller}_{destination}_{agent}", "20261120133000_0301234567_5000_1001.mp3"),
    ("{queue}-{agent}", "sales@default-1001.mp3"),
    ("{account} {label} {direction}", "Müller_&_Co Wichtig_x inbound.mp3"),
    ("call {call_id} {recording_id}", None),
]


@pytest.mark.parametrize(("template", "expected"), TEMPLATES)
def test_names_follow_the_accounts_template(
    template: str, expected: str | None, switch: Switch, account: Account
) -> None:
    validate_file_name_template(template)
    account.name, account.file_name_template, account.time_zone = "Müller & Co", template, "Europe/Berlin"
    account.save()
    call = make_call(account, switch=switch, dialed_number="5000")
    recording = received(
        switch, account, "x.wav", call=call, started_at=BEGAN, caller_number="0301234567",
        queue_name="sales@default", agent_name="1001@default", direction="inbound", leg_uuid="leg-1",
        grants=[{"params": {"label": "Wichtig/../x"}}],
    )  # fmt: skip
    assert file_name(recording, "mp3") == (expected or f"call leg-1 {recording.pk.hex}.mp3")


def test_what_comes_from_a_phone_cannot_leave_the_name(switch: Switch, account: Account) -> None:
    recording = received(
        switch, account, "x.wav", caller_number="../../etc/{agent}\r\n\x7f", agent_name='"><b>%s'
    )
    name = file_name(recording, "mp3")
    assert name.startswith("20261120123000_")
    assert not set('/\\"<>%\r\n\x7f') & set(name)


def test_what_is_not_known_leaves_no_gap(switch: Switch, account: Account) -> None:
    recording = received(switch, account, "x.wav", caller_number="1")
    assert file_name(recording, "wav") == "20261120123000_1.wav"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "___",
        "{",
        "{nobody}",
        "{}",
        "{0}",
        "{agent.__class__}",
        "{agent[0]}",
        "{agent!r}",
        "{agent:>99999}",
        "{started:%s}",
        "{started:%Y/%m}",
        "{started:{caller}}",
        "a/b",
        "a\\b",
        "a\nb",
    ],
)
def test_a_template_that_cannot_be_is_refused(template: str) -> None:
    with pytest.raises(ValidationError):
        validate_file_name_template(template)


def test_a_moved_recording_keeps_its_parts_apart(ready: Callable[..., Recording]) -> None:
    from recordings.storage import key_of

    recording = ready()
    keys = {key_of(recording, Variant.AGENT, "mp3", part) for part in (1, 2)}
    assert len(keys) == 2
    assert all(key.startswith(f"{recording.account_id.hex}/") for key in keys if recording.account_id)
