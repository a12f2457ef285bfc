"""What a file is: its format, length, channels and rate, from its content and not from its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import mutagen
from mutagen.mp3 import MP3

from recordings.processing.mp3 import begins_at
from recordings.processing.wav import HEADER_BYTES, NotAudio, Wav, read_wav

MP3_ENDS_MS = 600


class EmptyAudio(Exception):
    """A file with a header, or less, and no sound."""


@dataclass(frozen=True)
class Probe:
    """``wav`` is set for a WAV file; ``finished`` is false when the switch never closed the file."""

    format: str
    milliseconds: int
    channels: int
    sample_rate: int
    finished: bool = True
    wav: Wav | None = None


def probe(file: BinaryIO) -> Probe:
    """Probe a file that can seek; raise EmptyAudio for one without sound, NotAudio for anything else."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] in (b"RIFF", b"RF64") or size <= HEADER_BYTES:
        return probe_wav(file, size)
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0):
        return probe_mp3(file)
    if begins_at(file) is not None:
        return probe_mp3(file)
    raise NotAudio("neither WAV nor MP3")


def probe_wav(file: BinaryIO, size: int) -> Probe:
    if size <= HEADER_BYTES:
        raise EmptyAudio
    wav = read_wav(file)
    if not wav.frames:
        raise EmptyAudio
    return Probe("wav", wav.milliseconds, wav.channels, wav.sample_rate, wav.finished, wav)


def probe_mp3(file: BinaryIO) -> Probe:
    """Probe an MP3; its own header is believed as far as the frames that are there agree."""
    demuxed_ms, channels, rate = mp3_frames(file)
    if not demuxed_ms:
        raise EmptyAudio
    told_ms = mp3_told(file)
    agrees = told_ms and abs(told_ms - demuxed_ms) <= max(MP3_ENDS_MS, demuxed_ms // 1000)
    return Probe("mp3", told_ms if agrees else demuxed_ms, channels, rate)


def mp3_frames(file: BinaryIO) -> tuple[int, int, int]:
    """Milliseconds, channels and rate by walking every frame, without decoding one."""
    file.seek(0)
    try:
        with av.open(file, "r", format="mp3") as container:
            stream = container.streams.audio[0]
            length = sum([int(packet.duration or 0) for packet in container.demux(stream) if packet.size])
            return round(length * 1000 * (stream.time_base or 0)), stream.channels, stream.rate
    except (av.FFmpegError, IndexError) as error:
        raise NotAudio("not an MP3 file") from error


def mp3_told(file: BinaryIO) -> int:
    file.seek(0)
    try:
        info: Any = MP3(fileobj=file).info
        return round(float(info.length) * 1000)
    except mutagen.MutagenError:
        return 0
