"""What one row adds to the figures of a queue or an agent; the definitions are in docs/statistics.md."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from cdr.buckets import MILLISECOND, quarter_of, split
from cdr.models import OfferOutcome
from queues.thresholds import SHORT_SECONDS, WITHIN_SECONDS

REASONS = {
    "BREAK_OUT": "hung_up",
    "TIMEOUT": "timed_out",
    "NO_AGENT_TIMEOUT": "no_agent",
    "EXIT_WITH_KEY": "exited",
}
LOST = "lost"
ABANDONED = (*REASONS.values(), LOST)
# The agent had no part in it: another took the caller, the caller left, the switch went down.
WITHDRAWN_CAUSES = ("", "LOSE_RACE", "ORIGINATOR_CANCEL", "PICKED_OFF", "SYSTEM_SHUTDOWN", "LOST_TRACK")
LOGGED_OUT, ON_BREAK = "Logged Out", "On Break"
LONGEST_OFFER = dt.timedelta(hours=24)
LONGEST_WRAP_UP = dt.timedelta(hours=1)
LONGEST_STATUS = dt.timedelta(days=92)

WITHIN = {seconds: f"within_{seconds}" for seconds in WITHIN_SECONDS}
SHORT = {seconds: f"short_{seconds}" for seconds in SHORT_SECONDS}
QUEUE_SUMS = (
    *("offered", "answered", *ABANDONED),
    *("wait_ms", "answer_wait_ms", "talk_ms", "hold_ms", "wrap_up_ms"),
    *WITHIN.values(),
    *SHORT.values(),
)
AGENT_SUMS = (
    *("offered", "answered", "missed", "withdrawn", "transferred"),
    *("talk_ms", "hold_ms", "wrap_up_ms", "login_ms", "break_ms"),
)


class Key(NamedTuple):
    """Whose quarter-hour."""

    account_id: uuid.UUID
    name: str
    begins_at: dt.datetime


class Visit(NamedTuple):
    """The columns of a visit that count, in the order in which they are read."""

    id: uuid.UUID
    account_id: uuid.UUID | None
    queue_name: str
    joined_at: dt.datetime
    answered_at: dt.datetime | None
    left_at: dt.datetime | None
    cancel_reason: str
    wait_ms: int | None


class Offer(NamedTuple):
    """The columns of an offer that count, in the order in which they are read."""

    visit_id: uuid.UUID
    account_id: uuid.UUID | None
    agent_name: str
    outcome: str
    hangup_cause: str
    offered_at: dt.datetime
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    talk_ms: int | None
    hold_ms: int
    wrap_up_ms: int
    transferred: bool


class Status(NamedTuple):
    """An agent's status from a moment on."""

    at: dt.datetime
    value: str


Sums = dict[Key, Counter[str]]
Wanted = Callable[[dt.datetime], bool]


def every(_: dt.datetime) -> bool:
    return True


