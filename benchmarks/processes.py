"""What a process takes of the machine."""

from __future__ import annotations

import os
from pathlib import Path


def resident_megabytes(process: int | str = "self") -> float:
    """How much memory a process holds now, this one unless another is named."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
