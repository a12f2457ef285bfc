from __future__ import annotations

import hashlib
import os
import uuid
import wave
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Switch
from recordings.intake import TRIES, collect, collect_each
from recordings.models import Finding, Media, Recording, State
from recordings.peaks import peaks_of
from recordings.processing.wav import read_wav
from tests.factories import tone
from tests.privileges import bound_by_permissions
from tests.recordings.conftest import AUDIO, BEGAN, REMOTE, media_of, received

FILES = sorted(path.name for path in AUDIO.iterdir() if path.suffix in (".wav", ".mp3"))
Put = Callable[..., Path]


def collected(recording: Recording, tries: int = 1) -> Recording:
    for _ in range(tries):
        collect(recording.pk)
    recording.refresh_from_db()
    return recording


@pytest.mark.parametrize("name", FILES)
def test_every_captured_file_is_stored_as_it_was_and_leaves_the_switch(
    name: str, switch: Switch, account: Account, captured: Put, stored: Path
) -> None:
    source = captured(name)
    recording = collected(received(switch, account, name))
    media = media_of(recording)
    original = (AUDIO / name).read_bytes()
    assert (recording.state, recording.finding) == (State.PROCESSING, "")
    assert (stored / media.key).read_bytes() == original
    assert (media.size, media.sha256) == (len(original), hashlib.sha256(original).hexdigest())
    assert media.key == f"{account.pk.hex}/2026/11/20/{recording.pk.hex}/call.{name[-3:]}"
    assert media.file_name == name
    assert not source.exists()
    assert not recording.source_kept
    assert recording.source_path == f"{REMOTE}/{name}"


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".wav")])
def test_length_is_counted_in_frames(name: str, switch: Switch, account: Account, captured: Put) -> None:
    captured(name)
    media = media_of(collected(received(switch, account, name)))
    with wave.open(str(AUDIO / name)) as file:
        assert media.duration_ms == round(file.getnframes() * 1000 / file.getframerate())
        assert (media.channels, media.sample_rate) == (file.getnchannels(), file.getframerate())


def test_mp3_length_is_what_plays_and_its_late_flush_is_no_difference(
    switch: Switch, account: Account, captured: Put
) -> None:
    name = "20261120123017_01044445555_07070067775.mp3"
    captured(name)
    recording = collected(received(switch, account, name, switch_ms=10_120, switch_size=36_864))
    media = media_of(recording)
    assert recording.state == State.PROCESSING
    assert (media.format, media.channels, media.sample_rate) == ("mp3", 2, 8000)
    assert 10_300 <= media.duration_ms <= 10_700


def test_a_file_renamed_with_its_agent_is_found(switch: Switch, account: Account, captured: Put) -> None:
    captured("20261120122924_01058400500_07070067777_1001.wav")
    path = "20261120122924_01058400500_07070067777.wav"
    recording = collected(received(switch, account, path, agent_name="1001@default"))
    assert recording.state == State.PROCESSING
    assert recording.source_path.endswith("_07070067777_1001.wav")
    assert media_of(recording).file_name == path


def test_a_renamed_file_is_found_without_its_agent_only_if_no_other_is_alike(
    switch: Switch, account: Account, captured: Put
) -> None:
    path = "20261120122924_01058400500_07070067777.wav"
    captured("20261120122924_01058400500_07070067777_1001.wav")
    captured("20261120122924_01058400500_07070067777_1001.wav", f"{path[:-4]}_1002.wav")
    recording = collected(received(switch, account, path))
    assert recording.state == State.RECEIVED
    (Path(switch.path_mapping[REMOTE]) / f"{path[:-4]}_1002.wav").unlink()
    assert collected(recording).state == State.PROCESSING


@pytest.mark.parametrize("agent", ["", "full", "limit3"])
def test_another_recordings_file_is_never_taken(
    agent: str, switch: Switch, account: Account, captured: Put
) -> None:
    full = captured("two_f775ad6e-82ef-4b8f-b328-63a1af8f6284_full.wav")
    received(switch, account, full.name)
    own = full.name.replace("_full", "")
    recording = collected(received(switch, account, own, agent_name=agent), tries=TRIES)
    assert (recording.state, recording.finding) == (State.MISSING, Finding.MISSING)
    assert full.exists()


def test_another_recordings_renamed_file_is_never_taken(
    switch: Switch, account: Account, captured: Put
) -> None:
    renamed = captured("two_f775ad6e-82ef-4b8f-b328-63a1af8f6284_full.wav", "a_full_1001.wav")
    received(switch, account, "a_full.wav")
    recording = collected(received(switch, account, "a.wav"), tries=TRIES)
    assert recording.state == State.MISSING
    assert renamed.exists()


