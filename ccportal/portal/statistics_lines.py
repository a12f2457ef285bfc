"""Figures as people read them, each with the address of the calls it counts.

Lines are made here and not by templates, which take ten times as long for thousands of cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from ccportal.measures import Measure, Unit
from ccportal.portal.clock import duration
from ccportal.portal.options import Option
from ccportal.portal.statistics_asked import Asked
from ccportal.templatetags.portal import icon
from cdr.buckets import next_start

LONGEST = "longest"


@dataclass(frozen=True)
class Tile:
    """A figure of the whole."""

    label: str
    definition: SafeString
    text: str
    url: str


@dataclass(frozen=True)
class Heading:
    """A column, and the address of the table sorted by it."""

    label: str
    definition: SafeString
    url: str
    sorted: str


class Lines:
    """Makes the lines of tables that have these columns."""

    def __init__(self, asked: Asked, zone: ZoneInfo, measures: Sequence[Measure]) -> None:
        self._asked = asked
        self._zone = zone
        self._measures = measures
        self._calls = reverse("calls")

    def line(self, label: str, sums: Any, *, name: str = "", start: datetime | None = None) -> SafeString:
        """A row of a table; ``name`` is whose figures they are, else those of all that are asked for."""
        told = escape(label)
        query = escape(self._query(name, start))
        cells = "".join(self._cell(measure, sums, told, query) for measure in self._measures)
        return mark_safe(  # noqa: S308 - every part is escaped
            f'<tr><th scope="row" class="nowrap"><bdi>{told}</bdi></th>{cells}</tr>'
        )

    def tile(self, measure: Measure, sums: Any) -> Tile:
        value = measure.of(sums)
        url = self._url(measure, value, self._query("", None)) if value and measure.calls else ""
        return Tile(measure.label, definition(measure), as_text(measure.unit, value), url)

    def _cell(self, measure: Measure, sums: Any, told: str, query: str) -> str:
        value = measure.of(sums)
        text = as_text(measure.unit, value)
        if not value:
            return f'<td class="r num"><span class="muted">{text}</span></td>'
        if not measure.calls:
            return f'<td class="r num">{text}</td>'
        said = f"{told}, {measure.label} {text}: show these calls"
        href = self._url(measure, value, query, "&amp;")
        return f'<td class="r num"><a class="n" href="{href}" aria-label="{said}">{text}</a></td>'

    def _url(self, measure: Measure, value: float | None, query: str, joint: str = "&") -> str:
        wait = f"{joint}wait={value}" if measure.calls == LONGEST else ""
        return f"{self._calls}?figure={measure.calls}{query}{wait}"

    def _query(self, name: str, start: datetime | None) -> str:
        asked = self._asked
        until = min(next_start(start, asked.step, self._zone), asked.until) if start else asked.until
        since = max(start, asked.since) if start else asked.since
        between = urlencode({"since": since.isoformat(), "until": until.isoformat()})
        names = (name,) if name else asked.names
        return f"&{between}" + "".join(f"&{asked.parameter}={quote_plus(each)}" for each in names)


@lru_cache(maxsize=256)
def definition(measure: Measure) -> SafeString:
    """What a figure means, for who points at its mark."""
    return format_html(
        '<button class="tip" type="button" aria-label="{}: {}">{}<span aria-hidden="true">{}</span></button>',
        measure.label,
        measure.about,
        icon("info"),
        measure.about,
    )


def heading(measure: Measure, asked: Asked) -> Heading:
    """The largest come first at the first touch, the smallest at the second."""
    sorts = {f"-{measure.key}": "descending", measure.key: "ascending"}
    following = measure.key if asked.sort == f"-{measure.key}" else f"-{measure.key}"
    url = f"{asked.address(sort=following)}#h-each"
    return Heading(measure.label, definition(measure), url, sorts.get(asked.sort, ""))


def menu(parameter: str, options: Iterable[Option]) -> SafeString:
    """The names that can be chosen."""
    before = f'<label class="pop-item"><input class="box" type="checkbox" name="{parameter}"'
    return mark_safe(  # noqa: S308 - every part is escaped
        "".join(
            f'{before} value="{escape(option.value)}"{" checked" if option.checked else ""}>'
            f'<span class="cut"><bdi>{escape(option.label)}</bdi></span></label>'
            for option in options
        )
    )


def as_text(unit: Unit, value: float | None) -> str:
    if value is None:
        return "-"
    if unit is Unit.SHARE:
        return f"{value * 100:.1f}%"
    return duration(round(value)) if unit is Unit.TIME else f"{value:,}"
