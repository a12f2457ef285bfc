"""The filter bar of the calls list: read from an address, written back to one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import QueryDict

from ccportal.portal.period import (
    DEFAULT,
    Period,
    period_between,
    read_moment,
    read_period,
)
from ccportal.portal.wording import OUTCOMES
from cdr.counted import OF_AGENTS, OF_QUEUES, Counted
from cdr.models import CallDirection
from cdr.search import Beside, Term, Wanted

LONGEST_SEARCH = 1000
NO_SPAN = (None, None)
LONGEST_WAIT_DIGITS = 15
RECORDED = {"yes": ("Recorded", True), "no": ("Not recorded", False)}
REVIEWS = {
    "none": "Not reviewed",
    "assigned": "To be reviewed",
    "mine": "To be reviewed by me",
    "reviewed": "Reviewed",
}
FACETS = ("direction", "outcome", "queue", "agent", "recorded", "tag", "review")
SPANS = {"talk": "Talk time", "wait": "Wait time", "length": "Whole call"}
MOST_OF_A_KIND = 50
LONGEST_VALUE = 255


@dataclass(frozen=True)
class Filters:
    """What an address asks for; an unknown word in it narrows to nothing known, so it is dropped."""

    text: str
    period: Period
    chosen: dict[str, tuple[str, ...]]
    counted: Counted | None = None
    spans: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)

    @classmethod
    def read(cls, params: QueryDict, zone: ZoneInfo, now: datetime) -> Filters:
        period = read_period(
            params.get("period", ""), params.get("from", ""), params.get("to", ""), zone, now
        )
        counted = read_counted(params)
        return cls(
            text=params.get("q", "").strip()[:LONGEST_SEARCH],
            period=period if counted is None else period_between(counted.since, counted.until),
            chosen={name: values for name in FACETS if (values := chosen_of(params, name))},
            counted=counted,
            spans={name: span for name in SPANS if any(span := read_span(params, name))},
        )

    def wanted(
        self, terms: Iterable[Term], counted: QuerySet[Any] | None = None, beside: Iterable[Beside] = ()
    ) -> Wanted:
        recorded = {RECORDED[word][1] for word in self.chosen.get("recorded", ()) if word in RECORDED}
        names_are_of_figure = counted is not None
        return Wanted(
            since=None if names_are_of_figure else self.period.since,
            until=None if names_are_of_figure else self.period.until,
            directions=known(self.chosen.get("direction", ()), CallDirection.values),
            outcomes=known(self.chosen.get("outcome", ()), [outcome.value for outcome in OUTCOMES]),
            queues=() if names_are_of_figure else without_nul(self.chosen.get("queue", ())),
            agents=() if names_are_of_figure else without_nul(self.chosen.get("agent", ())),
            counted=counted,
            recorded=recorded.pop() if len(recorded) == 1 else None,
            waits=self.spans.get("wait", NO_SPAN),
            talks=self.spans.get("talk", NO_SPAN),
            lengths=self.spans.get("length", NO_SPAN),
            beside=tuple(beside),
            terms=tuple(terms),
        )

    @property
    def narrows(self) -> bool:
        """Whether more than the period is asked for."""
        return bool(self.text or self.chosen or self.counted or self.spans)

    @property
    def is_plain(self) -> bool:
        return not self.narrows and self.period.key == DEFAULT

    def address(self, **changes: str) -> str:
        """The query string of these filters, changed here and there; what is usual is left out."""
        pairs: list[tuple[str, str]] = [("q", self.text)]
        if self.counted is not None:
            pairs += written_counted(self.counted)
        pairs += self.period.pairs
        pairs += self.choices
        kept = [(name, value) for name, value in pairs if value and name not in changes]
        query = urlencode(kept + [(name, value) for name, value in changes.items() if value])
        return f"?{query}" if query else "?"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What the menus say, as an address has it."""
        chosen = [(name, value) for name, values in self.chosen.items() for value in values]
        bounds = [
            (f"{name}_{end}", as_clock(bound))
            for name, span in self.spans.items()
            for end, bound in zip(("min", "max"), span, strict=True)
            if bound is not None
        ]
        return chosen + bounds

    def without(self, *names: str) -> str:
        """The query string without what these menus narrow."""
        return self.address(**dict.fromkeys(names, ""))


def chosen_of(params: QueryDict, name: str) -> tuple[str, ...]:
    """What was chosen of a menu, each once; no name is as long as what is left out."""
    values = dict.fromkeys(params.getlist(name))
    return tuple(value for value in values if value and len(value) <= LONGEST_VALUE)[:MOST_OF_A_KIND]


def read_span(params: QueryDict, name: str) -> tuple[int | None, int | None]:
    """From and to in milliseconds, the right way round."""
    least, most = (read_clock(params.get(f"{name}_{end}", "")) for end in ("min", "max"))
    if least is not None and most is not None and most < least:
        least, most = most, least
    return least, most


def read_clock(text: str) -> int | None:
    """Milliseconds of ``90``, ``1:30`` or ``1:00:00``."""
    parts = text.strip().split(":")
    if len(parts) > 3 or not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts):
        return None
    return reduce(lambda whole, part: whole * 60 + int(part), parts, 0) * 1000


def as_clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def read_counted(params: QueryDict) -> Counted | None:
    """The figure whose calls an address asks for, if it names one."""
    figure = params.get("figure", "")
    if figure not in (*OF_QUEUES, *OF_AGENTS):
        return None
    names = without_nul(params.getlist("agent" if figure in OF_AGENTS else "queue"))
    wait = params.get("wait", "")
    return Counted(
        figure,
        read_moment(params.get("since", "")),
        read_moment(params.get("until", "")),
        names,
        int(wait) if wait.isascii() and wait.isdigit() and len(wait) < LONGEST_WAIT_DIGITS else None,
    )


def written_counted(counted: Counted) -> list[tuple[str, str]]:
    moments = (("since", counted.since), ("until", counted.until))
    pairs = [("figure", counted.figure), *((name, at.isoformat()) for name, at in moments if at)]
    return [*pairs, ("wait", str(counted.wait_ms))] if counted.wait_ms is not None else pairs


def known(values: Iterable[str], choices: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value in choices)


def without_nul(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if "\x00" not in value)
