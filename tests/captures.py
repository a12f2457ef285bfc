"""The captured calls of a real FreeSWITCH, and what each of them was."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FREESWITCH = Path(__file__).parent / "data" / "freeswitch"
AUDIO = FREESWITCH / "audio"


@cache
def index() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FREESWITCH / "INDEX.json").read_text())
    return found


def names() -> list[str]:
    return sorted(index())


@cache
def bodies(name: str) -> tuple[bytes, ...]:
    with gzip.open(FREESWITCH / f"{name}.jsonl.gz", "rb") as lines:
        return tuple(line.rstrip(b"\n") for line in lines)


def every_body() -> list[bytes]:
    return [body for name in names() for body in bodies(name)]


def micro(seconds: float | None) -> int:
    """INDEX.json's unix seconds as our integer microseconds; 0 for none."""
    return round(seconds * 1_000_000) if seconds else 0
