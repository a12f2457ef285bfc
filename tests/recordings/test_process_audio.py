"""MP3 by the frame, levels, and where in a file a moment is."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import av
import numpy as np
import pytest
from mutagen.mp3 import MP3

from recordings.processing import mp3, wav
from recordings.processing.levels import Levels, measure, silences_of, speech_of
from recordings.processing.moments import Placed
from recordings.processing.probe import probe
from recordings.processing.wav import NotAudio, Samples, read_wav

RATE = 8000
BEGAN = datetime(2026, 11, 20, 12, tzinfo=UTC)


def sine(seconds: float, rate: int = RATE, channels: int = 2, hertz: float = 440.0) -> Samples:
    times = np.arange(round(seconds * rate)) / rate
    wave = (np.sin(2 * np.pi * hertz * times) * 8000).astype(np.int16)
    return np.stack([wave] * channels, axis=1)


def silence(seconds: float, channels: int = 2) -> Samples:
    return np.zeros((round(seconds * RATE), channels), np.int16)


def decoded(file: io.BytesIO) -> Samples:
    file.seek(0)
    with av.open(file, "r", format="mp3") as container:
        resampler = av.AudioResampler(format="s16p")
        parts = [p.to_ndarray() for frame in container.decode(audio=0) for p in resampler.resample(frame)]
    return cast("Samples", np.concatenate(parts, axis=1).T)


def told_length(file: io.BytesIO) -> float:
    info: Any = MP3(fileobj=io.BytesIO(file.getvalue())).info
    return float(info.length)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 6000, 96_000])
def test_an_encoded_file_is_as_long_as_what_went_in(rate: int, channels: int) -> None:
    file = io.BytesIO()
    made = mp3.encode([sine(0.7, rate, channels), sine(0.55, rate, channels)], channels, rate, file)
    assert made.milliseconds == pytest.approx(1250, abs=1)
    assert told_length(file) == pytest.approx(1.25, abs=0.001)
    assert len(decoded(file)) == made.samples
    assert made.channels == (channels if channels < 3 else 1)
    assert probe(io.BytesIO(file.getvalue())).milliseconds == pytest.approx(1250, abs=1)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(
    ("begin", "end"), [(0, 2000), (1, 20), (0, 500), (733, 1501), (1200, 5000), (1800, 2000)]
)
def test_a_cut_is_exact_and_sounds_as_it_did(rate: int, begin: int, end: int) -> None:
    whole, part = io.BytesIO(), io.BytesIO()
    mp3.encode([np.concatenate([sine(1.0, rate, hertz=300), sine(1.0, rate, hertz=900)])], 2, rate, whole)
    made = mp3.cut(whole, begin, end, part)
    heard = decoded(part)
    expected = decoded(whole)[round(begin * rate / 1000) : round(end * rate / 1000)]
    assert abs(len(heard) - len(expected)) <= rate // 500
    assert told_length(part) == pytest.approx(len(heard) / rate, abs=0.001)
    assert abs(made.samples - len(heard)) <= 1
    assert min(difference(heard, expected, shift) for shift in (0, 1)) < 40


def difference(heard: Samples, expected: Samples, shift: int) -> float:
    """How far apart two sounds are; the decoder rounds where it begins by up to a sample."""
    count = min(len(heard), len(expected)) - 1
    apart = heard[shift : shift + count].astype(int) - expected[:count]
    return min(
        float(np.abs(apart).mean()),
        float(np.abs(heard[:count].astype(int) - expected[shift : shift + count]).mean()),
    )


def test_a_cut_of_a_cut_is_exact_too() -> None:
    whole, part, again = io.BytesIO(), io.BytesIO(), io.BytesIO()
    mp3.encode([np.concatenate([sine(1.0, hertz=300), sine(1.0, hertz=900)])], 2, RATE, whole)
    mp3.cut(whole, 500, 1900, part)
    assert mp3.cut(part, 250, 750, again).samples == RATE // 2
    left = decoded(again)[:, 0].astype(int)
    crossings = np.flatnonzero(np.diff(np.signbit(left)))
    assert np.sum(crossings < RATE // 4) == pytest.approx(150, abs=8)
    assert np.sum(crossings >= RATE // 4) == pytest.approx(450, abs=12)


@pytest.mark.parametrize("content", [b"", b"\xff" * 500, b"ID3\3\0\0\x7f\x7f\x7f\x7f", bytes(5000)])
def test_what_has_no_frame_cannot_be_cut(content: bytes) -> None:
    with pytest.raises(NotAudio):
        mp3.cut(io.BytesIO(content), 0, 1000, io.BytesIO())


def test_nothing_cannot_be_encoded() -> None:
    with pytest.raises(NotAudio):
        mp3.encode([], 2, RATE, io.BytesIO())


def test_rubbish_between_frames_is_passed_over() -> None:
    whole = io.BytesIO()
    mp3.encode([sine(1.0)], 2, RATE, whole)
    count = sum(1 for _ in mp3.frames_of(whole))
    body = whole.getvalue()
    mixed = io.BytesIO(body[: 288 * 4] + b"\xff\x00rubbish\xff" + body[288 * 4 :] + body[:100])
    assert sum(1 for _ in mp3.frames_of(mixed)) == count


def test_encoding_an_hour_takes_little_memory() -> None:
    block = sine(8.0)

    def hour() -> Iterator[Samples]:
        for _ in range(150):
            yield block

    class Nowhere(io.BytesIO):
        def write(self, data: object) -> int:
            return 0

    tracemalloc.start()
    try:
        with pytest.raises(NotAudio):
            mp3.encode(hour(), 2, RATE, Nowhere())
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("begin", "end", "frames"), [(0, 1000, 8000), (250, 750, 4000), (900, 5000, 800)])
def test_wav_frames_are_copied_as_they_are(begin: int, end: int, frames: int) -> None:
    samples = sine(1.0)
    source = io.BytesIO(wav.wav_header(wav.pcm_format(2, RATE), samples.nbytes) + samples.tobytes())
    target = io.BytesIO()
    assert wav.cut(source, read_wav(source), begin, end, target) == frames
    assert read_wav(target).finished
    assert target.getvalue()[44:] == samples[begin * 8 : end * 8].tobytes()


def test_nothing_of_a_wav_cannot_be_cut() -> None:
    samples = sine(1.0)
    source = io.BytesIO(wav.wav_header(wav.pcm_format(2, RATE), samples.nbytes) + samples.tobytes())
    with pytest.raises(NotAudio):
        wav.cut(source, read_wav(source), 2000, 3000, io.BytesIO())


def levels_of(left: list[tuple[float, bool]], right: list[tuple[float, bool]]) -> Levels:
    sides = [
        np.concatenate([(sine if loud else silence)(seconds, channels=1) for seconds, loud in side])
        for side in (left, right)
    ]
    return measure(RATE, np.array_split(np.concatenate(sides, axis=1), 7))


def test_talk_silence_and_overtalk_are_told_apart() -> None:
    levels = levels_of(
        [(2.0, True), (5.0, False), (3.0, True)],
        [(1.0, False), (3.0, True), (6.0, False)],
    )
    speech = speech_of(levels)
    assert [channel["talk_ms"] for channel in speech["channels"]] == [5000, 3000]
    assert [channel["silence_ms"] for channel in speech["channels"]] == [5000, 7000]
    assert (speech["overtalk_ms"], speech["silence_ms"]) == (1000, 3000)
    assert silences_of(levels) == [(4000, 7000)]


def test_a_pause_in_a_sentence_is_talk_and_a_click_is_not() -> None:
    levels = levels_of(
        [(1.0, True), (0.2, False), (1.0, True), (2.8, False)],
        [(2.0, False), (0.04, True), (2.96, False)],
    )
    assert [channel["talk_ms"] for channel in speech_of(levels)["channels"]] == [2200, 0]
    assert silences_of(levels) == [(2200, 5000)]


def test_levels_of_nothing_are_nothing() -> None:
    levels = measure(RATE, [])
    assert speech_of(levels)["silence_ms"] == 0
    assert silences_of(levels) == []


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("stopped", "length_ms", "begin", "end", "span"),
    [
        (10.0, 10_000, 2.0, 8.0, (2000, 8000)),
        (10.0, 9_760, 2.0, 8.0, (2000, 8000)),
        (10.0, 6_000, 5.0, 8.0, (1000, 4000)),
        (10.0, 10_600, 2.0, 10.0, (2000, 10_000)),
        (10.0, 10_000, -5.0, 20.0, (0, 10_000)),
        (10.0, 10_000, 3.0, None, (3000, 10_000)),
        (10.0, 10_000, 12.0, 15.0, None),
        (10.0, 10_000, -3.0, -1.0, None),
        (None, 10_000, 2.0, 8.0, (2000, 8000)),
    ],
)
def test_where_in_the_file_a_moment_is(
    stopped: float | None, length_ms: int, begin: float, end: float | None, span: tuple[int, int] | None
) -> None:
    placed = Placed(BEGAN, at(stopped) if stopped else None, length_ms)
    assert placed.span(at(begin), at(end) if end is not None else None) == span