@dataclass
class Contributions:
    """Sums by queue and by agent, and how often each wait was waited; all can be negative in a difference."""

    queues: Sums = field(default_factory=dict)
    agents: Sums = field(default_factory=dict)
    waits: Counter[tuple[Key, int]] = field(default_factory=Counter)
    wanted: Wanted = every

    def add_visits(self, visits: Iterable[Visit], offers: Iterable[Offer], sign: int = 1) -> None:
        """Add to the queues what became of callers; a visit's times are those of the offers in it."""
        by_visit: dict[uuid.UUID, list[Offer]] = {}
        for offer in offers:
            by_visit.setdefault(offer.visit_id, []).append(offer)
        for visit in visits:
            if visit.account_id:
                self._add_visit(visit.account_id, visit, by_visit.get(visit.id, ()), sign)

    def add_offers(self, offers: Iterable[Offer], sign: int = 1) -> None:
        """Add to the agents what became of offers."""
        for offer in offers:
            if offer.account_id:
                self._add_offer(offer.account_id, offer, sign)

    def add_statuses(
        self, account_id: uuid.UUID, agent: str, statuses: Iterable[Status], sign: int = 1
    ) -> None:
        """Add the time between each status and the next; what the last one is of is not over."""
        for status, following in pairwise(statuses):
            if status.value != LOGGED_OUT:
                self.add_status(account_id, agent, status, following.at, sign)

    def add_status(
        self, account_id: uuid.UUID, agent: str, status: Status, until: dt.datetime, sign: int = 1
    ) -> None:
        for quarter, ms in split(status.at, min(until, status.at + LONGEST_STATUS)):
            self._count(self.agents, Key(account_id, agent, quarter), "login_ms", sign * ms)
            if status.value == ON_BREAK:
                self._count(self.agents, Key(account_id, agent, quarter), "break_ms", sign * ms)

    def _add_visit(self, account_id: uuid.UUID, visit: Visit, offers: Sequence[Offer], sign: int) -> None:
        key = Key(account_id, visit.queue_name, quarter_of(visit.joined_at))
        counted = [*states_of(visit), *(pair for offer in offers for pair in times_of(offer))]
        for name, number in counted:
            self._count(self.queues, key, name, sign * number)
        if visit.wait_ms and self.wanted(key.begins_at):
            self.waits[key, visit.wait_ms] += sign

    def _add_offer(self, account_id: uuid.UUID, offer: Offer, sign: int) -> None:
        key = Key(account_id, offer.agent_name, quarter_of(offer.offered_at))
        for name in counts_of(offer):
            self._count(self.agents, key, name, sign)
        for quarter, name, ms in spent_on(offer):
            self._count(self.agents, Key(account_id, offer.agent_name, quarter), name, sign * ms)

    def _count(self, sums: Sums, key: Key, name: str, number: int) -> None:
        if number and self.wanted(key.begins_at):
            counts = sums.get(key)
            if counts is None:
                counts = sums[key] = Counter()
            counts[name] += number


def states_of(visit: Visit) -> Iterable[tuple[str, int]]:
    """What became of a caller; one who neither left nor was answered is only offered."""
    yield "offered", 1
    wait = visit.wait_ms or 0
    if visit.answered_at:
        yield from (("answered", 1), ("wait_ms", wait), ("answer_wait_ms", wait))
        yield from ((name, 1) for seconds, name in WITHIN.items() if wait <= seconds * 1000)
    elif visit.left_at:
        reason = REASONS.get(visit.cancel_reason, LOST)
        yield from ((reason, 1), ("wait_ms", wait))
        if reason == "hung_up":
            yield from ((name, 1) for seconds, name in SHORT.items() if wait < seconds * 1000)


def times_of(offer: Offer) -> Iterable[tuple[str, int]]:
    """What an agent spent on a caller; nothing before it is over."""
    if offer.outcome == OfferOutcome.ANSWERED and offer.talk_ms is not None:
        held = min(offer.hold_ms, offer.talk_ms)
        yield from (("talk_ms", offer.talk_ms - held), ("hold_ms", held), ("wrap_up_ms", offer.wrap_up_ms))


def counts_of(offer: Offer) -> Iterable[str]:
    yield "offered"
    if offer.outcome == OfferOutcome.ANSWERED:
        yield "answered"
        if offer.transferred:
            yield "transferred"
    elif offer.outcome == OfferOutcome.FAILED:
        yield "withdrawn" if offer.hangup_cause in WITHDRAWN_CAUSES else "missed"


def spent_on(offer: Offer) -> Iterable[tuple[dt.datetime, str, int]]:
    """The quarter-hours that talk, hold and wrap-up were in; a hold is spread evenly over its talk.

    What is later than a day after the offer is not counted.
    """
    if offer.outcome != OfferOutcome.ANSWERED or not offer.answered_at or not offer.ended_at:
        return
    latest = offer.offered_at + LONGEST_OFFER
    end = min(offer.ended_at, latest)
    whole = max((end - offer.answered_at) // MILLISECOND, 0)
    held, passed, told = min(offer.hold_ms, whole), 0, 0
    for quarter, ms in split(offer.answered_at, end):
        passed += ms
        share = held * passed // whole - told
        told += share
        yield quarter, "talk_ms", ms - share
        yield quarter, "hold_ms", share
    if end < latest:
        rest = min(offer.wrap_up_ms * MILLISECOND, LONGEST_WRAP_UP)
        for quarter, ms in split(end, end + rest):
            yield quarter, "wrap_up_ms", ms
