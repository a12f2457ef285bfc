"""MP3 by the frame: encoding, cutting without encoding again, and the header that makes both exact.

A frame cannot begin between two others, and an encoder begins late: how many samples at both ends are to be
left out stands in the LAME tag of a first, silent "Info" frame, which players and ``mutagen`` heed.
Layout: ISO/IEC 11172-3 and 13818-3; LAME's "Mp3 Info Tag revision 1".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import BinaryIO

import lameenc
import numpy as np

from recordings.processing.wav import NotAudio, Samples

MPEG_1, MPEG_2, MPEG_2_5 = 3, 2, 0
RATES = {
    MPEG_1: (44_100, 48_000, 32_000),
    MPEG_2: (22_050, 24_000, 16_000),
    MPEG_2_5: (11_025, 12_000, 8_000),
}
KBPS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KBPS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MONO = 3
QUALITY = 7
ENCODER_DELAY = 576
DECODER_DELAY = 529
MOST_SKIPPED = 4095
RESERVOIR_BYTES = 511
MOST_RUN_UP = 3
READ_BYTES = 1 << 18
FRAMES_TO_BE_SURE = 4
FRAMES_AT_ONCE = 4096
INFO_BYTES = 120
LAME_BYTES = 36


@dataclass(frozen=True, slots=True)
class Head:
    """What the four bytes before a frame say; ``size`` in bytes, ``samples`` a channel."""

    version: int
    sample_rate: int
    channels: int
    size: int
    samples: int
    tag_at: int


@dataclass(frozen=True, slots=True)
class Mp3:
    """What was written: samples a channel that are heard, and their rate."""

    samples: int
    sample_rate: int
    channels: int

    @property
    def milliseconds(self) -> int:
        return round(self.samples * 1000 / self.sample_rate)


@lru_cache(maxsize=256)
def head_of(four: bytes) -> Head | None:
    """Read a frame's head; None when it is none of layer III."""
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0xE6 != 0xE2:
        return None
    version, rate_at, rate_of = (four[1] >> 3) & 3, (four[2] >> 2) & 3, four[2] >> 4
    if version not in RATES or rate_at == 3 or not 0 < rate_of < 15:
        return None
    rate = RATES[version][rate_at]
    kbps = (KBPS_1 if version == MPEG_1 else KBPS_2)[rate_of - 1]
    samples = 1152 if version == MPEG_1 else 576
    mono = four[3] >> 6 == MONO
    side = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}[
        version == MPEG_1, mono
    ]
    size = samples // 8 * kbps * 1000 // rate + ((four[2] >> 1) & 1)
    checked = 0 if four[1] & 1 else 2
    return Head(version, rate, 1 if mono else 2, size, samples, 4 + checked + side)


def frames_of(file: BinaryIO) -> Iterator[tuple[bytes, Head]]:
    """Yield every whole frame with its head; what lies between frames is passed over."""
    file.seek(begins_at(file) or after_id3(file))
    buffer, at, first = file.read(READ_BYTES), 0, None
    while True:
        if len(buffer) - at < READ_BYTES // 2 and (more := file.read(READ_BYTES)):
            buffer, at = buffer[at:] + more, 0
        head = head_of(buffer[at : at + 4])
        if head is None or (first and (head.version, head.sample_rate) != first):
            at = buffer.find(b"\xff", at + 1)
            if at < 0:
                return
            continue
        if at + head.size > len(buffer):
            return
        first = first or (head.version, head.sample_rate)
        yield buffer[at : at + head.size], head
        at += head.size


def begins_at(file: BinaryIO) -> int | None:
    """Where frames follow one another, behind tags and whatever lies in front; None when they never do."""
    start = after_id3(file)
    file.seek(start)
    buffer = file.read(READ_BYTES)
    at = buffer.find(b"\xff")
    while at >= 0:
        if frames_follow(buffer, at):
            return start + at
        at = buffer.find(b"\xff", at + 1)
    return None


