"""Today's figures of queues, for the board: each opens exactly the calls that it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from accounts.models import Account
from accounts.tenancy import TenantQuerySet
from ccportal.measures import QUEUE_MEASURES, Measure
from ccportal.portal.page import address_of
from ccportal.portal.statistics_lines import as_text
from cdr.buckets import Step, next_start, start_of
from cdr.figures import QueueSums, Reading, limits_of
from cdr.models import QueueFigures
from queues.models import Queue

ON_THE_BOARD = ("offered", "answered", "abandoned", "service_level", "asa_ms", "aht_ms")
MEASURES = [measure for key in ON_THE_BOARD for measure in QUEUE_MEASURES if measure.key == key]
NOBODY = QueueSums()


@dataclass(frozen=True)
class Told:
    """A figure of today; ``url`` leads to the calls that it counts."""

    label: str
    about: str
    shown: str
    url: str


@dataclass(frozen=True)
class Today:
    """Figures of today by queue."""

    reading: Reading
    by_queue: Mapping[str, QueueSums]

    def of(self, queue: str) -> list[Told]:
        return self._told(self.by_queue.get(queue, NOBODY), [queue])

    def of_all(self, queues: Sequence[str], names: Sequence[str]) -> list[Told]:
        """Of queues together; ``names`` are written into addresses, none for a whole account."""
        return self._told(sum((self.by_queue.get(queue, NOBODY) for queue in queues), NOBODY), names)

    def _told(self, sums: QueueSums, names: Sequence[str]) -> list[Told]:
        return [self._figure(measure, sums, names) for measure in MEASURES]

    def _figure(self, measure: Measure, sums: QueueSums, names: Sequence[str]) -> Told:
        value = measure.of(sums)
        since, until = self.reading.since, self.reading.until
        pairs = [("figure", measure.calls), ("since", iso(since)), ("until", iso(until))]
        query = urlencode([*pairs, *(("queue", name) for name in names)])
        url = f"{address_of('calls')}?{query}" if value and measure.calls else ""
        return Told(measure.label, measure.about, "" if value is None else as_text(measure.unit, value), url)


def read_today(
    account: Account, now: datetime, rows: TenantQuerySet[QueueFigures], queues: TenantQuerySet[Queue]
) -> Today:
    """The figures since midnight in the account's zone."""
    since = start_of(now, Step.DAY, account.zone)
    reading = Reading(account, since, next_start(since, Step.DAY, account.zone))
    found = reading.queues(rows, limits_of(queues), None, each=True)
    return Today(reading, {name: sums for (name, _), sums in found.items()})


def iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
