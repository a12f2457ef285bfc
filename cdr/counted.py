"""The calls that a figure counts: the visits or offers it is the number of, and the calls they are in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from cdr.contributions import LONGEST_OFFER, REASONS, WITHDRAWN_CAUSES
from cdr.figures import Limits
from cdr.models import AgentOffer, OfferOutcome, QueueVisit

ANSWERED = Q(answered_at__isnull=False)
GONE = Q(answered_at__isnull=True, left_at__isnull=False)
NOBODY = Q(pk__in=[])
OF_QUEUES = (
    *("offered", "answered", "in_time", "abandoned", "gave_up", "timed_out", "no_agent", "exited", "lost"),
    *("short", "waiting", "finished", "longest"),
)
OF_AGENTS = ("agent_offered", "agent_answered", "missed", "withdrawn", "transferred", "handled")


@dataclass(frozen=True)
class Counted:
    """A figure of a time, of some queues or agents or of all."""

    figure: str
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    names: Collection[str] = ()
    wait_ms: int | None = None

    @property
    def is_of_agents(self) -> bool:
        return self.figure in OF_AGENTS

    def visits(self, rows: QuerySet[QueueVisit], limits: Mapping[str, Limits]) -> QuerySet[QueueVisit]:
        named = Q(queue_name__in=list(self.names)) if self.names else Q()
        return rows.filter(self._between("joined_at") & named & self._state(limits))

    def offers(self, rows: QuerySet[AgentOffer]) -> QuerySet[AgentOffer]:
        named = Q(agent_name__in=list(self.names)) if self.names else Q()
        return rows.filter(named & self._offer_state())

    def _between(self, column: str) -> Q:
        since = Q(**{f"{column}__gte": self.since}) if self.since else Q()
        return since & Q(**{f"{column}__lt": self.until}) if self.until else since

    def _state(self, limits: Mapping[str, Limits]) -> Q:
        short = (
            GONE
            & Q(cancel_reason="BREAK_OUT")
            & by_queue(limits, lambda limit: limit.short_abandon, "wait_ms__lt")
        )
        states: dict[str, Q] = {
            "answered": ANSWERED,
            "in_time": ANSWERED & by_queue(limits, lambda limit: limit.service_level, "wait_ms__lte"),
            "abandoned": GONE & ~short,
            "gave_up": GONE & Q(cancel_reason="BREAK_OUT") & ~short,
            "short": short,
            "lost": GONE & ~Q(cancel_reason__in=REASONS),
            "waiting": Q(answered_at__isnull=True, left_at__isnull=True),
            "finished": ANSWERED | GONE,
            "longest": Q(wait_ms=self.wait_ms or 0),
        }
        states |= {
            name: GONE & Q(cancel_reason=reason) for reason, name in REASONS.items() if name != "hung_up"
        }
        return states.get(self.figure, Q())

    def _offer_state(self) -> Q:
        answered = Q(outcome=OfferOutcome.ANSWERED)
        failed = Q(outcome=OfferOutcome.FAILED)
        if self.figure == "handled":
            return answered & self._talking()
        states = {
            "agent_answered": answered,
            "missed": failed & ~Q(hangup_cause__in=WITHDRAWN_CAUSES),
            "withdrawn": failed & Q(hangup_cause__in=WITHDRAWN_CAUSES),
            "transferred": answered & Q(transferred=True),
        }
        return self._between("offered_at") & states.get(self.figure, Q())

    def _talking(self) -> Q:
        """Part of the talk was in the time; the first condition is the one an index answers."""
        since = Q(offered_at__gte=self.since - LONGEST_OFFER, ended_at__gt=self.since) if self.since else Q()
        over = Q(ended_at__isnull=False)
        return (
            over & since & Q(offered_at__lt=self.until, answered_at__lt=self.until)
            if self.until
            else (over & since)
        )


def by_queue(limits: Mapping[str, Limits], read: Any, lookup: str) -> Q:
    """The waits within each queue's own limit; queues that are not known have the usual one."""
    names: dict[int, list[str]] = {}
    for name, limit in limits.items():
        names.setdefault(read(limit), []).append(name)
    known = [Q(queue_name__in=some, **{lookup: seconds * 1000}) for seconds, some in names.items()]
    usual = ~Q(queue_name__in=list(limits)) & Q(**{lookup: read(Limits()) * 1000})
    return reduce(or_, known, usual)
