"""Statistics of queues and agents: figures of a period and over time, and the calls behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString

from accounts.access import Action
from ccportal.api.columns import Column, Kind
from ccportal.api.sheets import sheet
from ccportal.api.stats import measured
from ccportal.measures import AGENT_MEASURES, QUEUE_MEASURES, Measure, Unit
from ccportal.portal.calls import NamedView
from ccportal.portal.clock import duration
from ccportal.portal.filters import Option, named_options, without_nul
from ccportal.portal.period import CUSTOM, PRESETS, Period, read_period
from cdr.buckets import DAY, Step, midnight, next_start, start_of, starts_between
from cdr.figures import AgentSums, Place, QueueSums, Reading, added, limits_of, still_logged_in
from cdr.models import AgentFigures, QueueFigures, StatisticsCheck
from queues.live_rows import AgentNow
from queues.models import Queue

USUAL = "7d"
AGENT_BARS = (
    ("Talk", "talk_ms", "agent"),
    ("Hold", "hold_ms", "note-mark"),
    ("Wrap-up", "wrap_up_ms", "warn-mark"),
    ("Break", "break_ms", "idle-mark"),
)
STEP_NAMES = {
    Step.QUARTER_HOUR: "15 min",
    Step.HOUR: "Hour",
    Step.DAY: "Day",
    Step.WEEK: "Week",
    Step.MONTH: "Month",
}
LONGEST_IN_DAYS = {Step.QUARTER_HOUR: 2, Step.HOUR: 14, Step.DAY: 124, Step.WEEK: 750}
FIRST_YEARS = 10 * 366


@dataclass(frozen=True)
class Shown:
    """A figure in a table: as people read it, and the address of its calls."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Line:
    """A queue, an agent or a stretch of time."""

    name: str
    figures: list[Shown]

    @property
    def cells(self) -> SafeString:
        """The figures as cells of a table; a template takes ten times as long for thousands of them."""
        name = escape(self.name)
        return SafeString("".join(self.cell(name, figure) for figure in self.figures))

    def cell(self, name: str, figure: Shown) -> str:
        if not figure.url:
            return f'<td class="r num"><span class="muted">{figure.text}</span></td>'
        told = f"{name}, {figure.label} {figure.text}: show these calls"
        link = f'<a class="n" href="{escape(figure.url)}" aria-label="{told}">{figure.text}</a>'
        return f'<td class="r num">{link}</td>'


@dataclass(frozen=True)
class Asked:
    """What an address asks for; ``until`` is where the last stretch ends."""

    period: Period
    since: datetime
    until: datetime
    step: Step
    names: tuple[str, ...]

    def pairs(self) -> list[tuple[str, str]]:
        days = (("from", self.period.first), ("to", self.period.last))
        key = "" if self.period.key == CUSTOM else self.period.key
        return [("period", key)] * bool(key) + [(name, day.isoformat()) for name, day in days if day]


