"""``/accounts/A/stats/queues`` and ``/stats/agents``: figures by stretches of the account's time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request

from accounts.access import Action
from ccportal.api.columns import Column, Kind
from ccportal.api.columns import present as presented
from ccportal.api.documents import listed
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid
from ccportal.api.filters import read_bound, read_values
from ccportal.api.sheets import plain_file_name, sheet
from ccportal.api.times import iso
from ccportal.api.views import AccountView, preferred
from ccportal.measures import AGENT_MEASURES, QUEUE_MEASURES, Measure, Unit
from cdr.buckets import DAY, Step, next_start, start_of
from cdr.figures import Place, Reading, added, limits_of, open_statuses, still_logged_in
from cdr.models import AgentFigures, QueueFigures
from queues.live_rows import AgentNow
from queues.models import Agent, Queue

USUAL = 30 * DAY
MOST_ROWS = 100_000
PARAMETERS = frozenset({"by", "created_from", "created_to", "queue", "agent", "accept", "file_name"})


@dataclass(frozen=True)
class Row:
    """The figures of one queue or agent in one stretch of time."""

    name: str
    label: str
    start: datetime
    end: datetime
    sums: Any


def plain(measure: Measure, sums: Any) -> float | int | None:
    """A figure for programs: calls, seconds, or a share from 0 to 1."""
    value = measure.of(sums)
    if value is None or measure.unit is Unit.CALLS:
        return value
    return round(value / 1000, 3) if measure.unit is Unit.TIME else round(value, 4)


def moment(name: str, about: str) -> Column:
    read = attrgetter(name)
    return Column(name, Kind.TIME, lambda row: iso(read(row)), moment=read, about=about)


def measured(measure: Measure, sums_of: Callable[[Any], Any] = attrgetter("sums")) -> Column:
    return Column(measure.name, Kind.NUMBER, lambda row: plain(measure, sums_of(row)), about=measure.about)


def columns_of(what: str, measures: Sequence[Measure]) -> tuple[Column, ...]:
    return (
        Column(what, Kind.TEXT, lambda row: row.name, about="The switch's name"),
        Column("label", Kind.TEXT, lambda row: row.label),
        moment("start", "When the stretch begins"),
        moment("end", "When the next one does"),
        *(measured(measure) for measure in measures),
    )


QUEUE_COLUMNS = columns_of("queue", QUEUE_MEASURES)
AGENT_COLUMNS = columns_of("agent", AGENT_MEASURES)


class Statistics(AccountView):
    """Figures of whole stretches: those that have a part between ``created_from`` and ``created_to``."""

    parameter: ClassVar[str]
    columns: ClassVar[Sequence[Column]]

    def sums(self, reading: Reading, step: Step) -> Mapping[Place, Any]:
        raise NotImplementedError

    def labels(self) -> dict[str, str]:
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = self.rows()
        if preferred(request, "application/json", "text/csv") == "text/csv":
            self.require(Action.EXPORT)
            name = plain_file_name(request.query_params.get("file_name", ""), f"{self.parameter}s.csv")
            return sheet(self.columns, [rows], self.account.zone, name)
        data = [presented(self.columns, row) for row in rows]
        return Answer(data, page_size=len(data), start_key="", time_zone=self.account.zone.key)

    def rows(self) -> list[Row]:
        reading, step = self.asked()
        zone, labels = self.account.zone, self.labels()
        found = [(name, start, sums) for (name, start), sums in self.sums(reading, step).items() if start]
        if len(found) > MOST_ROWS:
            message = "Ask for a shorter time, fewer names or longer stretches."
            raise Invalid.rule("created_from", "maximum", message, target=MOST_ROWS, value=len(found))
        return [
            Row(name, labels.get(name, ""), start, next_start(start, step, zone), sums)
            for name, start, sums in sorted(found, key=lambda each: each[:2])
        ]

    def asked(self) -> tuple[Reading, Step]:
        """The time, widened to whole stretches, and by which they are asked for."""
        query = self.request.query_params
        for name in query:
            if name not in PARAMETERS - ({"queue", "agent"} - {self.parameter}):
                raise Invalid.rule(name, "additionalProperties", "There is no such parameter.", value=name)
        step = self.step(query.get("by", Step.DAY.value))
        start, end = read_bound(query, "created_from"), read_bound(query, "created_to")
        until = end[1] if end else timezone.now()
        since = start[0] if start else until - USUAL
        if since >= until:
            message = "created_to is before created_from."
            raise Invalid.rule("created_to", "date_range", message, value=query.get("created_to", ""))
        zone = self.account.zone
        last = start_of(until - timedelta(microseconds=1), step, zone)
        names = [
            name for value in query.getlist(self.parameter) for name in read_values(self.parameter, value)
        ]
        first = start_of(since, step, zone)
        return Reading(self.account, first, next_start(last, step, zone), tuple(names)), step

    def step(self, text: str) -> Step:
        if text in list(Step):
            return Step(text)
        raise Invalid.rule("by", "enum", "This is not one of them.", target=list(Step), value=text)


class QueueStatistics(Statistics):
    parameter, columns = "queue", QUEUE_COLUMNS

    def sums(self, reading: Reading, step: Step) -> Mapping[Place, Any]:
        limits = limits_of(self.within(Queue))
        return reading.queues(self.within(QueueFigures), limits, step, each=True)

    def labels(self) -> dict[str, str]:
        return dict(self.within(Queue).order_by().values_list("name", "label"))

    @listed("Figures of queues", QUEUE_COLUMNS, name="QueueFigures")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


class AgentStatistics(Statistics):
    parameter, columns = "agent", AGENT_COLUMNS

    def sums(self, reading: Reading, step: Step) -> Mapping[Place, Any]:
        stored = reading.agents(self.within(AgentFigures), step, each=True)
        rows = self.within(AgentNow)
        if reading.names:
            rows = rows.filter(agent_name__in=reading.names)
        until = min(timezone.now(), reading.until or timezone.now())
        statuses = open_statuses(rows)
        on = still_logged_in(statuses, reading.since, until, step, self.account.zone, each=True)
        return added(stored, on)

    def labels(self) -> dict[str, str]:
        return dict(self.within(Agent).order_by().values_list("name", "label"))

    @listed("Figures of agents", AGENT_COLUMNS, name="AgentFigures")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)