def frames_follow(buffer: bytes, at: int) -> bool:
    """Whether several frames of one kind stand one behind another: noise has no such thing."""
    first = None
    for _ in range(FRAMES_TO_BE_SURE):
        head = head_of(buffer[at : at + 4])
        if head is None or (first and (head.version, head.sample_rate) != first):
            return False
        first = head.version, head.sample_rate
        at += head.size
    return True


def after_id3(file: BinaryIO) -> int:
    file.seek(0)
    start = file.read(10)
    if start[:3] != b"ID3" or len(start) < 10:
        return 0
    size = 0
    for octet in start[6:]:
        size = size << 7 | octet & 0x7F
    return 10 + size


def left_out(frame: bytes, head: Head) -> tuple[int, int] | None:
    """Samples that an Info frame says to leave out at start and end; None for any other frame.

    What the decoder adds by itself is counted at the start.
    """
    if frame[head.tag_at : head.tag_at + 4] not in (b"Info", b"Xing"):
        return None
    flags = frame[head.tag_at + 7]
    lame = head.tag_at + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
    if frame[lame : lame + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return 0, 0
    both = int.from_bytes(frame[lame + 21 : lame + 24], "big")
    return (both >> 12) + DECODER_DELAY, max(0, (both & MOST_SKIPPED) - DECODER_DELAY)


def rate_for(sample_rate: int) -> int:
    """The highest rate an MP3 can have that is not above this one; 8 kHz at least."""
    return max([rate for rates in RATES.values() for rate in rates if rate <= sample_rate], default=8_000)


def kbps_for(channels: int, rate: int) -> int:
    """Enough for speech; above 24 kHz enough, too, for three frames to hold all that a fourth needs."""
    if rate > 24_000:
        return 64 if rate == 32_000 else 96
    return channels * (16 if rate <= 12_000 else 24)


def encode(parts: Iterable[Samples], channels: int, sample_rate: int, target: BinaryIO) -> Mp3:
    """Encode blocks of frames by channels; more than two channels are mixed to one. Memory stays flat."""
    rate, heard = rate_for(sample_rate), min(channels, 2) if channels < 3 else 1
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(heard)
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_bit_rate(kbps_for(heard, rate))
    encoder.set_quality(QUALITY)
    began, frames = target.tell(), 0
    target.write(bytes(len(info_frame(rate, heard, 0, 0, 0, 0))))
    for part in parts:
        frames += len(part)
        mixed = part if channels < 3 else part.mean(axis=1).astype(np.int16)
        target.write(encoder.encode(np.ascontiguousarray(mixed, "<i2").tobytes()))
    if not frames:
        raise NotAudio("without a sample")
    target.write(encoder.flush())
    samples = frames * rate // sample_rate
    finish(target, began, rate, heard, ENCODER_DELAY, samples)
    return Mp3(samples, rate, heard)


def finish(target: BinaryIO, began: int, rate: int, channels: int, delay: int, samples: int) -> None:
    """Fill in the Info frame of what was written since ``began``."""
    target.flush()
    size = target.seek(0, 2) - began
    blank = len(info_frame(rate, channels, 0, 0, 0, 0))
    target.seek(began + blank)
    count, first = count_frames(target, began + blank)
    padding = min(MOST_SKIPPED, max(0, count * first.samples - delay - samples))
    target.seek(began)
    target.write(info_frame(rate, channels, count, size, delay, padding))
    target.seek(0, 2)


def count_frames(file: BinaryIO, at: int) -> tuple[int, Head]:
    """How many frames stand behind a place, and the head of the first; frames all alike count fast."""
    alike = frames_alike(file, at)
    if alike:
        return alike
    count, first = 0, None
    for _, head in frames_behind(file, at):
        count, first = count + 1, first or head
    if first is None:
        raise NotAudio("an MP3 without a frame")
    return count, first


def frames_alike(file: BinaryIO, at: int) -> tuple[int, Head] | None:
    """The same where every frame has the first one's size; None where one has not."""
    file.seek(at)
    head = head_of(start := file.read(4))
    if head is None:
        return None
    count, wanted = 0, np.frombuffer(start[:3], np.uint8)
    file.seek(at)
    while part := file.read(head.size * FRAMES_AT_ONCE):
        if len(part) % head.size:
            return None
        heads = np.frombuffer(part, np.uint8).reshape(-1, head.size)[:, :3]
        if not (heads == wanted).all():
            return None
        count += len(heads)
    return count, head


def frames_behind(file: BinaryIO, at: int) -> Iterator[tuple[bytes, Head]]:
    return frames_of(Behind(file, at))  # type: ignore[arg-type]


class Behind:
    """A file as it looks from a later beginning."""

    def __init__(self, file: BinaryIO, at: int) -> None:
        self.file, self.at = file, at

    def seek(self, place: int) -> int:
        return self.file.seek(self.at + place)

    def read(self, size: int) -> bytes:
        return self.file.read(size)


def info_frame(rate: int, channels: int, frames: int, size: int, delay: int, padding: int) -> bytes:
    """A silent frame with the counts that make length, seeking and both ends exact."""
    head = info_head(rate, channels)
    read = head_of(head)
    if read is None:
        raise NotAudio(f"not to be had as MP3 at {rate} Hz")
    toc = bytes(place * 255 // 99 for place in range(100))
    info = struct.pack(">4sIII100sI", b"Info", 15, frames, size, toc, 50)
    lame = struct.pack(">9sBB8sBB3sBBHIH", b"LAME3.100", 1, 0, bytes(8), 0, 0,
                       (delay << 12 | padding).to_bytes(3, "big"), 0, 0, 0, size, 0)  # fmt: skip
    body = head + bytes(read.tag_at - 4) + info + lame
    return (body + crc16(body).to_bytes(2, "big")).ljust(read.size, b"\0")


def info_head(rate: int, channels: int) -> bytes:
    """The head of the smallest frame an Info tag goes into."""
    version, at = next((version, rates.index(rate)) for version, rates in RATES.items() if rate in rates)
    mode = 0x40 if channels > 1 else 0xC0
    for index in range(1, 15):
        head = bytes([0xFF, 0xE3 | version << 3, index << 4 | at << 2, mode])
        read = head_of(head)
        if read and read.size >= read.tag_at + INFO_BYTES + LAME_BYTES:
            return head
    raise NotAudio(f"not to be had as MP3 at {rate} Hz")


def crc16(body: bytes) -> int:
    crc = 0
    for octet in body:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def cut(source: BinaryIO, begin_ms: int, end_ms: int, target: BinaryIO) -> Mp3:
    """Copy the frames of a span, exact to the sample by the Info frame; raise NotAudio when there are none.

    Some frames before the span come along and are left out when played: a frame needs what earlier ones hold.
    """
    walk, began = frames_of(source), target.tell()
    first = next(walk, None)
    if first is None:
        raise NotAudio("an MP3 without a frame")
    told, head = left_out(*first), first[1]
    skip, over = told or (0, 0)
    begin, end = (skip + round(at * head.sample_rate / 1000) for at in (begin_ms, end_ms))
    run_up = min(MOST_RUN_UP, 1 + -(-RESERVOIR_BYTES // head.size))
    from_frame = max(0, begin // head.samples - run_up)
    target.write(bytes(len(info_frame(head.sample_rate, head.channels, 0, 0, 0, 0))))
    frames = (frame for frame, _ in (walk if told else chain([first], walk)))
    copied = 0
    for frame in islice(frames, from_frame, -(-end // head.samples) + 1):
        target.write(frame)
        copied += 1
    is_whole = next(frames, None) is None
    lead = begin - from_frame * head.samples
    samples = min(end - begin, copied * head.samples - lead - (over if is_whole else 0))
    if samples <= 0:
        raise NotAudio("without sound in that span")
    finish(target, began, head.sample_rate, head.channels, max(0, lead - DECODER_DELAY), samples)
    return Mp3(samples, head.sample_rate, head.channels)