def test_a_native_pair_becomes_stereo(
    switch: Switch, account: Account, captured: Put, folder: Path, stored: Path
) -> None:
    captured("sp-in.PCMU")
    captured("sp-out.PCMU")
    recording = collected(received(switch, account, "sp", switch_ms=1500))
    media = media_of(recording)
    assert (media.format, media.channels, media.sample_rate) == ("wav", 2, 8000)
    assert media.duration_ms == 1540
    assert list(folder.iterdir()) == []
    with wave.open(str(stored / media.key)) as file:
        left, right = tones(file.readframes(8000), file.getframerate())
    assert (round(left, -1), round(right, -1)) == (1000, 440)


def tones(frames: bytes, rate: int) -> list[float]:
    import numpy as np

    samples = np.frombuffer(frames, "<i2").reshape(-1, 2)
    spectrum = np.abs(np.fft.rfft(samples, axis=0))
    return [float(index * rate / len(samples)) for index in spectrum.argmax(axis=0)]


def test_half_a_native_pair_is_waited_for(switch: Switch, account: Account, captured: Put) -> None:
    kept = captured("sp-in.PCMU")
    recording = collected(received(switch, account, "sp"))
    assert recording.state == State.RECEIVED
    assert collected(recording, tries=TRIES).state == State.MISSING
    assert kept.exists()


def test_braces_before_the_path_are_the_switchs_own(switch: Switch, account: Account, captured: Put) -> None:
    name = "brace_9d241bbe-963c-4ea2-9d5e-d0410da695f6.wav"
    captured(name)
    path = f"{{RECORD_STEREO=true,lab_tag=xy}}{REMOTE}/{name}"
    recording = collected(received(switch, account, path))
    assert recording.state == State.PROCESSING
    assert media_of(recording).file_name == name


def test_an_overwritten_take_has_no_file_and_the_later_one_has(
    switch: Switch, account: Account, captured: Put
) -> None:
    name = "re_9d241bbe-963c-4ea2-9d5e-d0410da695f6.wav"
    captured(name)
    first = received(switch, account, name, overwritten=True)
    second = received(switch, account, name, take=2, started_at=BEGAN + timedelta(seconds=3))
    assert collected(first).finding == Finding.OVERWRITTEN
    assert collected(second).state == State.PROCESSING
    assert first.state == State.MISSING
    assert media_of(second).duration_ms == 3000


def test_a_take_is_overwritten_by_another_call_too(switch: Switch, account: Account, captured: Put) -> None:
    name = "re_9d241bbe-963c-4ea2-9d5e-d0410da695f6.wav"
    source = captured(name)
    first = received(switch, account, name)
    received(switch, account, name, started_at=BEGAN + timedelta(hours=3), state=State.RECORDING)
    assert collected(first).finding == Finding.OVERWRITTEN
    assert source.exists()


@pytest.mark.parametrize(
    ("content", "state", "finding"),
    [
        (None, State.MISSING, Finding.MISSING),
        (b"", State.MISSING, Finding.EMPTY),
        (tone(0.1)[:44], State.MISSING, Finding.EMPTY),
        (b"RIFF\x24\0\0\0WAVEfmt ", State.MISSING, Finding.EMPTY),
        (b"\xff\xfb" * 4000, State.FAILED, Finding.UNREADABLE),
        (b"#EXTM3U\nhttp://127.0.0.1/\n" * 40, State.FAILED, Finding.UNREADABLE),
        (os.urandom(4096).replace(b"\xff", b"\0").replace(b"I", b"i"), State.FAILED, Finding.UNREADABLE),
    ],
)
def test_what_is_no_audio_is_said_so_after_some_tries_and_left_where_it_is(
    content: bytes | None, state: str, finding: str, switch: Switch, account: Account, folder: Path
) -> None:
    source = folder / "x.wav"
    if content is not None:
        source.write_bytes(content)
    recording = collected(received(switch, account, "x.wav"))
    assert recording.state == State.RECEIVED
    assert recording.next_try_at is not None
    assert recording.next_try_at > timezone.now()
    recording = collected(recording, tries=TRIES - 1)
    assert (recording.state, recording.finding) == (state, finding)
    assert recording.state_reason
    assert (recording.next_try_at is None) == (finding != Finding.MISSING)
    assert source.exists() == (content is not None)
    assert not Media.objects.exists()


def test_a_folder_that_is_gone_is_a_missing_file(switch: Switch, account: Account) -> None:
    recording = collected(received(switch, account, "new/2026/11/20/x.wav"), tries=TRIES)
    assert (recording.state, recording.finding) == (State.MISSING, Finding.MISSING)


@pytest.mark.parametrize(
    "damage",
    [
        lambda audio: audio[:40] + b"\0\0\0\0" + audio[44:],
        lambda audio: audio[:40] + b"\xff\xff\xff\xff" + audio[44:],
        lambda audio: audio[:4] + b"\0\0\0\0" + audio[8:40] + b"\x08\0\0\0" + audio[44:],
        lambda audio: audio[:40] + (len(audio) * 2).to_bytes(4, "little") + audio[44:],
    ],
)
def test_a_file_the_switch_never_closed_is_stored_whole_and_says_so(
    damage: Callable[[bytes], bytes], switch: Switch, account: Account, folder: Path, stored: Path
) -> None:
    (folder / "x.wav").write_bytes(damage(tone(2.0)))
    recording = collected(received(switch, account, "x.wav"))
    media = media_of(recording)
    assert (recording.state, recording.finding) == (State.PROCESSING, Finding.UNFINISHED)
    assert media.duration_ms == 2000
    assert (stored / media.key).read_bytes() == tone(2.0)


