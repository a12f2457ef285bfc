"""The live board: who waits, what agents do, queue by queue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import Http404
from django.utils import timezone

from ccportal.portal.live import LivePage, LivePart
from ccportal.portal.page import address_of
from ccportal.portal.presence import (
    Bar,
    Person,
    Since,
    Waiter,
    bar_of,
    liveness_of,
    person_of,
    waiter_of,
)
from ccportal.portal.rows import Names
from ccportal.portal.today import MEASURES, Today, Told, read_today
from ccportal.portal.wording import capped
from cdr.models import Call, Outcome, QueueFigures
from cdr.search import count_capped
from queues.live_rows import AgentNow, WaitingCaller
from queues.models import Agent, Queue
from queues.presence import Presence

QUEUES_AT_MOST = 200
CALLERS_AT_MOST = 500
AGENTS_AT_MOST = 2000
SHOWN_AT_MOST = 50
ORDER = list(Presence)
TALKING = (Presence.CALL, Presence.RINGING)


@dataclass(frozen=True)
class Line:
    """A queue on the board."""

    id: uuid.UUID
    label: str
    waiting: int
    longest: Since | None
    bar: Bar
    today: Sequence[Told]


@dataclass(frozen=True)
class Figure:
    """A number of this moment."""

    title: str
    hint: str
    shown: str
    beside: str = ""
    url: str = ""
    since: Since | None = None


class Board(LivePage):
    """All queues that the person sees."""

    section = "queues"
    template = "portal/queues.html"
    part_template = "portal/queues_live.html"

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @cached_property
    def queues(self) -> list[Queue]:
        return list(self.rows(Queue).order_by("name")[:QUEUES_AT_MOST])

    @cached_property
    def callers(self) -> list[WaitingCaller]:
        return list(self.rows(WaitingCaller).order_by("joined_at")[:CALLERS_AT_MOST])

    @cached_property
    def called(self) -> Names:
        """The names, also of who waits and who talks."""
        waiting = [row.caller_number for row in self.callers]
        return self.names_with([*waiting, *(row.caller_number for row in self.agent_rows)])

    @cached_property
    def people(self) -> list[Person]:
        """Those who are logged in, busy ones first."""
        rows = self.agent_rows
        ids = dict(self.rows(Agent).values_list("name", "id")[:AGENTS_AT_MOST])
        found = [
            person_of(
                row,
                self.called,
                self.chosen,
                self.now,
                ids[row.agent_name].hex if row.agent_name in ids else "",
            )
            for row in rows
        ]
        return sorted(
            (person for person in found if person.presence != Presence.OUT),
            key=lambda person: (ORDER.index(person.presence), person.label),
        )

    @cached_property
    def today(self) -> Today:
        return read_today(self.chosen, self.now, self.rows(QueueFigures), self.rows(Queue))

    def named(self) -> list[str]:
        """The queues that addresses of all queues' calls have to name."""
        whole = self.actor is not None and self.actor.sees_whole_accounts
        return [] if whole else [queue.name for queue in self.queues]

    @cached_property
    def agent_rows(self) -> list[AgentNow]:
        return list(self.rows(AgentNow).order_by("agent_name")[:AGENTS_AT_MOST])

    def contents(self) -> dict[str, Any]:
        waiters = [waiter_of(row, self.called, self.chosen, self.now) for row in self.callers]
        switches = {row.switch_id for row in self.agent_rows}
        return {
            "liveness": liveness_of(self.chosen, switches, self.now),
            "figures": self.figures(waiters),
            "lines": [self.line(queue) for queue in self.queues],
            "today": self.today.of_all([queue.name for queue in self.queues], self.named()),
            "measures": MEASURES,
            "waiters": waiters[:SHOWN_AT_MOST],
            "waiting": len(waiters),
            "people": self.people[:SHOWN_AT_MOST],
            "people_count": len(self.people),
            "add_url": self.set_up("admin:queues_queue_add"),
        }

    def line(self, queue: Queue) -> Line:
        waiting = [row for row in self.callers if row.queue_name == queue.name]
        longest = waiter_of(waiting[0], self.called, self.chosen, self.now).since if waiting else None
        serving = (person for person in self.people if queue.name in person.queues)
        return Line(
            queue.pk,
            self.names.queue(queue.name),
            len(waiting),
            longest,
            bar_of(serving),
            self.today.of(queue.name),
        )

    def figures(self, waiters: Sequence[Waiter]) -> list[Figure]:
        longest = waiters[0] if waiters else None
        return [
            Figure("Waiting", "Callers in a queue whom no agent has answered yet.", f"{len(waiters):,}"),
            Figure(
                "Longest wait",
                "How long the caller who came first has waited.",
                "" if longest else "None",
                longest.queue if longest else "",
                since=longest.since if longest else None,
            ),
            self.in_progress(),
            self.count(
                "Ready", "Logged in, neither on a call nor in wrap-up nor on a break.", Presence.READY
            ),
            self.count("On a call", "Talking to a caller of a queue, or being rung for one.", *TALKING),
            self.count(
                "Break or wrap-up", "Logged in, and not to be called now.", Presence.BREAK, Presence.WRAP_UP
            ),
        ]

    def in_progress(self) -> Figure:
        calls = self.rows(Call).filter(ended_at=None, outcome=Outcome.IN_PROGRESS)
        count = count_capped([calls])
        shown = capped(count)
        url = f"{address_of('calls')}?outcome=in_progress&period=all"
        return Figure(
            "Calls in progress",
            "All calls of the account that have not ended, of queues or not.",
            shown,
            url=url,
        )

    def count(self, title: str, hint: str, *wanted: Presence) -> Figure:
        return Figure(title, hint, f"{sum(person.presence in wanted for person in self.people):,}")


class QueuesView(Board):
    """The board as a page."""

    def beside(self) -> dict[str, Any]:
        return {"title": "Queues", "queue": None}


class QueuesPart(LivePart, Board):
    """The board's live part."""


class OneQueue(Board):
    """One queue of the board: its callers, and the agents who serve it."""

    @cached_property
    def queue(self) -> Queue:
        queue = self.rows(Queue).filter(pk=self.kwargs["id"]).first()
        if queue is None:
            raise Http404("There is no such queue.")
        return queue

    @cached_property
    def queues(self) -> list[Queue]:
        return [self.queue]

    def named(self) -> list[str]:
        return [self.queue.name]

    @cached_property
    def callers(self) -> list[WaitingCaller]:
        rows = self.rows(WaitingCaller).filter(queue_name=self.queue.name)
        return list(rows.order_by("joined_at")[:CALLERS_AT_MOST])

    @cached_property
    def agent_rows(self) -> list[AgentNow]:
        rows = self.rows(AgentNow).order_by("agent_name")[:AGENTS_AT_MOST]
        return [row for row in rows if self.queue.name in row.queues]

    def in_progress(self) -> Figure:
        calls = self.rows(Call).filter(ended_at=None, outcome=Outcome.IN_PROGRESS, queue_name=self.queue.name)
        count = count_capped([calls])
        url = f"{address_of('calls')}?outcome=in_progress&period=all&queue={self.queue.name}"
        return Figure("Calls in progress", "Calls of this queue that have not ended.", f"{count:,}", url=url)


class QueueView(OneQueue):
    """One queue as a page."""

    def beside(self) -> dict[str, Any]:
        return {"title": self.names.queue(self.queue.name), "queue": self.queue}


class QueuePart(LivePart, OneQueue):
    """One queue's live part."""
