"""Captured calls with their audio, from the events to recordings that are ready."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from django.utils import timezone
from mutagen.id3 import ID3
from mutagen.mp3 import MP3
from mutagen.wave import WAVE
from numpy.typing import NDArray

from accounts.models import Account, Switch
from cdr.ingest import ingest, retire
from cdr.models import Call
from recordings.capture import record_takes, takes_of
from recordings.intake import collect
from recordings.models import Media, Recording, State, Variant
from recordings.process import process, process_again
from switch.esl.translate import Translator
from tests import captures
from tests.factories import tone
from tests.recordings.conftest import AUDIO, received

Put = Callable[..., Path]
TONES = {"1001": 440.0, "1002": 480.0}
NEAR_MS = 100
WINDOW = 160
LOUD = 6.0
CALLS = [
    "queue_answered",
    "queue_answered_esl_record",
    "queue_answered_mp3",
    "queue_blind_transfer",
    "queue_blind_transfer_noroute",
    "queue_hold",
    "queue_noanswer_then_second",
    "queue_requeue",
]


def processed(name: str, switch: Switch, captured: Put) -> list[Recording]:
    """Hear a captured call, collect its files and make them ready."""
    for file in captures.index()[name]["files"]:
        if file.startswith("audio/"):
            captured(Path(file).name)
    translator = Translator()
    result = ingest(
        switch, [event for body in captures.bodies(name) if (event := translator.translate(body))]
    )
    record_takes(switch, takes_of(result))
    retire(result)
    for recording in Recording.objects.filter(state=State.RECEIVED):
        collect(recording.pk)
        process(recording.pk)
    return list(Recording.objects.order_by("started_at"))


def clips(recording: Recording) -> list[Media]:
    return list(recording.media.filter(variant=Variant.AGENT).order_by("part", "format"))


def heard(path: Path) -> tuple[NDArray[np.float32], int]:
    """Frames by channels as a player gives them out, with both ends of an MP3 left out."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler(format="fltp")
        parts = [
            part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    return cast("NDArray[np.float32]", np.concatenate(parts, axis=1).T), rate


def sounds(channel: NDArray[np.float32], rate: int, hertz: float) -> tuple[float, float]:
    """First and last moment, in milliseconds, at which a tone is the loudest thing."""
    hop = rate // 100
    times = []
    for at in range(0, len(channel) - WINDOW, hop):
        part = channel[at : at + WINDOW] * np.hanning(WINDOW)
        spectrum = np.abs(np.fft.rfft(part, 4096))
        if spectrum.max() > LOUD and abs(spectrum.argmax() * rate / 4096 - hertz) < 12:
            times.append((at + WINDOW / 2) * 1000 / rate)
    return times[0], times[-1]


@pytest.mark.parametrize("name", CALLS)
def test_the_agents_part_begins_and_ends_with_the_agents_voice(
    name: str, switch: Switch, captured: Put, stored: Path
) -> None:
    for recording in processed(name, switch, captured):
        assert (recording.state, recording.finding, recording.next_try_at) == (State.READY, "", None)
        whole, rate = heard(stored / recording.media.filter(variant=Variant.CALL)[0].key)
        parts = clips(recording)
        assert parts
        for part in parts:
            first, last = sounds(whole[:, 1], rate, TONES[part.agent_name])
            assert abs(part.offset_ms - first) < NEAR_MS
            assert abs(part.offset_ms + part.duration_ms - last) < NEAR_MS
            cut, cut_rate = heard(stored / part.key)
            first, last = sounds(cut[:, 1], cut_rate, TONES[part.agent_name])
            assert first < NEAR_MS
            assert part.duration_ms - last < NEAR_MS


@pytest.mark.parametrize("name", CALLS)
def test_everyone_agrees_on_the_length(name: str, switch: Switch, captured: Put, stored: Path) -> None:
    for recording in processed(name, switch, captured):
        for media in recording.media.all():
            path = stored / media.key
            tags: Any = MP3(path) if media.format == "mp3" else WAVE(path)
            samples, rate = heard(path)
            with av.open(str(path)) as container:
                told = (container.duration or 0) / 1000
            lengths = [tags.info.length * 1000, told, len(samples) * 1000 / rate]
            assert lengths == pytest.approx([media.duration_ms] * 3, abs=1)
            assert media.size == path.stat().st_size
            assert media.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert (tags.info.channels, tags.info.sample_rate) == (media.channels, media.sample_rate)
            peaks = json.loads((stored / f"{media.key}.peaks.json").read_bytes())
            assert peaks["duration_ms"] == pytest.approx(media.duration_ms, abs=6)
            assert all(max(channel) > 50 for channel in peaks["channels"])


def test_several_agents_have_a_part_each(switch: Switch, captured: Put) -> None:
    whole, second = processed("queue_requeue", switch, captured)
    assert [(media.part, media.agent_name, media.file_name) for media in clips(whole)] == [
        (1, "1001", "20261120124441_01012340040_07070067777_1001_span.mp3"),
        (1, "1001", "20261120124441_01012340040_07070067777_1001_span.wav"),
        (2, "1002", "20261120124441_01012340040_07070067777_1002_span2.mp3"),
        (2, "1002", "20261120124441_01012340040_07070067777_1002_span2.wav"),
    ]
    assert [media.agent_name for media in clips(second)] == ["1002", "1002"]


def test_names_and_tags(switch: Switch, captured: Put, stored: Path) -> None:
    [recording] = processed("queue_answered", switch, captured)
    stem = "20261120122924_01058400500_07070067777_1001"
    names = {media.file_name for media in recording.media.all()}
    assert names == {f"{stem}.wav", f"{stem}.mp3", f"{stem}_span.wav", f"{stem}_span.mp3"}
    for media in recording.media.exclude(variant=Variant.CALL, format="wav"):
        tags: Any = ID3(stored / media.key) if media.format == "mp3" else WAVE(stored / media.key).tags
        own = {frame.desc: str(frame) for frame in tags.getall("TXXX")}
        assert own == {
            "queue": "3000@default",
            "agent": "1001",
            "caller": "01058400500",
            "destination": "07070067777",
            "direction": "inbound",
            "start": "2026-11-20T12:29:24.504+00:00",
            "call_id": recording.leg_uuid,
            "recording_id": recording.pk.hex,
        }
        assert (str(tags["TPE1"]), str(tags["TALB"])) == ("1001", "3000@default")
        assert str(tags["TIT2"]) == media.file_name[:-4]


def test_the_switchs_own_file_stays_as_it_is(switch: Switch, captured: Put, stored: Path) -> None:
    [recording] = processed("queue_answered", switch, captured)
    kept = recording.media.get(variant=Variant.CALL, format="wav")
    own = AUDIO / "20261120122924_01058400500_07070067777_1001.wav"
    assert (stored / kept.key).read_bytes() == own.read_bytes()


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("onnet_onnet_recorded", "The call was offered to no agent."),
        ("conference_rec", "It belongs to no call."),
    ],
)
def test_without_an_agent_there_is_no_part_and_it_says_why(
    name: str, note: str, switch: Switch, captured: Put
) -> None:
    for recording in processed(name, switch, captured):
        assert recording.state == State.READY
        assert not clips(recording)
        assert recording.steps.get(name="parts").note == note


