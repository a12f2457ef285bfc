"""Reading audio: headers, codecs, lengths and peaks."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any, BinaryIO

import lameenc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.peaks import compute_peaks
from recordings.processing import wav as wav_module
from recordings.processing.companding import ALAW, MULAW
from recordings.processing.native import combine
from recordings.processing.probe import EmptyAudio, probe
from recordings.processing.wav import NotAudio, pcm_format, read_wav, repair, samples_of, wav_header
from tests.captures import AUDIO
from tests.factories import tone


def make_wav(form: bytes, data: bytes, before: bytes = b"", after: bytes = b"") -> io.BytesIO:
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + before
    body = chunks + b"data" + struct.pack("<I", len(data)) + data + after
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)


def form_of(codec: int, bits: int, channels: int = 1, rate: int = 8000) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", codec, channels, rate, rate * block, block, bits)


HALF = 16384
ENCODED: list[tuple[int, int, bytes]] = [
    (1, 8, bytes([128 + 64])),
    (1, 16, struct.pack("<h", HALF)),
    (1, 24, struct.pack("<i", HALF << 8)[:3]),
    (1, 32, struct.pack("<i", HALF << 16)),
    (3, 32, struct.pack("<f", 0.5)),
    (3, 64, struct.pack("<d", 0.5)),
    (6, 8, bytes([int(np.abs(ALAW - HALF).argmin())])),
    (7, 8, bytes([int(np.abs(MULAW - HALF).argmin())])),
]


@pytest.mark.parametrize(("codec", "bits", "sample"), ENCODED)
def test_every_codec_is_read(codec: int, bits: int, sample: bytes) -> None:
    file = make_wav(form_of(codec, bits), sample * 100)
    wav = read_wav(file)
    samples = np.concatenate(list(samples_of(file, wav)))
    assert (wav.frames, wav.finished, samples.shape) == (100, True, (100, 1))
    assert abs(int(samples[0, 0]) - HALF) < 700


def test_companding_is_g711() -> None:
    assert (MULAW[0xFF], MULAW[0x7F], MULAW[0x80], MULAW[0x00]) == (0, 0, 32124, -32124)
    assert (ALAW[0xD5], ALAW[0x55], ALAW[0xAA], ALAW[0x2A]) == (8, -8, 32256, -32256)


def test_chunks_around_the_audio_are_no_audio() -> None:
    extra = b"LIST" + struct.pack("<I", 5) + b"abcde\0"
    wav = read_wav(make_wav(form_of(1, 16), b"\1\0" * 50, extra, extra))
    assert (wav.frames, wav.finished) == (50, True)


def test_extensible_and_rf64_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    form = form_of(0xFFFE, 16) + struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + b"\0" * 14
    assert read_wav(make_wav(form, b"\0\0" * 9)).frames == 9
    monkeypatch.setattr(wav_module, "UNKNOWN_SIZE", 100)
    header = wav_header(pcm_format(1, 8000), 200)
    monkeypatch.undo()
    header = header.replace(struct.pack("<I", 100), b"\xff\xff\xff\xff")
    wav = read_wav(io.BytesIO(header + b"\1\0" * 100))
    assert (header[:4], wav.frames, wav.finished) == (b"RF64", 100, True)


def test_a_four_gigabyte_header_on_a_small_file_is_unfinished() -> None:
    audio = bytearray(tone(1.0))
    audio[40:44] = struct.pack("<I", 0xFFFFFFF0)
    found = probe(io.BytesIO(bytes(audio)))
    assert (found.milliseconds, found.finished) == (1000, False)


def test_a_repaired_file_is_finished_also_with_an_odd_length() -> None:
    source = io.BytesIO(make_wav(form_of(7, 8), b"x" * 101).getvalue()[:-1])
    target = io.BytesIO()
    repair(source, read_wav(source), target)
    found = read_wav(target)
    assert (found.finished, found.frames) == (True, 100)


def test_an_mp3_is_as_long_as_it_plays() -> None:
    encoder = lameenc.Encoder()
    encoder.set_channels(2)
    encoder.set_in_sample_rate(8000)
    encoder.set_bit_rate(32)
    encoder.silence()
    audio = bytes(encoder.encode(tone(5.0)[44:]) + encoder.flush())
    found = probe(io.BytesIO(audio))
    assert (found.format, found.channels, found.sample_rate) == ("mp3", 2, 8000)
    assert abs(found.milliseconds - 5000) < 300
    assert abs(probe(io.BytesIO(audio[: len(audio) // 2])).milliseconds - 2500) < 300


@pytest.mark.parametrize("size", [0, 1, 12, 43, 44])
def test_nothing_but_a_header_is_empty(size: int) -> None:
    with pytest.raises(EmptyAudio):
        probe(io.BytesIO(tone(1.0)[:size]))


@given(
    junk=st.binary(max_size=300),
    start=st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"ID3", b"\xff\xfb", b"RF64"]),
)
def test_random_bytes_are_audio_empty_or_neither(junk: bytes, start: bytes) -> None:
    try:
        found = probe(io.BytesIO(start + junk))
    except (EmptyAudio, NotAudio):
        return
    assert found.channels > 0


@given(seed=st.integers(0, 10_000))
def test_damaged_headers_never_read_beyond_the_file(seed: int) -> None:
    chance = random.Random(seed)
    audio = bytearray(tone(0.05))
    for _ in range(chance.randrange(1, 6)):
        audio[chance.randrange(44)] = chance.randrange(256)
    file = io.BytesIO(bytes(audio))
    try:
        wav = read_wav(file)
    except NotAudio:
        return
    assert wav.data_at + wav.data_size <= len(audio)
    assert sum(len(part) for part in samples_of(file, wav)) == wav.frames


def test_both_directions_of_a_native_recording_keep_their_side() -> None:
    target = io.BytesIO()
    with (AUDIO / "sp-in.PCMU").open("rb") as incoming, (AUDIO / "sp-out.PCMU").open("rb") as outgoing:
        combine(incoming, outgoing, "PCMU", target)
        wav = read_wav(target)
        samples = np.concatenate(list(samples_of(target, wav)))
        incoming.seek(0)
        assert samples[:, 0].tolist() == MULAW[np.frombuffer(incoming.read(), np.uint8)].tolist()
    assert samples[12160:, 1].tolist() == [0] * 160


def loud_then_silent(seconds: float) -> BinaryIO:
    frames = int(seconds * 8000)
    samples = np.zeros((frames, 2), "<i2")
    samples[: frames // 2, 0] = 32767
    samples[frames // 2 :, 1] = -32768
    return io.BytesIO(wav_header(pcm_format(2, 8000), frames * 4) + samples.tobytes())


@pytest.mark.parametrize("seconds", [0.01, 1.0, 60.0, 700.3])
def test_peaks_are_where_the_sound_is(seconds: float) -> None:
    peaks = compute_peaks(loud_then_silent(seconds), "wav")
    left, right = peaks["channels"]
    middle = len(left) // 2
    assert peaks["duration_ms"] == round(seconds * 1000)
    assert len(left) == len(right) <= 1200
    assert set(left[: middle - 1]) <= {254, 255}
    assert set(left[middle + 1 :]) <= {0}
    assert set(right[: middle - 1]) <= {0}
    assert set(right[middle + 1 :]) <= {255}


def test_peaks_of_an_mp3() -> None:
    with (AUDIO / "20261120123017_01044445555_07070067775.mp3").open("rb") as file:
        peaks = compute_peaks(file, "mp3")
    assert len(peaks["channels"]) == 2
    assert max(peaks["channels"][0]) > 50
    assert 10_300 <= peaks["duration_ms"] <= 10_700


@pytest.mark.parametrize("make", [lambda: loud_then_silent(1200.0)])
def test_peaks_of_a_long_call_take_little_memory(make: Callable[[], Any]) -> None:
    file = make()
    tracemalloc.start()
    compute_peaks(file, "wav")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
