"""Which bytes a request asks for (RFC 9110, 14: one range of bytes; anything else is the whole file)."""

from __future__ import annotations

import re
from dataclasses import dataclass

RANGE = re.compile(r"\Abytes=[ \t]*(\d*)-(\d*)[ \t]*\Z", re.ASCII | re.IGNORECASE)
MOST_DIGITS = 19


@dataclass(frozen=True)
class Span:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range begins behind the end of the file."""


def span_of(header: str, size: int) -> Span | None:
    """Read a Range header; None means the whole file. Raise Unsatisfiable for a range behind its end."""
    found = RANGE.match(header)
    if not found or found.groups() == ("", ""):
        return None
    first, last = (int(digits[:MOST_DIGITS]) if digits else None for digits in shortened(found))
    if first is None:
        return suffix_span(last or 0, size)
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, size - 1 if last is None else min(last, size - 1))


def shortened(found: re.Match[str]) -> list[str]:
    """The digits without leading zeros; numbers larger than any file stay larger than any file."""
    numbers = [digits and (digits.lstrip("0") or "0") for digits in found.groups()]
    return ["9" * MOST_DIGITS if len(digits) > MOST_DIGITS else digits for digits in numbers]


def suffix_span(length: int, size: int) -> Span:
    if not length or not size:
        raise Unsatisfiable
    return Span(max(size - length, 0), size - 1)
