"""Collect a recording and be killed: ``python -m tests.recordings.killed_worker STEP RECORDING``."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

STEPS = {
    "claimed": ("recordings.intake", "find_source", "before"),
    "half copied": ("recordings.storage", "File.chunks", "within"),
    "copied": ("recordings.storage", "os.fsync", "before"),
    "flushed": ("recordings.storage", "Path.replace", "before"),
    "renamed": ("recordings.intake", "store", "after"),
    "half committed": ("recordings.intake", "judge", "after"),
    "committed": ("recordings.intake", "remove_source", "before"),
    "removed": ("recordings.sources", "Folder.remove", "after"),
    "tidied": ("recordings.intake", "store_peaks", "before"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def before(*arguments: Any) -> None:
        die()

    def after(*arguments: Any) -> None:
        function(*arguments)
        die()

    def within(*arguments: Any) -> Iterator[Any]:
        yield next(iter(function(*arguments)))[:1000]
        die()

    return {"before": before, "after": after, "within": within}[when]


def arm(step: str) -> None:
    module, path, when = STEPS[step]
    *owners, name = path.split(".")
    owner: Any = sys.modules[module]
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, deadly(getattr(owner, name), when))


if __name__ == "__main__":
    import django

    django.setup()
    from recordings import intake

    arm(sys.argv[1])
    intake.collect(uuid.UUID(sys.argv[2]))
