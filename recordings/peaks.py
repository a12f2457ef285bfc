"""The waveform of a stored file, small enough to draw at once: the loudest sample of each stretch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, TypedDict, cast

import av
import numpy as np
from av.container import InputContainer
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from numpy.typing import NDArray

from recordings.models import Media
from recordings.processing.levels import Levels, measure, silences_of
from recordings.processing.wav import NotAudio, Samples, read_wav, samples_of
from recordings.storage import storage_of

VERSION = 2
MOST_PEAKS = 1200
FULL_SCALE = 255


class Peaks(TypedDict):
    """``channels`` holds a list for each channel: loudness from 0 to ``maximum``, over the whole length.

    ``silences`` are spans of a second and more without sound on any channel, in milliseconds.
    """

    version: int
    duration_ms: int
    maximum: int
    channels: list[list[int]]
    silences: list[tuple[int, int]]


def peaks_of(media: Media) -> Peaks:
    """Return the stored peaks of a file, made now if there are none; raise NotAudio, FileNotFoundError."""
    storage = storage_of(media)
    try:
        with storage.open(peaks_key(media.key)) as file:
            stored: Peaks = json.load(file)
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return store_peaks(storage, media)
    return stored if stored["version"] == VERSION else store_peaks(storage, media)


def store_peaks(storage: Storage, media: Media) -> Peaks:
    with storage.open(media.key) as file:
        return save_peaks(storage, media.key, compute_peaks(file, media.format))


def save_peaks(storage: Storage, key: str, peaks: Peaks) -> Peaks:
    body = json.dumps(peaks, separators=(",", ":")).encode()
    storage.save(peaks_key(key), ContentFile(body))
    return peaks


def peaks_key(key: str) -> str:
    return f"{key}.peaks.json"


def compute_peaks(file: Any, audio_format: str) -> Peaks:
    """Compute at most 1,200 peaks a channel, in memory that does not grow with the audio itself."""
    return peaks_from(measure(*samples_from(file, audio_format)))


def peaks_from(levels: Levels) -> Peaks:
    return Peaks(
        version=VERSION,
        duration_ms=levels.milliseconds,
        maximum=FULL_SCALE,
        channels=[scaled(reduced(channel)) for channel in levels.loudest.T],
        silences=silences_of(levels),
    )


def samples_from(file: Any, audio_format: str) -> tuple[int, Iterator[Samples]]:
    """The rate of a WAV or MP3 file and its samples, block by block."""
    return mp3_samples(file) if audio_format == "mp3" else wav_samples(file)


def wav_samples(file: BinaryIO) -> tuple[int, Iterator[Samples]]:
    wav = read_wav(file)
    return wav.sample_rate, samples_of(file, wav)


def mp3_samples(file: BinaryIO) -> tuple[int, Iterator[Samples]]:
    try:
        file.seek(0)
        container = av.open(file, "r", format="mp3")
        return container.streams.audio[0].rate, decoded(container)
    except (av.FFmpegError, IndexError) as error:
        raise NotAudio("not an MP3 file") from error


def decoded(container: InputContainer) -> Iterator[Samples]:
    """Yield decoded frames; what cannot be decoded ends the audio there."""
    layout = container.streams.audio[0].layout
    resampler = av.AudioResampler(format="s16p", layout=layout)
    with container:
        try:
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    yield cast("Samples", part.to_ndarray().T)
        except av.FFmpegError:
            return


def reduced(channel: NDArray[np.uint16]) -> NDArray[np.uint16]:
    if len(channel) <= MOST_PEAKS:
        return channel
    starts = np.linspace(0, len(channel), MOST_PEAKS, endpoint=False).astype(int)
    peaks: NDArray[np.uint16] = np.maximum.reduceat(channel, starts)
    return peaks


def scaled(channel: NDArray[np.uint16]) -> list[int]:
    values: list[int] = (channel.astype(np.uint32) * FULL_SCALE // 32768).tolist()
    return [min(value, FULL_SCALE) for value in values]
