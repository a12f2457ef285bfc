"""WAV files as switches write them: RIFF and RF64, PCM, float, A-law and mu-law, finished or not.

Layout: Multimedia Programming Interface and Data Specifications 1.0; RF64: EBU Tech 3306.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordings.processing.companding import ALAW, MULAW

PCM, FLOAT, ALAW_CODEC, MULAW_CODEC, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
DEPTHS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW_CODEC: (8,), MULAW_CODEC: (8,)}
UNKNOWN_SIZE = 0xFFFFFFFF
MAX_CHUNKS = 64
MAX_CHANNELS = 16
MAX_RATE = 384_000
HEADER_BYTES = 44
COPY_BYTES = 1 << 20
FRAMES_AT_ONCE = 1 << 16

Samples = NDArray[np.int16]


class NotAudio(Exception):
    """The bytes are not audio of a kind we can read."""


@dataclass(frozen=True)
class Wav:
    """Where the frames of a WAV file are; ``finished`` is false when its header does not say how many."""

    codec: int
    channels: int
    sample_rate: int
    bits: int
    block: int
    data_at: int
    data_size: int
    finished: bool
    format_chunk: bytes

    @property
    def frames(self) -> int:
        return self.data_size // self.block

    @property
    def milliseconds(self) -> int:
        return round(self.frames * 1000 / self.sample_rate)


def read_wav(file: BinaryIO) -> Wav:
    """Read the header; raise NotAudio for what is no WAV file or one of an unknown codec."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if len(start) < 12 or start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
        raise NotAudio("not a WAV file")
    form, large_size, at = b"", 0, 12
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return wav_of(form, *extent(file, at + 8, large_size or size, end))
        if name == b"fmt ":
            form = file.read(min(size, 64))
        elif name == b"ds64" and start[:4] == b"RF64":
            large_size = int.from_bytes(file.read(16)[8:16], "little")
        at += 8 + size + (size & 1)
    raise NotAudio("a WAV file without audio")


def extent(file: BinaryIO, data_at: int, declared: int, end: int) -> tuple[int, int, bool]:
    """Where the audio is, how long it really is, and whether the header knew."""
    available = end - data_at
    if declared in (0, UNKNOWN_SIZE) and available:
        return data_at, available, False
    if declared > available:
        return data_at, available, False
    if chunk_follows(file, data_at + declared + (declared & 1), end):
        return data_at, declared, True
    return data_at, available, False


def chunk_follows(file: BinaryIO, at: int, end: int) -> bool:
    """Whether a chunk, or nothing, comes after the audio; an outdated header is followed by more sound."""
    if end - at < 8:
        return True
    file.seek(at)
    name, size = struct.unpack("<4sI", file.read(8))
    return all(0x20 <= byte < 0x7F for byte in name) and at + 8 + size <= end + 1


def wav_of(form: bytes, data_at: int, available: int, finished: bool) -> Wav:
    if len(form) < 16:
        raise NotAudio("a WAV file that does not say its format")
    codec, channels, rate, _, block, bits = struct.unpack("<HHIIHH", form[:16])
    if codec == EXTENSIBLE and len(form) >= 26:
        codec = int.from_bytes(form[24:26], "little")
    if bits not in DEPTHS.get(codec, ()) or block != channels * bits // 8:
        raise NotAudio(f"a WAV file of codec {codec} with {bits} bits")
    if not (1 <= channels <= MAX_CHANNELS and 0 < rate <= MAX_RATE):
        raise NotAudio(f"a WAV file of {channels} channels at {rate} Hz")
    size = available - available % block
    return Wav(codec, channels, rate, bits, block, data_at, size, finished, form)


def wav_header(form: bytes, data_size: int) -> bytes:
    """Return the bytes before the audio of a finished file: RIFF, or RF64 where RIFF cannot say the size."""
    form_chunk = struct.pack("<4sI", b"fmt ", len(form)) + form
    riff_size = 4 + len(form_chunk) + 8 + data_size + (data_size & 1)
    if riff_size <= UNKNOWN_SIZE - 1:
        return (
            struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE")
            + form_chunk
            + struct.pack("<4sI", b"data", data_size)
        )
    large = struct.pack("<4sIQQQI", b"ds64", 28, riff_size + 36, data_size, 0, 0)
    start = struct.pack("<4sI4s", b"RF64", UNKNOWN_SIZE, b"WAVE")
    return start + large + form_chunk + struct.pack("<4sI", b"data", UNKNOWN_SIZE)


def pcm_format(channels: int, sample_rate: int) -> bytes:
    """Return the format chunk of 16-bit PCM."""
    return struct.pack("<HHIIHH", PCM, channels, sample_rate, sample_rate * channels * 2, channels * 2, 16)


def repair(source: BinaryIO, wav: Wav, target: BinaryIO) -> None:
    """Write a finished copy of a file whose header was never completed."""
    target.write(wav_header(wav.format_chunk, wav.data_size))
    source.seek(wav.data_at)
    left = wav.data_size
    while left and (part := source.read(min(COPY_BYTES, left))):
        target.write(part)
        left -= len(part)
    if wav.data_size & 1:
        target.write(b"\0")


def samples_of(file: BinaryIO, wav: Wav) -> Iterator[Samples]:
    """Yield the audio in order, as arrays of frames by channels, at most 65,536 frames each."""
    file.seek(wav.data_at)
    left = wav.frames
    while left:
        part = file.read(min(left, FRAMES_AT_ONCE) * wav.block)
        count = len(part) // wav.block
        if not count:
            return
        left -= count
        yield to_int16(part[: count * wav.block], wav).reshape(count, wav.channels)


def to_int16(part: bytes, wav: Wav) -> Samples:
    match wav.codec, wav.bits:
        case (1, 16):
            return np.frombuffer(part, "<i2")
        case (1, 8):
            return (np.frombuffer(part, np.uint8).astype(np.int16) - 128) << 8
        case (1, 24):
            octets = np.frombuffer(part, np.uint8).reshape(-1, 3)
            return np.ascontiguousarray(octets[:, 1:]).view("<i2").reshape(-1)
        case (1, 32):
            return (np.frombuffer(part, "<i4") >> 16).astype(np.int16)
        case (6, 8):
            return ALAW[np.frombuffer(part, np.uint8)]
        case (7, 8):
            return MULAW[np.frombuffer(part, np.uint8)]
    values = np.nan_to_num(np.frombuffer(part, f"<f{wav.bits // 8}").astype(np.float64))
    return (np.clip(values, -1.0, 1.0) * 32767).astype(np.int16)


def cut(source: BinaryIO, wav: Wav, begin_ms: int, end_ms: int, target: BinaryIO) -> int:
    """Write the frames of a span as a finished file; return how many there are, raise NotAudio for none."""
    first = min(wav.frames, round(begin_ms * wav.sample_rate / 1000))
    last = min(wav.frames, round(end_ms * wav.sample_rate / 1000))
    if last <= first:
        raise NotAudio("without sound in that span")
    size = (last - first) * wav.block
    part = replace(wav, data_at=wav.data_at + first * wav.block, data_size=size)
    repair(source, part, target)
    return last - first
