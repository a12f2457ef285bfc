"""The filter bar of the calls list: read from an address, written back to one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import QueryDict

from ccportal.portal.period import (
    DEFAULT,
    PRESETS,
    Period,
    period_between,
    read_moment,
    read_period,
)
from ccportal.portal.wording import DIRECTION_ICONS, OUTCOMES, on_one_line
from cdr.counted import OF_AGENTS, OF_QUEUES, Counted
from cdr.models import CallDirection
from cdr.search import Term, Wanted

LONGEST_SEARCH = 1000
LONGEST_WAIT_DIGITS = 15
RECORDED = {"yes": ("Recorded", True), "no": ("Not recorded", False)}
FACETS = ("direction", "outcome", "queue", "agent", "recorded")


@dataclass(frozen=True)
class Filters:
    """What an address asks for; an unknown word in it narrows to nothing known, so it is dropped."""

    text: str
    period: Period
    chosen: dict[str, tuple[str, ...]]
    counted: Counted | None = None

    @classmethod
    def read(cls, params: QueryDict, zone: ZoneInfo, now: datetime) -> Filters:
        period = read_period(
            params.get("period", ""), params.get("from", ""), params.get("to", ""), zone, now
        )
        counted = read_counted(params)
        return cls(
            text=params.get("q", "").strip()[:LONGEST_SEARCH],
            period=period if counted is None else period_between(counted.since, counted.until),
            chosen={name: tuple(params.getlist(name)) for name in FACETS if params.getlist(name)},
            counted=counted,
        )

    def wanted(self, terms: Iterable[Term], counted: QuerySet[Any] | None = None) -> Wanted:
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
            terms=tuple(terms),
        )

    @property
    def narrows(self) -> bool:
        """Whether more than the period is asked for."""
        return bool(self.text or self.chosen or self.counted)

    @property
    def is_plain(self) -> bool:
        return not self.narrows and self.period.key == DEFAULT

    def address(self, **changes: str) -> str:
        """The query string of these filters, changed here and there; what is usual is left out."""
        pairs: list[tuple[str, str]] = [("q", self.text)]
        if self.counted is not None:
            pairs += written_counted(self.counted)
        pairs += self.period.pairs
        pairs += [(name, value) for name, values in self.chosen.items() for value in values]
        kept = [(name, value) for name, value in pairs if value and name not in changes]
        query = urlencode(kept + [(name, value) for name, value in changes.items() if value])
        return f"?{query}" if query else "?"


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


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    checked: bool
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Facet:
    """One menu of the filter bar."""

    name: str
    label: str
    options: list[Option]

    @property
    def summary(self) -> str:
        """What is chosen, short enough for a chip."""
        labels = [option.label for option in self.options if option.checked]
        return f"{labels[0]} +{len(labels) - 1}" if len(labels) > 1 else "".join(labels)


def facets(filters: Filters, queues: dict[str, str], agents: dict[str, str]) -> list[Facet]:
    """The menus; ``queues`` and ``agents`` lead from names to labels."""
    chosen = filters.chosen
    return [
        Facet(
            "direction",
            "Direction",
            [
                Option(
                    value.value,
                    value.label,
                    value in chosen.get("direction", ()),
                    icon=DIRECTION_ICONS[value],
                )
                for value in CallDirection
            ],
        ),
        Facet(
            "outcome",
            "Outcome",
            [
                Option(value.value, state.word, value in chosen.get("outcome", ()), tone=state.tone)
                for value, state in OUTCOMES.items()
            ],
        ),
        Facet("queue", "Queue", named_options(queues, chosen.get("queue", ()))),
        Facet("agent", "Agent", named_options(agents, chosen.get("agent", ()))),
        Facet(
            "recorded",
            "Recording",
            [
                Option(value, label, value in chosen.get("recorded", ()))
                for value, (label, _) in RECORDED.items()
            ],
        ),
    ]


def named_options(labels: dict[str, str], chosen: Iterable[str]) -> list[Option]:
    """One option a name, those of the address too that nobody knows (any more)."""
    names = labels | {name: on_one_line(name) for name in chosen if name not in labels}
    return [Option(name, label, name in chosen) for name, label in names.items()]


def period_options(period: Period) -> list[Option]:
    return [Option(key, label, key == period.key) for key, label in PRESETS.items()]


def known(values: Iterable[str], choices: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value in choices)


def without_nul(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if "\x00" not in value)
