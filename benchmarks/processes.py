"""What a process takes of the machine."""

from __future__ import annotations

import os
from pathlib import Path


def resident_megabytes() -> float:
    """How much memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
