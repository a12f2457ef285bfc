"""How long something takes, by the clock and by the processors: the clock counts what others do meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection

from benchmarks.figures import percentile

TICKS = os.sysconf("SC_CLK_TCK")


class Taken:
    """What each of some works took, after one that warms up: clock in milliseconds, processors together."""

    def __init__(self, works: Sequence[Callable[[], object]]) -> None:
        works[0]()
        self.clock = []
        own, database = time.process_time(), database_seconds()
        for work in works:
            began = time.perf_counter()
            work()
            self.clock.append((time.perf_counter() - began) * 1000)
        self.own = (time.process_time() - own) * 1000 / len(works)
        self.database = (database_seconds() - database) * 1000 / len(works)

    def percentile(self, percent: float) -> float:
        return percentile(self.clock, percent)

    def __str__(self) -> str:
        clock = f"p50 {self.percentile(50):.3g}, p95 {self.percentile(95):.3g} ms"
        return f"{clock}; processor: {self.own:.3g} ms Python, {self.database:.2g} ms PostgreSQL"


def database_seconds() -> float:
    """The processor time of the server's process that answers this connection."""
    connection.ensure_connection()
    bare: Any = connection.connection
    if connection.vendor != "postgresql":
        return 0.0
    try:
        words = Path(f"/proc/{bare.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICKS
