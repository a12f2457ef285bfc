"""Asterisk's unique ids: ``1795178129.12``, with the system's name before it where one is set."""

from __future__ import annotations

import re

from switch.events import MICROSECONDS

UNIQUE_ID = re.compile(r"(?:.*-)?([0-9]{9,11})\.([0-9]{1,12})\Z", re.DOTALL)


def is_unique_id(text: str) -> bool:
    return UNIQUE_ID.match(text) is not None


def created_at(unique_id: str) -> int:
    """Return when the channel was made, in microseconds (whole seconds); 0 when the id does not say."""
    found = UNIQUE_ID.match(unique_id)
    return int(found[1]) * MICROSECONDS if found else 0


def order_of(unique_id: str) -> tuple[int, int, str]:
    """Sort ids as the channels were made: ``….9`` before ``….10``."""
    found = UNIQUE_ID.match(unique_id)
    return (int(found[1]), int(found[2]), unique_id) if found else (0, 0, unique_id)
