"""The recorded files of calls that are told again."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from switch.esl.rejuvenate import Audio

SWITCH_FOLDER = PurePosixPath("/var/lib/freeswitch/recordings")
REPEATED_SECONDS = 1


@dataclass(frozen=True, slots=True)
class AudioShelf:
    """Captured files, and the folder that stands for the switch's recordings folder."""

    captured: Path
    recordings: Path
    switch_folder: PurePosixPath = SWITCH_FOLDER

    def deliver(self, audio: Audio) -> Path | None:
        """Write a call's file where the switch would; None when none was captured."""
        source = self.find(audio.captured_path)
        if source is None:
            return None
        place = self.place(audio.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if audio.stretches and source.suffix == ".wav":
            stretch_wav(source, place, audio.stretches)
        else:
            shutil.copyfile(source, place)
        return place

    def find(self, captured_path: str) -> Path | None:
        """Return the captured file of a path; a script may have put the agent behind its name."""
        name = PurePosixPath(captured_path.rpartition("}")[2]).name
        exact = self.captured / name
        if exact.is_file():
            return exact
        stem, dot, suffix = name.rpartition(".")
        return next(iter(sorted(self.captured.glob(f"{stem}_*{dot}{suffix}"))), None) if stem else None

    def place(self, path: str) -> Path:
        """Return where a path of the switch lies among our recordings, never outside of them."""
        pure = PurePosixPath(path.rpartition("}")[2])
        inside = (
            pure.relative_to(self.switch_folder) if pure.is_relative_to(self.switch_folder) else pure.name
        )
        parts = [part for part in PurePosixPath(inside).parts if part not in ("/", "..")]
        return self.recordings.joinpath(*parts)


def stretch_wav(source: Path, place: Path, stretches: Sequence[tuple[int, int]]) -> None:
    """Copy a wav; at each place (milliseconds) the second that follows is repeated for some seconds more."""
    with wave.open(str(source), "rb") as captured, wave.open(str(place), "wb") as longer:
        longer.setparams(captured.getparams())
        rate, width = captured.getframerate(), captured.getnchannels() * captured.getsampwidth()
        sound = captured.readframes(captured.getnframes())
        done = 0
        for milliseconds, seconds in stretches:
            cut = min(milliseconds * rate // 1000 * width, len(sound))
            longer.writeframesraw(sound[done:cut])
            repeated = sound[cut : cut + REPEATED_SECONDS * rate * width]
            longer.writeframesraw(_fill(repeated, seconds * rate * width))
            done = cut
        longer.writeframes(sound[done:])


def _fill(sound: bytes, length: int) -> bytes:
    if not sound:
        return bytes(length)
    return (sound * (length // len(sound) + 1))[:length]
