"""Pages by keyset: the place after the last row, not a count of rows before it."""

from __future__ import annotations

import base64
import re
import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from ccportal.api.errors import Invalid
from ccportal.api.times import from_microseconds, microseconds

PLACE = struct.Struct(">cq16s")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
DEFAULT_SIZE = 50
LARGEST_SIZE = 1000


@dataclass(frozen=True)
class Place:
    """Where a page ended: the time and id of its last row, in one order."""

    ascending: bool
    moment: datetime
    id: uuid.UUID

    def write(self) -> str:
        packed = PLACE.pack(b"a" if self.ascending else b"d", microseconds(self.moment), self.id.bytes)
        return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")

    @classmethod
    def read(cls, text: str) -> Place:
        """Raise ValueError or OverflowError for what ``write`` did not make."""
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(packed) != PLACE.size or packed[:1] not in (b"a", b"d"):
            raise ValueError(text)
        order, moment, identifier = PLACE.unpack(packed)
        return cls(order == b"a", from_microseconds(moment), uuid.UUID(bytes=identifier))


@dataclass(frozen=True)
class Page:
    """What part of a list is asked for; ``size`` is None where a file shall have all of it."""

    size: int | None
    ascending: bool
    start: Place | None

    @classmethod
    def read(cls, query: QueryDict) -> Page:
        ascending = read_ascending(query)
        return cls(read_size(query), ascending, read_start(query, ascending))


def read_size(query: QueryDict) -> int | None:
    text = query.get("page_size")
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text):
        raise Invalid.rule("page_size", "type", "It must be a whole number.", target="integer", value=text)
    size = int(text)
    if size < 1:
        raise Invalid.rule("page_size", "minimum", "It is too small.", target=1, value=size)
    if size > LARGEST_SIZE:
        raise Invalid.rule("page_size", "maximum", "It is too large.", target=LARGEST_SIZE, value=size)
    return size


def read_ascending(query: QueryDict) -> bool:
    text = query.get("ascending", "false")
    if text not in ("true", "false"):
        raise Invalid.rule("ascending", "enum", "true or false.", target=["true", "false"], value=text)
    return text == "true"


def read_start(query: QueryDict, ascending: bool) -> Place | None:
    text = query.get("start_key")
    if not text:
        return None
    try:
        place = Place.read(text)
    except (ValueError, OverflowError):
        place = None
    if place is None or place.ascending != ascending:
        raise Invalid.rule("start_key", "invalid", "This is not a next_start_key of this order.", value=text)
    return place


@dataclass(frozen=True)
class Keyset:
    """The order of a list: by a time that never changes, then by id."""

    path: str

    def slice(self, rows: QuerySet[Any], size: int, ascending: bool, start: Place | None) -> list[Any]:
        """The next ``size`` rows after a place."""
        sign = "" if ascending else "-"
        if start:
            rows = rows.filter(self.after(start))
        return list(rows.order_by(f"{sign}{self.path}", f"{sign}id")[:size])

    def after(self, place: Place) -> Q:
        """The bound on the time alone finds the place in the index; the rest parts rows of one moment."""
        word = "gt" if place.ascending else "lt"
        return Q(**{f"{self.path}__{word}e": place.moment}) & (
            Q(**{f"{self.path}__{word}": place.moment}) | Q(**{f"id__{word}": place.id})
        )

    def place_of(self, row: Model, ascending: bool) -> Place:
        return Place(ascending, getattr(row, self.path), row.pk)

    def chunks(
        self,
        rows: QuerySet[Any],
        page: Page,
        chunk: int = LARGEST_SIZE,
        place_of: Callable[[Any, bool], Place] | None = None,
    ) -> Iterator[list[Any]]:
        """All the rows from the page's start, never more than a chunk at a time."""
        place_of = place_of or self.place_of
        start, left = page.start, page.size
        while left is None or left > 0:
            wanted = chunk if left is None else min(chunk, left)
            found = self.slice(rows, wanted, page.ascending, start)
            if found:
                yield found
            if len(found) < wanted:
                return
            start = place_of(found[-1], page.ascending)
            left = None if left is None else left - wanted
