"""What an address of the statistics asks for: the time, the stretches of it, some names, an order, a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict

from ccportal.portal.filters import without_nul
from ccportal.portal.options import Option
from ccportal.portal.period import CUSTOM, PRESETS, Period, read_period
from cdr.buckets import DAY, Step, midnight, start_of

USUAL = "7d"
STEP_NAMES = {
    Step.QUARTER_HOUR: "15 min",
    Step.HOUR: "Hour",
    Step.DAY: "Day",
    Step.WEEK: "Week",
    Step.MONTH: "Month",
}
LONGEST_IN_DAYS = {Step.QUARTER_HOUR: 2, Step.HOUR: 14, Step.DAY: 124, Step.WEEK: 750}
FIRST_YEARS = 10 * 366
LONGEST_PAGE_NUMBER = 6


@dataclass(frozen=True)
class Asked:
    """What an address asks for; the last stretch ends at ``until``, a ``sort`` with a - falls."""

    period: Period
    since: datetime
    until: datetime
    step: Step
    by: str
    parameter: str
    names: tuple[str, ...]
    sort: str
    page: int

    @classmethod
    def read(cls, params: QueryDict, parameter: str, zone: ZoneInfo, now: datetime) -> Asked:
        key = params.get("period", "") or ("" if params.get("from") or params.get("to") else USUAL)
        period = read_period(key, params.get("from", ""), params.get("to", ""), zone, now)
        tomorrow = midnight(now.astimezone(zone).date() + DAY, zone)
        until = min(period.until or tomorrow, tomorrow)
        since = max(period.since or until - FIRST_YEARS * DAY, until - FIRST_YEARS * DAY)
        since = start_of(min(since, until), Step.DAY, zone)
        by = params.get("by", "")
        return cls(
            period,
            since,
            until,
            step_of(by, since, until),
            by,
            parameter,
            without_nul(params.getlist(parameter)),
            params.get("sort", ""),
            page_number(params.get("page", "")),
        )

    def days(self) -> list[tuple[str, str]]:
        days = (("from", self.period.first), ("to", self.period.last))
        key = "" if self.period.key == CUSTOM else self.period.key
        return [("period", key)] * bool(key) + [(name, day.isoformat()) for name, day in days if day]

    def address(self, **changes: str) -> str:
        """The address that asks for the same but for these changes, from its first page on."""
        pairs = [*self.days(), *((self.parameter, name) for name in self.names)]
        pairs += [("by", self.by), ("sort", self.sort)]
        kept = [(name, value) for name, value in pairs if value and name not in changes]
        return f"?{urlencode(kept + [(name, value) for name, value in changes.items() if value])}"

    def periods(self) -> list[tuple[Option, str]]:
        dropped = {"from": "", "to": "", "by": ""}
        return [
            (Option(key, label, key == self.period.key), self.address(period=key, **dropped))
            for key, label in PRESETS.items()
            if key != "all"
        ]

    def steps(self) -> list[tuple[Option, str]]:
        return [
            (Option(step.value, STEP_NAMES[step], step is self.step), self.address(by=step.value))
            for step in steps_of(self.since, self.until)
        ]

    def name_of(self, start: datetime, zone: ZoneInfo) -> str:
        """What a stretch is called."""
        local = start.astimezone(zone)
        if self.step is Step.MONTH:
            return f"{local:%b %Y}"
        if self.step in (Step.DAY, Step.WEEK):
            return f"{local:%a} {local.day} {local:%b}"
        several = self.until - self.since > DAY
        return f"{local:%a} {local.day} {local:%b, %H:%M}" if several else f"{local:%H:%M}"


def steps_of(since: datetime, until: datetime) -> list[Step]:
    """Those that give a chart that can be read."""
    days = (until - since) / DAY
    return [step for step in Step if days <= LONGEST_IN_DAYS.get(step, days) + 1]


def step_of(asked: str, since: datetime, until: datetime) -> Step:
    """The step that is asked for, or the usual one, or the finest that fits."""
    fits = steps_of(since, until)
    usual = Step.HOUR if until - since <= 2 * DAY else Step.DAY
    wanted = [step for step in fits if step.value == asked] or [step for step in fits if step is usual]
    return (wanted or fits)[0]


def page_number(text: str) -> int:
    """Pages are counted from 1."""
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_PAGE_NUMBER
    return max(int(text), 1) if is_number else 1
