"""Erase a number and be killed: ``python -m tests.recordings.erasure.killed_worker STEP ERASURE``."""

from __future__ import annotations

import sys

from tests.ccportal.exports.killed_worker import AFTER, STEPS, arm

OURS = {
    "a file is gone": ("recordings.storage:AudioStorage.delete", 2),
    "within the rows' transaction": ("recordings.erasure.removal:count_of", 2),
    "one batch gone": ("recordings.erasure.removal:remove_audio", 2),
    "log half cleaned": ("recordings.erasure.numbers:Sought.without", 2),
    "told": ("recordings.erasure.work:Work.finish", 1),
}

if __name__ == "__main__":
    import django

    django.setup()
    from recordings.erasure import work

    work.CALLS_AT_ONCE = 2
    STEPS |= OURS
    AFTER.add("told")
    arm(sys.argv[1])
    work.go_on(sys.argv[2])
