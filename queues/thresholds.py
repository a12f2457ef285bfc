"""The waits that figures are kept for, so that a changed threshold holds for all of the past at once."""

from __future__ import annotations

WITHIN_SECONDS = (5, 10, 15, 20, 25, 30, 40, 45, 60, 90, 120, 180, 300)
SHORT_SECONDS = (2, 3, 5, 10, 15, 20, 30)

SERVICE_LEVEL_CHOICES = [(seconds, f"{seconds} s") for seconds in WITHIN_SECONDS]
SHORT_ABANDON_CHOICES = [(0, "Count every caller"), *((seconds, f"{seconds} s") for seconds in SHORT_SECONDS)]
SERVICE_LEVEL_DEFAULT, SHORT_ABANDON_DEFAULT = 20, 5
