"""The menus of the filter bar: what each offers, what is chosen, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import Account
from ccportal.portal.filters import RECORDED, REVIEWS, SPANS, Filters, as_clock
from ccportal.portal.options import Option, period_options
from ccportal.portal.period import DEFAULT
from ccportal.portal.wording import DIRECTION_ICONS, OUTCOMES, on_one_line
from cdr.models import CallDirection
from queues.models import Agent, Queue
from recordings.call_tags import NAMES_AT_MOST, names_in

Rows = Callable[[Any], QuerySet[Any]]

OFFERED = 50
LONGEST_FIND = 64


@dataclass(frozen=True)
class Facet:
    """One menu of the filter bar; ``has_more`` when it offers only the first of very many."""

    name: str
    label: str
    options: list[Option] = field(default_factory=list)
    find: str = ""
    has_more: bool = False
    without: str = ""

    @property
    def summary(self) -> str:
        """What is chosen, short enough for a chip."""
        labels = [option.label for option in self.options if option.checked]
        return f"{labels[0]} +{len(labels) - 1}" if len(labels) > 1 else "".join(labels)

    @property
    def is_searched(self) -> bool:
        return self.has_more or bool(self.find)


@dataclass(frozen=True)
class SpanField:
    """From and to of a length of time."""

    name: str
    label: str
    least: str
    most: str

    @property
    def summary(self) -> str:
        if self.least and self.most:
            return f"{self.label} {self.least} to {self.most}"
        if self.least:
            return f"{self.label} from {self.least}"
        return f"{self.label} to {self.most}" if self.most else ""


@dataclass(frozen=True)
class Menus:
    """Builds the menus of one request; queues, agents and tags are offered as far as a menu is useful."""

    filters: Filters
    params: QueryDict
    account: Account
    rows: Rows
    queues: Mapping[str, str]
    agents: Mapping[str, str]
    tags: Sequence[str] = ()
    may_review: bool = True

    def all(self) -> list[Facet]:
        found = [self.directions(), self.outcomes(), *map(self.of_names, ("queue", "agent"))]
        found += [self.fixed("recorded", "Recording", {key: word for key, (word, _) in RECORDED.items()})]
        found += [self.of_names("tag")]
        return [*found, self.fixed("review", "Review", REVIEWS)] if self.may_review else found

    def directions(self) -> Facet:
        chosen = self.chosen("direction")
        options = [
            Option(value.value, value.label, value in chosen, icon=DIRECTION_ICONS[value])
            for value in CallDirection
        ]
        return Facet("direction", "Direction", options, without=self.filters.without("direction"))

    def outcomes(self) -> Facet:
        chosen = self.chosen("outcome")
        options = [
            Option(value.value, state.word, value in chosen, tone=state.tone)
            for value, state in OUTCOMES.items()
        ]
        return Facet("outcome", "Outcome", options, without=self.filters.without("outcome"))

    def fixed(self, name: str, label: str, words: Mapping[str, str]) -> Facet:
        chosen = self.chosen(name)
        options = [Option(value, word, value in chosen) for value, word in words.items()]
        return Facet(name, label, options, without=self.filters.without(name))

    def of_names(self, name: str) -> Facet:
        """What is chosen, and the first names that have what is looked for in the menu."""
        find = self.params.get(f"find_{name}", "").replace("\x00", "").strip()[:LONGEST_FIND]
        label, read = {
            "queue": ("Queue", self.queues_found),
            "agent": ("Agent", self.agents_found),
            "tag": ("Tags", self.tags_found),
        }[name]
        found = read(find)
        known = self.queues if name == "queue" else self.agents if name == "agent" else {}
        chosen = self.chosen(name)
        ticked = [Option(value, known.get(value) or on_one_line(value), True) for value in chosen]
        others = [Option(value, word, False) for value, word in found.items() if value not in chosen]
        return Facet(
            name,
            label,
            ticked + others[:OFFERED] if find or len(found) > OFFERED else sorted_as(found, ticked + others),
            find,
            has_more=len(found) > OFFERED,
            without=self.filters.without(name),
        )

    def queues_found(self, find: str) -> dict[str, str]:
        if not find:
            return dict(self.queues)
        rows = self.rows(Queue).filter(Q(name__icontains=find) | Q(label__icontains=find))
        return self.labelled(rows, self.queues)

    def agents_found(self, find: str) -> dict[str, str]:
        if not find:
            return dict(self.agents)
        rows = self.rows(Agent).filter(
            Q(name__icontains=find) | Q(label__icontains=find) | Q(user__name__icontains=find)
        )
        return self.labelled(rows, self.agents)

    def labelled(self, rows: QuerySet[Any], labels: Mapping[str, str]) -> dict[str, str]:
        names = rows.order_by("name").values_list("name", "label")[: OFFERED + 1]
        return {name: labels.get(name) or on_one_line(label or name) for name, label in names}

    def tags_found(self, find: str) -> dict[str, str]:
        """All tags if they are not very many, and among many also those that begin as it is written."""
        names = self.tags
        if find and len(names) == NAMES_AT_MOST:
            names = [*names_in(self.account, find, OFFERED), *names]
        folded = find.casefold()
        return {name: on_one_line(name) for name in names if folded in name.casefold()}

    def chosen(self, name: str) -> tuple[str, ...]:
        return self.filters.chosen.get(name, ())

    def spans(self) -> list[SpanField]:
        found = []
        for name, label in SPANS.items():
            least, most = (
                "" if bound is None else as_clock(bound)
                for bound in self.filters.spans.get(name, (None, None))
            )
            found.append(SpanField(name, label, least, most))
        return found

    def without_spans(self) -> str:
        return self.filters.without(*(f"{name}_{end}" for name in SPANS for end in ("min", "max")))

    def context(self) -> dict[str, Any]:
        spans = self.spans()
        return {
            "facets": self.all(),
            "periods": period_options(self.filters.period),
            "spans": spans,
            "spans_summary": ", ".join(filter(None, (each.summary for each in spans))),
            "without_spans": self.without_spans(),
            "without_period": self.filters.without("period", "from", "to"),
            "period_is_set": self.filters.period.key != DEFAULT,
        }


def sorted_as(names: Iterable[str], options: Iterable[Option]) -> list[Option]:
    """The options in the order of the names; those of the address that nobody knows come last."""
    by_value = {option.value: option for option in options}
    known = [by_value.pop(name) for name in names if name in by_value]
    return known + list(by_value.values())
