"""Make an export and be killed: ``python -m tests.ccportal.exports.killed_worker STEP EXPORT``."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

STEPS = {
    "claimed": ("ccportal.exports.sources:Source.count", 1),
    "second chunk written": ("ccportal.exports.drafts:Draft.flush", 2),
    "first file written": ("ccportal.exports.archive:AudioMaker.note_file", 1),
    "fifth file written": ("ccportal.exports.archive:AudioMaker.note_file", 5),
    "last file written": ("ccportal.exports.archive:AudioMaker.note_file", 8),
    "second chunk flushed": ("ccportal.exports.work:Work.note", 2),
    "all written": ("ccportal.exports.work:Work.finish", 1),
    "stored": ("ccportal.exports.work:Work.ready", 1),
}
AFTER = {"second chunk flushed"}


def arm(step: str) -> None:
    where, count = STEPS[step]
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner: Any = sys.modules[module]
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, deadly(getattr(owner, name), count, after=step in AFTER))


def deadly(function: Any, count: int, *, after: bool) -> Any:
    calls = []

    def dying(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) < count:
            return function(*arguments, **options)
        if after:
            function(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return dying


if __name__ == "__main__":
    import django

    django.setup()
    from ccportal.exports import archive, rows, work

    rows.RowsMaker.chunk = archive.AudioMaker.chunk = 3
    arm(sys.argv[1])
    work.go_on(sys.argv[2])
