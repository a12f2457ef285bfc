"""Read stored figures: of each queue or agent in a time, or of each stretch of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Case, Expression, F, Max, QuerySet, Sum, Value, When

from accounts.models import Account
from cdr.buckets import MILLISECOND, Step, next_start, start_of
from cdr.contributions import LOGGED_OUT, LONGEST_STATUS, ON_BREAK, SHORT, WITHIN
from cdr.figure_tables import Span
from cdr.models import AgentFigures, FiguresMark, QueueFigures
from queues.live_rows import AgentNow
from queues.models import Queue
from queues.thresholds import SERVICE_LEVEL_DEFAULT, SHORT_ABANDON_DEFAULT

Place = tuple[str, dt.datetime | None]
OpenStatuses = dict[str, tuple[dt.datetime, str]]
BY_DAYS = (Step.DAY, Step.WEEK, Step.MONTH)


@dataclass(frozen=True)
class Limits:
    """A queue's thresholds in seconds."""

    service_level: int = SERVICE_LEVEL_DEFAULT
    short_abandon: int = SHORT_ABANDON_DEFAULT


@dataclass(frozen=True)
class Sums:
    """Numbers that can be added up."""

    def __add__(self, other: Self) -> Self:
        mine, theirs = vars(self), vars(other)
        return type(self)(**{name: combined(name, mine[name], theirs[name]) for name in mine})


def combined(name: str, mine: int, theirs: int) -> int:
    return max(mine, theirs) if name == "longest_wait_ms" else mine + theirs


@dataclass(frozen=True)
class QueueSums(Sums):
    """What became of callers; ``hung_up`` has the short abandons in it."""

    offered: int = 0
    answered: int = 0
    hung_up: int = 0
    timed_out: int = 0
    no_agent: int = 0
    exited: int = 0
    lost: int = 0
    short: int = 0
    in_time: int = 0
    wait_ms: int = 0
    answer_wait_ms: int = 0
    longest_wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0

    @property
    def gone(self) -> int:
        """Everyone who left without an answer, however soon."""
        return self.hung_up + self.timed_out + self.no_agent + self.exited + self.lost

    @property
    def abandoned(self) -> int:
        return self.gone - self.short

    @property
    def gave_up(self) -> int:
        return self.hung_up - self.short

    @property
    def waiting(self) -> int:
        return self.offered - self.answered - self.gone

    @property
    def service_level(self) -> float | None:
        return ratio(self.in_time, self.offered - self.short)

    @property
    def asa_ms(self) -> float | None:
        return ratio(self.answer_wait_ms, self.answered)

    @property
    def average_wait_ms(self) -> float | None:
        return ratio(self.wait_ms, self.answered + self.gone)

    @property
    def aht_ms(self) -> float | None:
        return ratio(self.talk_ms + self.hold_ms + self.wrap_up_ms, self.answered)


@dataclass(frozen=True)
class AgentSums(Sums):
    """What became of an agent's offers, and how the time was spent."""

    offered: int = 0
    answered: int = 0
    missed: int = 0
    withdrawn: int = 0
    transferred: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    login_ms: int = 0
    break_ms: int = 0

    @property
    def occupancy(self) -> float | None:
        return ratio(self.talk_ms + self.hold_ms + self.wrap_up_ms, self.login_ms - self.break_ms)


S = TypeVar("S", QueueSums, AgentSums)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


@dataclass(frozen=True)
class Reading:
    """Which figures are read: from ``since`` to ``until``, both where a stretch of the step begins."""

    account: Account
    since: dt.datetime | None
    until: dt.datetime | None
    names: tuple[str, ...] = ()

    def queues(
        self, rows: QuerySet[QueueFigures], limits: Mapping[str, Limits], step: Step | None, each: bool
    ) -> dict[Place, QueueSums]:
        """By queue if ``each``, and by stretch if there is a step."""
        columns = queue_columns(limits)
        return self._read(rows, QueueSums, columns, "queue_name" if each else "", step)

    def agents(self, rows: QuerySet[AgentFigures], step: Step | None, each: bool) -> dict[Place, AgentSums]:
        columns: dict[str, Expression] = {field.name: Sum(field.name) for field in fields(AgentSums)}
        return self._read(rows, AgentSums, columns, "agent_name" if each else "", step)

    def _read(
        self,
        rows: QuerySet[Any],
        kind: type[S],
        columns: Mapping[str, Expression],
        name: str,
        step: Step | None,
    ) -> dict[Place, S]:
        grouped = [column for column in (name, "begins_at" if step else "") if column]
        chosen = self._narrowed(rows, step).order_by().values(*grouped or ["account"])
        found: dict[Place, S] = {}
        for row in chosen.annotate(**{f"sum_{column}": total for column, total in columns.items()}):
            start = start_of(row["begins_at"], step, self.account.zone) if step else None
            place = (row[name] if name else "", start)
            sums = kind(**{column: row[f"sum_{column}"] or 0 for column in columns})
            found[place] = found[place] + sums if place in found else sums
        return found

    def _narrowed(self, rows: QuerySet[Any], step: Step | None) -> QuerySet[Any]:
        span = Span.DAY if self._by_days(step) else Span.QUARTER
        rows = rows.filter(account=self.account, span=span)
        if self.since:
            rows = rows.filter(begins_at__gte=self.since)
        if self.until:
            rows = rows.filter(begins_at__lt=self.until)
        if self.names:
            name = "queue_name" if rows.model is QueueFigures else "agent_name"
            rows = rows.filter(**{f"{name}__in": self.names})
        return rows

    def _by_days(self, step: Step | None) -> bool:
        """Whether days that are added up already make the stretches and the whole."""
        zone = self.account.zone
        moments = [moment for moment in (self.since, self.until) if moment]
        if step not in (None, *BY_DAYS) or any(start_of(m, Step.DAY, zone) != m for m in moments):
            return False
        return self._has_days

    @cached_property
    def _has_days(self) -> bool:
        marks = FiguresMark.objects.filter(account=self.account, zone=self.account.zone.key)
        return marks.filter(complete=True).exists()


