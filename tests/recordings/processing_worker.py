"""Process a recording and be killed: ``python -m tests.recordings.processing_worker STEP RECORDING``."""

from __future__ import annotations

import sys
import uuid

from tests.recordings import killed_worker

STEPS = {
    "claimed": ("recordings.process", "is_early", "before"),
    "probed": ("recordings.steps", "probe", "after"),
    "named": ("recordings.steps", "file_name", "before"),
    "measured": ("recordings.steps", "speech_of", "before"),
    "waveform kept": ("recordings.steps", "save_peaks", "after"),
    "half encoded": ("recordings.processing.mp3", "finish", "before"),
    "encoded": ("recordings.steps", "write_tags", "before"),
    "tagged": ("recordings.steps", "write_tags", "after"),
    "half stored": ("recordings.storage", "File.chunks", "within"),
    "flushed": ("recordings.storage", "Path.replace", "before"),
    "stored": ("recordings.steps", "store", "after"),
    "kept": ("recordings.steps", "keep", "after"),
    "cut": ("recordings.steps", "cut_part", "after"),
    "part kept": ("recordings.steps", "store_part", "after"),
    "verified": ("recordings.steps", "verify", "after"),
    "to be replaced": ("recordings.steps", "remove", "before"),
    "replaced": ("recordings.steps", "remove", "after"),
    "all but ready": ("recordings.process", "done", "before"),
    "ready": ("recordings.process", "done", "after"),
    "to be discarded": ("recordings.process", "discard", "before"),
    "marked discarded": ("recordings.process", "forget", "before"),
}

if __name__ == "__main__":
    import django

    django.setup()
    from recordings import process

    killed_worker.STEPS |= STEPS
    killed_worker.arm(sys.argv[1])
    process.process(uuid.UUID(sys.argv[2]))