class StatisticsView(NamedView):
    """Figures of a period; what they are of is said by the two below."""

    section = "statistics"
    what: ClassVar[str]
    parameter: ClassVar[str]
    measures: ClassVar[Sequence[Measure]]
    tiles: ClassVar[Sequence[str]]
    table: ClassVar[Sequence[str]]

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
        whole = sum(by_name.values(), self.nothing)
        over_time = self.over_time()
        return self.show("portal/statistics.html", **self.contents(by_name, whole, over_time))

    @property
    def nothing(self) -> Any:
        raise NotImplementedError

    @cached_property
    def asked(self) -> Asked:
        params = self.request.GET
        now = timezone.now()
        key = params.get("period", "") or ("" if params.get("from") or params.get("to") else USUAL)
        period = read_period(key, params.get("from", ""), params.get("to", ""), self.zone, now)
        tomorrow = midnight(now.astimezone(self.zone).date() + DAY, self.zone)
        until = min(period.until or tomorrow, tomorrow)
        since = max(period.since or until - FIRST_YEARS * DAY, until - FIRST_YEARS * DAY)
        since = start_of(min(since, until), Step.DAY, self.zone)
        names = without_nul(params.getlist(self.parameter))
        return Asked(period, since, until, step_of(params.get("by", ""), since, until), names)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.chosen, self.asked.since, self.asked.until, self.asked.names)

    def over_time(self) -> dict[datetime, Any]:
        """The figures of every stretch, of those without calls too."""
        asked = self.asked
        known = {start: sums for (_, start), sums in self.sums(asked.step, each=False).items() if start}
        starts = starts_between(asked.since, min(asked.until, timezone.now()), asked.step, self.zone)
        return {start: known.get(start, self.nothing) for start in starts}

    def contents(
        self, by_name: Mapping[str, Any], whole: Any, over_time: Mapping[datetime, Any]
    ) -> dict[str, Any]:
        asked = self.asked
        labels = self.labels
        named = sorted(by_name, key=lambda name: str(labels.get(name, name)).casefold())
        return {
            "what": self.what,
            "parameter": self.parameter,
            "heading_of_name": self.what[:-1].capitalize(),
            "headings": self.of_keys(self.table),
            "tiles": [(measure, self.shown(measure, whole)) for measure in self.of_keys(self.tiles)],
            "lines": [self.line(labels.get(name) or short(name), by_name[name], name=name) for name in named],
            "whole": self.line("All", whole) if len(named) > 1 else None,
            "stretches": [
                self.line(self.stretch_name(start), sums, start=start) for start, sums in over_time.items()
            ],
            "chart": self.chart(over_time),
            "definitions": self.measures,
            "period": asked.period,
            "periods": self.period_options(),
            "steps": self.step_options(),
            "options": named_options(labels, asked.names),
            "chosen_names": asked.names,
            "tabs": self.tabs(),
            "csv_url": self.address(format="csv") if self.may_export else "",
            "check": self.last_check(),
            "step_name": STEP_NAMES[asked.step],
        }

    @property
    def may_export(self) -> bool:
        return bool(self.actor and self.actor.may(Action.EXPORT))

    def of_keys(self, keys: Iterable[str]) -> list[Measure]:
        by_key = {measure.key: measure for measure in self.measures}
        return [by_key[key] for key in keys]

    def line(self, label: str, sums: Any, *, name: str = "", start: datetime | None = None) -> Line:
        shown = [self.shown(measure, sums, name, start) for measure in self.of_keys(self.table)]
        return Line(label, shown)

    def shown(self, measure: Measure, sums: Any, name: str = "", start: datetime | None = None) -> Shown:
        value = measure.of(sums)
        url = self.calls_url(measure, value, name, start) if value else ""
        return Shown(measure.label, as_text(measure.unit, value), url)

    def calls_url(self, measure: Measure, value: float | None, name: str, start: datetime | None) -> str:
        """The address of the calls that a figure counts."""
        if not measure.calls:
            return ""
        wait = f"&wait={value}" if measure.calls == "longest" else ""
        return f"{self.calls_between(measure.calls, start)}{self.named(name)}{wait}"

    def calls_between(self, figure: str, start: datetime | None) -> str:
        """The address of a figure's calls in a stretch, or in all of the time."""
        known = self.addresses.get((figure, start))
        if known:
            return known
        asked = self.asked
        until = min(next_start(start, asked.step, self.zone), asked.until) if start else asked.until
        since = max(start, asked.since) if start else asked.since
        pairs = {"figure": figure, "since": since.isoformat(), "until": until.isoformat()}
        address = f"{reverse('calls')}?{urlencode(pairs)}"
        self.addresses[figure, start] = address
        return address

    @cached_property
    def addresses(self) -> dict[tuple[str, datetime | None], str]:
        return {}

    def named(self, name: str) -> str:
        names = (name,) if name else self.asked.names
        return "".join(f"&{self.parameter}={quote_plus(each)}" for each in names)

    def stretch_name(self, start: datetime) -> str:
        local = start.astimezone(self.zone)
        if self.asked.step is Step.MONTH:
            return f"{local:%b %Y}"
        if self.asked.step in (Step.DAY, Step.WEEK):
            return f"{local:%a} {local.day} {local:%b}"
        several = self.asked.until - self.asked.since > DAY
        return f"{local:%a} {local.day} {local:%b, %H:%M}" if several else f"{local:%H:%M}"

    def address(self, **changes: str) -> str:
        asked = self.asked
        pairs = [*asked.pairs(), *((self.parameter, name) for name in asked.names)]
        pairs.append(("by", self.request.GET.get("by", "")))
        kept = [(name, value) for name, value in pairs if value and name not in changes]
        return f"?{urlencode(kept + [(name, value) for name, value in changes.items() if value])}"

    def period_options(self) -> list[tuple[Option, str]]:
        dropped = {"from": "", "to": "", "by": ""}
        return [
            (Option(key, label, key == self.asked.period.key), self.address(period=key, **dropped))
            for key, label in PRESETS.items()
            if key != "all"
        ]

    def step_options(self) -> list[tuple[Option, str]]:
        days = (self.asked.until - self.asked.since) / DAY
        return [
            (Option(step.value, label, step is self.asked.step), self.address(by=step.value))
            for step, label in STEP_NAMES.items()
            if days <= LONGEST_IN_DAYS.get(step, days) + 1
        ]

    def tabs(self) -> list[tuple[str, str, bool]]:
        query = f"?{urlencode(self.asked.pairs())}"
        return [
            ("Queues", reverse("statistics") + query, self.what == "queues"),
            ("Agents", reverse("statistics-agents") + query, self.what == "agents"),
        ]

    def last_check(self) -> StatisticsCheck | None:
        return self.rows(StatisticsCheck).order_by("-checked_at").first()

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

    @property
    def labels(self) -> dict[str, str]:
        return self.names.queues

    def sums(self, step: Step | None, *, each: bool) -> dict[Place, QueueSums]:
        return self.reading.queues(self.rows(QueueFigures), limits_of(self.rows(Queue)), step, each)

    def chart(self, lines: Mapping[datetime, QueueSums]) -> dict[str, Any]:
        return {
            "labels": [self.stretch_name(start) for start in lines],
            "unit": "calls",
            "bars": [
                {"label": "Answered", "tone": "agent", "values": [each.answered for each in lines.values()]},
                {
                    "label": "Abandoned",
                    "tone": "warn-mark",
                    "values": [each.abandoned for each in lines.values()],
                },
                {"label": "Short", "tone": "idle-mark", "values": [each.short for each in lines.values()]},
            ],
            "line": {"label": "Service level", "values": percent(lines.values(), "service_level")},
        }