def queue_columns(limits: Mapping[str, Limits]) -> dict[str, Expression]:
    """Sums of the columns; which of the waits count as in time or short is each queue's own."""
    plain = [field.name for field in fields(QueueSums)]
    columns: dict[str, Expression] = {
        name: Sum(name) for name in plain if name not in ("short", "in_time", "longest_wait_ms")
    }
    within = {name: limit.service_level for name, limit in limits.items()}
    short = {name: limit.short_abandon for name, limit in limits.items()}
    columns["longest_wait_ms"] = Max("longest_wait_ms")
    columns["in_time"] = Sum(chosen_by_queue(within, WITHIN, SERVICE_LEVEL_DEFAULT))
    columns["short"] = Sum(chosen_by_queue(short, SHORT, SHORT_ABANDON_DEFAULT))
    return columns


def chosen_by_queue(seconds: Mapping[str, int], columns: Mapping[int, str], default: int) -> Case:
    names: dict[int, list[str]] = {}
    for queue, limit in seconds.items():
        if limit != default:
            names.setdefault(limit, []).append(queue)
    cases = [
        When(queue_name__in=queues, then=F(columns[limit]) if limit else Value(0))
        for limit, queues in names.items()
    ]
    return Case(*cases, default=F(columns[default]))


def limits_of(queues: QuerySet[Queue]) -> dict[str, Limits]:
    rows = queues.order_by().values_list("name", "service_level_seconds", "short_abandon_seconds")
    return {name: Limits(within, short) for name, within, short in rows}


def open_statuses(rows: QuerySet[AgentNow]) -> OpenStatuses:
    """Each agent's newest status and since when, as the switches say now."""
    latest: OpenStatuses = {}
    told = rows.filter(status_since__isnull=False).values_list("agent_name", "status_since", "status")
    for name, at, status in told:
        if at:
            latest[name] = max(latest.get(name, (at, status)), (at, status))
    return {name: found for name, found in latest.items() if found[1] not in ("", LOGGED_OUT)}


def still_logged_in(
    statuses: OpenStatuses,
    since: dt.datetime | None,
    until: dt.datetime,
    step: Step | None,
    zone: ZoneInfo,
    each: bool,
) -> dict[Place, AgentSums]:
    """The time up to now of statuses that are not over, which no stored figure has yet."""
    login: Counter[Place] = Counter()
    on_break: Counter[Place] = Counter()
    for name, (at, status) in statuses.items():
        begin = max(at, since) if since else at
        for start, ms in stretches(begin, min(until, at + LONGEST_STATUS), step, zone):
            place = (name if each else "", start)
            login[place] += ms
            on_break[place] += ms if status == ON_BREAK else 0
    return {place: AgentSums(login_ms=ms, break_ms=on_break[place]) for place, ms in login.items()}


def stretches(
    begin: dt.datetime, end: dt.datetime, step: Step | None, zone: ZoneInfo
) -> Iterable[tuple[dt.datetime | None, int]]:
    if begin >= end:
        return
    if step is None:
        yield None, (end - begin) // MILLISECOND
        return
    while begin < end:
        start = start_of(begin, step, zone)
        following = min(next_start(start, step, zone), end)
        yield start, (following - begin) // MILLISECOND
        begin = following


def added(one: dict[Place, S], other: Mapping[Place, S]) -> dict[Place, S]:
    return one | {place: one[place] + sums if place in one else sums for place, sums in other.items()}