def test_an_abandoned_call_has_no_part_and_says_why(
    switch: Switch, captured: Put, folder: Path, account: Account
) -> None:
    processed("queue_abandoned_ringing", switch, captured)
    call = Call.objects.get(offers__isnull=False)
    (folder / "abandoned.wav").write_bytes(tone(2.0))
    recording = received(switch, account, "abandoned.wav", call=call)
    collect(recording.pk)
    process(recording.pk)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert not clips(recording)
    assert recording.steps.get(name="parts").note == "No agent answered."


def test_a_call_that_goes_on_is_waited_for(switch: Switch, captured: Put) -> None:
    [recording] = processed("queue_answered", switch, captured)
    now = timezone.now()
    Call.objects.filter(recordings=recording).update(ended_at=None)
    Recording.objects.filter(pk=recording.pk).update(stopped_at=now)
    process_again(Recording.objects.filter(pk=recording.pk))
    process(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.attempts) == (State.PROCESSING, 0)
    assert recording.next_try_at is not None
    assert now < recording.next_try_at < now + timedelta(minutes=1)
    assert not recording.steps.exists()


def test_processing_again_comes_to_the_same_files(switch: Switch, captured: Put, stored: Path) -> None:
    [recording] = processed("queue_requeue", switch, captured)[:1]
    before = sorted(recording.media.values_list("pk", "key", "sha256", "file_name"))
    files = sorted(path for path in stored.rglob("*") if path.is_file())
    assert process_again(Recording.objects.filter(pk=recording.pk)) == 1
    process(recording.pk)
    assert sorted(recording.media.values_list("pk", "key", "sha256", "file_name")) == before
    assert sorted(path for path in stored.rglob("*") if path.is_file()) == files


def test_who_spoke_for_how_long_is_kept(switch: Switch, captured: Put) -> None:
    [recording] = processed("queue_answered", switch, captured)
    [left, right] = recording.speech["channels"]
    assert left["talk_ms"] + left["silence_ms"] == 10_080
    assert right["talk_ms"] > 9_900
    assert recording.speech["overtalk_ms"] > 9_900