class AgentStatisticsView(StatisticsView):
    what, parameter, measures = "agents", "agent", AGENT_MEASURES
    tiles = ("offered", "answered", "missed", "transferred", "login_ms", "occupancy")
    table = tuple(measure.key for measure in AGENT_MEASURES)
    nothing = AgentSums()

    @property
    def labels(self) -> dict[str, str]:
        return self.names.agents

    def sums(self, step: Step | None, *, each: bool) -> dict[Place, AgentSums]:
        stored = self.reading.agents(self.rows(AgentFigures), step, each)
        now = min(timezone.now(), self.asked.until)
        rows = self.rows(AgentNow)
        if self.asked.names:
            rows = rows.filter(agent_name__in=self.asked.names)
        on = still_logged_in(rows, self.asked.since, now, step, self.zone)
        if each:
            return added(stored, on)
        for (_, start), sums in on.items():
            stored = added(stored, {("", start): sums})
        return stored

    def chart(self, lines: Mapping[datetime, AgentSums]) -> dict[str, Any]:
        return {
            "labels": [self.stretch_name(start) for start in lines],
            "unit": "hours",
            "bars": [
                {
                    "label": label,
                    "tone": tone,
                    "values": [round(getattr(each, key) / 3_600_000, 2) for each in lines.values()],
                }
                for label, key, tone in AGENT_BARS
            ],
            "line": {"label": "Occupancy", "values": percent(lines.values(), "occupancy")},
        }


def step_of(asked: str, since: datetime, until: datetime) -> Step:
    """The step that is asked for, or the finest that gives a chart that can be read."""
    days = (until - since) / DAY
    fits = [step for step in Step if days <= LONGEST_IN_DAYS.get(step, days) + 1]
    usual = Step.HOUR if days <= 2 else Step.DAY
    wanted = [step for step in fits if step.value == asked] or [step for step in fits if step is usual]
    return (wanted or fits)[0]


def as_text(unit: Unit, value: float | None) -> str:
    if value is None:
        return "-"
    if unit is Unit.SHARE:
        return f"{value * 100:.1f}%"
    return duration(round(value)) if unit is Unit.TIME else f"{value:,}"


def percent(lines: Iterable[Any], name: str) -> list[float | None]:
    values = (getattr(each, name) for each in lines)
    return [None if value is None else round(value * 100, 1) for value in values]


def short(name: str) -> str:
    return name.partition("@")[0]


def csv_columns(what: str, labels: Mapping[str, str], measures: Iterable[Measure]) -> list[Column]:
    return [
        Column(what, Kind.TEXT, lambda row: row[0]),
        Column("label", Kind.TEXT, lambda row: labels.get(row[0], "")),
        *(measured(each, lambda row: row[1]) for each in measures),
    ]
