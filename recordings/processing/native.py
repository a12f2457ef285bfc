"""FreeSWITCH's recording without a file format: one headerless G.711 file for each direction of the leg."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from recordings.processing.companding import ALAW, MULAW
from recordings.processing.wav import FRAMES_AT_ONCE, Samples, pcm_format, wav_header

SAMPLE_RATE = 8000
TABLES = {"PCMU": MULAW, "PCMA": ALAW}


def combine(incoming: BinaryIO, outgoing: BinaryIO, codec: str, target: BinaryIO) -> None:
    """Write both directions as 16-bit stereo WAV: what the leg said left, what it heard right.

    The shorter one ends in silence. Nothing is lost: every G.711 value has a 16-bit one of its own.
    """
    frames = max(incoming.seek(0, 2), outgoing.seek(0, 2))
    incoming.seek(0)
    outgoing.seek(0)
    target.write(wav_header(pcm_format(2, SAMPLE_RATE), frames * 4))
    while frames > 0:
        count = min(frames, FRAMES_AT_ONCE)
        sides = [decode(file.read(count), codec, count) for file in (incoming, outgoing)]
        target.write(np.stack(sides, axis=1).astype("<i2").tobytes())
        frames -= count


def decode(part: bytes, codec: str, count: int) -> Samples:
    samples = np.zeros(count, np.int16)
    samples[: len(part)] = TABLES[codec][np.frombuffer(part, np.uint8)]
    return samples
