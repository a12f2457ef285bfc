"""What is said of a take's file: that is there and how it is, or that it cannot be had."""

from __future__ import annotations

import time

from accounts.models import SwitchKind
from cdr.assembly.asterisk import TWO_WRITERS
from cdr.models import Outcome
from recordings.models import Finding, Recording, State
from recordings.processing.probe import Probe
from recordings.processing.wav import NotAudio
from recordings.sources import SourceError
from recordings.storage import StorageDamaged

LENGTH_TOLERANCE_MS = 1000
CLOSED_AFTER_SECONDS = 60
NOBODY_ANSWERED = (
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.CANCELLED,
    Outcome.CONGESTION,
    Outcome.UNAVAILABLE,
    Outcome.FAILED,
)


def wait_until_closed(recording: Recording, written_at: float) -> None:
    """Asterisk tells no size: a file whose header has no lengths is open until nothing more comes."""
    if recording.switch.kind == SwitchKind.ASTERISK and time.time() - written_at < CLOSED_AFTER_SECONDS:
        raise SourceError(Finding.UNFINISHED, "The file is still being written.")


def judge(recording: Recording, audio: Probe) -> tuple[str, str]:
    """What is worth saying of audio that is there."""
    if recording.completion_cause == TWO_WRITERS:
        return Finding.MIXED, "Two recordings of the call were written into this file at once."
    if not audio.finished:
        return Finding.UNFINISHED, "The switch never closed the file; its header was completed."
    told = recording.switch_ms
    if told is not None and abs(told - audio.milliseconds) > LENGTH_TOLERANCE_MS:
        return Finding.LENGTH, f"The switch said {told} ms, the file has {audio.milliseconds} ms."
    return "", ""


def verdict_on(recording: Recording, finding: Finding) -> State:
    """What a take is whose file cannot be had; of a call that nobody answered there was nothing to record."""
    if finding == Finding.UNREADABLE:
        return State.FAILED
    if finding == Finding.EMPTY and recording.call and recording.call.outcome in NOBODY_ANSWERED:
        return State.DISCARDED
    return State.MISSING


def told(error: Exception) -> str:
    """An error in words that anyone may read: no paths, no queries."""
    if isinstance(error, NotAudio):
        return f"The file is {error}."
    if isinstance(error, StorageDamaged):
        return "The stored file is not what was stored."
    reason = error.strerror if isinstance(error, OSError) else ""
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__