def test_another_length_than_the_switch_said_is_noted(switch: Switch, account: Account, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(2.0))
    recording = collected(received(switch, account, "x.wav", switch_ms=4040))
    assert (recording.state, recording.finding) == (State.PROCESSING, Finding.LENGTH)
    assert recording.state_reason == "The switch said 4040 ms, the file has 2000 ms."


def test_a_file_that_is_not_yet_all_there_is_waited_for(
    switch: Switch, account: Account, folder: Path
) -> None:
    whole = tone(2.0)
    (folder / "x.wav").write_bytes(whole[:9000])
    recording = collected(received(switch, account, "x.wav", switch_size=len(whole)))
    assert recording.state == State.RECEIVED
    (folder / "x.wav").write_bytes(whole)
    recording = collected(recording)
    assert (recording.state, recording.finding) == (State.PROCESSING, "")
    assert media_of(recording).duration_ms == 2000


def test_quarantine_has_a_place_of_its_own(switch: Switch, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    assert media_of(collected(received(switch, None, "x.wav"))).key.startswith("quarantine/2026/11/20/")


def test_a_source_that_cannot_be_removed_is_noted(switch: Switch, account: Account, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    folder.chmod(0o500)
    with bound_by_permissions():
        recording = collected(received(switch, account, "x.wav"))
    folder.chmod(0o700)
    assert (recording.state, recording.source_kept) == (State.PROCESSING, True)


def test_collecting_again_changes_nothing(switch: Switch, account: Account, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    recording = collected(received(switch, account, "x.wav"))
    before = media_of(recording)
    (folder / "x.wav").write_bytes(tone(0.5))
    collected(recording, tries=2)
    assert (media_of(recording).pk, media_of(recording).sha256) == (before.pk, before.sha256)
    assert (folder / "x.wav").exists()


@pytest.mark.parametrize("is_same", [True, False])
def test_only_the_stored_bytes_are_removed_after_a_crash(
    is_same: bool, switch: Switch, account: Account, folder: Path
) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    recording = collected(received(switch, account, "x.wav"))
    Recording.objects.filter(pk=recording.pk).update(source_kept=True)
    (folder / "x.wav").write_bytes(tone(0.2 if is_same else 0.3))
    recording = collected(recording)
    assert (folder / "x.wav").exists() is not is_same
    assert recording.source_kept is not is_same


def test_a_row_that_vanished_leaves_no_copy_and_keeps_the_source(
    switch: Switch, account: Account, folder: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordings import intake

    (folder / "x.wav").write_bytes(tone(0.2))
    recording = received(switch, account, "x.wav")

    def examine_and_lose(*arguments: Any) -> Any:
        Recording.objects.filter(pk=recording.pk).delete()
        return examine(*arguments)

    examine = intake.examine
    monkeypatch.setattr(intake, "examine", examine_and_lose)
    collect(recording.pk)
    assert (folder / "x.wav").exists()
    assert not [path for path in stored.rglob("*") if path.is_file()]


def test_a_failing_storage_is_tried_again_and_harms_no_other(
    switch: Switch, account: Account, folder: Path, stored: Path
) -> None:
    for name in ("a.wav", "b.wav"):
        (folder / name).write_bytes(tone(0.2))
    bad, good = received(switch, account, "a.wav"), received(switch, account, "b.wav")
    in_the_way = stored / account.pk.hex / "2026/11/20" / bad.pk.hex
    in_the_way.parent.mkdir(parents=True)
    in_the_way.touch()
    collect_each([bad.pk.hex, uuid.uuid4().hex, good.pk.hex])
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.RECEIVED, State.PROCESSING)
    assert bad.next_try_at is not None
    assert (folder / "a.wav").exists()
    in_the_way.unlink()
    assert collected(bad).state == State.PROCESSING


def test_peaks_lie_beside_the_audio(switch: Switch, account: Account, folder: Path, stored: Path) -> None:
    (folder / "x.wav").write_bytes(tone(1.0))
    media = media_of(collected(received(switch, account, "x.wav")))
    assert (stored / f"{media.key}.peaks.json").exists()
    peaks = peaks_of(media)
    assert peaks["duration_ms"] == 1000
    assert [len(channel) for channel in peaks["channels"]] == [200, 200]


def test_a_stored_wav_can_be_read_by_ourselves(
    switch: Switch, account: Account, captured: Put, stored: Path
) -> None:
    captured("sp-in.PCMU")
    captured("sp-out.PCMU")
    media = media_of(collected(received(switch, account, "sp")))
    with (stored / media.key).open("rb") as file:
        assert read_wav(file).finished
