"""How many requests a minute are answered: counted per person or key, and per address for who is neither."""

from __future__ import annotations

from time import time

from django.conf import settings
from django.core.cache import caches
from rest_framework.exceptions import Throttled

WINDOW_SECONDS = 60


def count_request(who: str) -> None:
    """Count one, or raise Throttled until the minute is over; who shares the cache counts together."""
    limit: int = settings.CCPORTAL_API_RATE
    if not limit:
        return
    now = time()
    key = f"{who}:{int(now // WINDOW_SECONDS)}"
    counts = caches["rates"]
    if counts.add(key, 1, 2 * WINDOW_SECONDS):
        return
    try:
        asked = counts.incr(key)
    except ValueError:
        return
    if asked > limit:
        raise Throttled(WINDOW_SECONDS - now % WINDOW_SECONDS)
