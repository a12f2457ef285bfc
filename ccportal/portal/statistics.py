"""Statistics of queues and agents: figures of a period and over time, and the calls behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from accounts.access import Action
from ccportal.api.columns import Column, Kind
from ccportal.api.sheets import sheet
from ccportal.api.stats import measured
from ccportal.measures import AGENT_MEASURES, QUEUE_MEASURES, Measure
from ccportal.portal.calls import labelled_agents, labelled_queues
from ccportal.portal.options import named_options
from ccportal.portal.page import AccountView
from ccportal.portal.statistics_asked import STEP_NAMES, Asked
from ccportal.portal.statistics_lines import Lines, heading, menu
from cdr.buckets import Step, starts_between
from cdr.figures import (
    AgentSums,
    Limits,
    OpenStatuses,
    Place,
    QueueSums,
    Reading,
    added,
    limits_of,
    open_statuses,
    still_logged_in,
)
from cdr.models import AgentFigures, QueueFigures, StatisticsCheck
from queues.live_rows import AgentNow
from queues.models import Agent, Queue

PAGE_SIZE = 50
AGENT_BARS = (
    ("Talk", "talk_ms", "agent"),
    ("Hold", "hold_ms", "note-mark"),
    ("Wrap-up", "wrap_up_ms", "warn-mark"),
    ("Break", "break_ms", "idle-mark"),
)
QUEUE_BARS = (
    ("Answered", "answered", "agent"),
    ("Abandoned", "abandoned", "warn-mark"),
    ("Short", "short", "idle-mark"),
)
HOUR_MS = 3_600_000


class StatisticsView(AccountView):
    """Figures of a period; what they are of is said by the two below."""

    section = "statistics"
    what: ClassVar[str]
    parameter: ClassVar[str]
    measures: ClassVar[Sequence[Measure]]
    tiles: ClassVar[Sequence[str]]
    table: ClassVar[Sequence[str]]
    nothing: ClassVar[Any]

    def sums(self, step: Step | None, *, each: bool) -> dict[Place, Any]:
        raise NotImplementedError

    @property
    def labels(self) -> dict[str, str]:
        raise NotImplementedError

    def chart(self, lines: Mapping[datetime, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponseBase:
        by_name = {name: sums for (name, _), sums in self.sums(None, each=True).items()}
        if request.GET.get("format") == "csv":
            return self.file(by_name)
        return self.show("portal/statistics.html", **self.contents(by_name, self.over_time()))

    @cached_property
    def asked(self) -> Asked:
        return Asked.read(self.request.GET, self.parameter, self.zone, timezone.now())

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.chosen, self.asked.since, self.asked.until, self.asked.names)

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.asked, self.zone, self.of_keys(self.table))

    def over_time(self) -> dict[datetime, Any]:
        """The figures of every stretch, of those without calls too."""
        asked = self.asked
        known = {start: sums for (_, start), sums in self.sums(asked.step, each=False).items() if start}
        starts = starts_between(asked.since, min(asked.until, timezone.now()), asked.step, self.zone)
        return dict.fromkeys(starts, self.nothing) | known

    def contents(self, by_name: Mapping[str, Any], over_time: Mapping[datetime, Any]) -> dict[str, Any]:
        asked, make = self.asked, self.lines
        whole = sum(over_time.values(), self.nothing)
        headings = [heading(measure, asked) for measure in self.of_keys(self.table)]
        return {
            "what": self.what,
            "heading_of_name": self.what[:-1].capitalize(),
            "headings": headings,
            "by_name_url": f"{asked.address(sort='')}#h-each",
            "is_by_name": not any(each.sorted for each in headings),
            "tiles": [make.tile(measure, whole) for measure in self.of_keys(self.tiles)],
            "whole": make.line("All", whole) if len(by_name) > 1 else None,
            "stretches": [
                make.line(asked.name_of(start, self.zone), sums, start=start)
                for start, sums in over_time.items()
            ],
            "chart": self.chart(over_time),
            "definitions": self.measures,
            "asked": asked,
            "menu": menu(self.parameter, named_options(self.labels, asked.names)),
            "tabs": self.tabs(),
            "csv_url": asked.address(format="csv") if self.may_export else "",
            "check": StatisticsCheck.newest(self.rows(StatisticsCheck)),
            "step_name": STEP_NAMES[asked.step],
            **self.page(by_name),
        }

    def page(self, by_name: Mapping[str, Any]) -> dict[str, Any]:
        """The part of the table of names that is shown, and the way to what is before and behind it."""
        asked = self.asked
        pages = max(-(-len(by_name) // PAGE_SIZE), 1)
        number = min(asked.page, pages)
        first = (number - 1) * PAGE_SIZE
        shown = self.in_order(by_name)[first : first + PAGE_SIZE]
        before, behind = number - 1, number + 1 if number < pages else 0
        return {
            "lines": [self.lines.line(self.label(name), by_name[name], name=name) for name in shown],
            "count": len(by_name),
            "first": first + 1,
            "last": first + len(shown),
            "pages": pages,
            "previous_url": f"{asked.address(page=str(before))}#h-each" if before else "",
            "next_url": f"{asked.address(page=str(behind))}#h-each" if behind else "",
        }

    def in_order(self, by_name: Mapping[str, Any]) -> list[str]:
        """By name, or by a figure; those that have none come last."""
        named = sorted(by_name, key=lambda name: self.label(name).casefold())
        falling, key = self.asked.sort.startswith("-"), self.asked.sort.removeprefix("-")
        if key not in self.table:
            return named
        values = {name: getattr(by_name[name], key) for name in named}
        known = [name for name in named if values[name] is not None]
        known.sort(key=lambda name: values[name], reverse=falling)
        return known + [name for name in named if values[name] is None]

    def label(self, name: str) -> str:
        return self.labels.get(name) or name.partition("@")[0]

    @property
    def may_export(self) -> bool:
        return bool(self.actor and self.actor.may(Action.EXPORT))

    def of_keys(self, keys: Iterable[str]) -> list[Measure]:
        by_key = {measure.key: measure for measure in self.measures}
        return [by_key[key] for key in keys]

    def tabs(self) -> list[tuple[str, str, bool]]:
        query = f"?{urlencode(self.asked.days())}"
        return [
            ("Queues", reverse("statistics") + query, self.what == "queues"),
            ("Agents", reverse("statistics-agents") + query, self.what == "agents"),
        ]

    def drawn(
        self, lines: Mapping[datetime, Any], unit: str, bars: list[dict[str, Any]], share: dict[str, Any]
    ) -> dict[str, Any]:
        labels = [self.asked.name_of(start, self.zone) for start in lines]
        return {"labels": labels, "unit": unit, "bars": bars, "line": share}

    def file(self, by_name: Mapping[str, Any]) -> HttpResponseBase:
        if not self.may_export:
            return HttpResponse(status=403)
        lines = [(name, by_name[name]) for name in sorted(by_name)]
        name = f"{self.what}-{self.asked.since.astimezone(self.zone):%Y-%m-%d}.csv"
        return sheet(csv_columns(self.what[:-1], self.labels, self.measures), [lines], self.zone, name)


class QueueStatisticsView(StatisticsView):
    what, parameter, measures = "queues", "queue", QUEUE_MEASURES
    tiles = ("offered", "answered", "abandoned", "service_level", "asa_ms", "aht_ms")
    table = (
        *("offered", "answered", "abandoned", "gave_up", "timed_out", "no_agent", "exited", "lost", "short"),
        *("service_level", "asa_ms", "average_wait_ms", "longest_wait_ms", "aht_ms"),
        *("talk_ms", "hold_ms", "wrap_up_ms"),
    )
    nothing = QueueSums()

    @cached_property
    def labels(self) -> dict[str, str]:
        return labelled_queues(self.rows(Queue))

    @cached_property
    def limits(self) -> dict[str, Limits]:
        return limits_of(self.rows(Queue))

    def sums(self, step: Step | None, *, each: bool) -> dict[Place, QueueSums]:
        return self.reading.queues(self.rows(QueueFigures), self.limits, step, each)

    def chart(self, lines: Mapping[datetime, QueueSums]) -> dict[str, Any]:
        bars = [
            {"label": label, "tone": tone, "values": [getattr(each, key) for each in lines.values()]}
            for label, key, tone in QUEUE_BARS
        ]
        share = {"label": "Service level", "values": percent(lines.values(), "service_level")}
        return self.drawn(lines, "calls", bars, share)


class AgentStatisticsView(StatisticsView):
    what, parameter, measures = "agents", "agent", AGENT_MEASURES
    tiles = ("offered", "answered", "missed", "transferred", "login_ms", "occupancy")
    table = tuple(measure.key for measure in AGENT_MEASURES)
    nothing = AgentSums()

    @cached_property
    def labels(self) -> dict[str, str]:
        return labelled_agents(self.rows(Agent))

    @cached_property
    def statuses(self) -> OpenStatuses:
        rows = self.rows(AgentNow)
        return open_statuses(rows.filter(agent_name__in=self.asked.names) if self.asked.names else rows)

    def sums(self, step: Step | None, *, each: bool) -> dict[Place, AgentSums]:
        stored = self.reading.agents(self.rows(AgentFigures), step, each)
        now = min(timezone.now(), self.asked.until)
        return added(stored, still_logged_in(self.statuses, self.asked.since, now, step, self.zone, each))

    def chart(self, lines: Mapping[datetime, AgentSums]) -> dict[str, Any]:
        bars = [
            {
                "label": label,
                "tone": tone,
                "values": [round(getattr(each, key) / HOUR_MS, 2) for each in lines.values()],
            }
            for label, key, tone in AGENT_BARS
        ]
        share = {"label": "Occupancy", "values": percent(lines.values(), "occupancy")}
        return self.drawn(lines, "hours", bars, share)


def percent(lines: Iterable[Any], name: str) -> list[float | None]:
    values = (getattr(each, name) for each in lines)
    return [None if value is None else round(value * 100, 1) for value in values]


def csv_columns(what: str, labels: Mapping[str, str], measures: Iterable[Measure]) -> list[Column]:
    return [
        Column(what, Kind.TEXT, lambda row: row[0]),
        Column("label", Kind.TEXT, lambda row: labels.get(row[0], "")),
        *(measured(each, lambda row: row[1]) for each in measures),
    ]
