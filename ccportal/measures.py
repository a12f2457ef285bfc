"""What is measured of queues and agents: what each figure is called, means, and which calls it counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Unit(Enum):
    """What a figure's value is."""

    CALLS = "calls"
    TIME = "time"
    SHARE = "share"


@dataclass(frozen=True)
class Measure:
    """A figure; ``calls`` names the calls it is about in addresses, "" when it is about none."""

    key: str
    label: str
    about: str
    unit: Unit
    calls: str = ""
    api_key: str = ""

    def of(self, sums: Any) -> float | None:
        value: float | None = getattr(sums, self.key)
        return value

    @property
    def name(self) -> str:
        """The name in the API and in files, with the unit."""
        return self.api_key or self.key.replace("_ms", "_seconds")


QUEUE_MEASURES = (
    Measure("offered", "Offered", "Visits: callers who joined the queue, each time", Unit.CALLS, "offered"),
    Measure("answered", "Answered", "Visits that an agent answered", Unit.CALLS, "answered"),
    Measure(
        "abandoned",
        "Abandoned",
        "Visits that ended without an answer, for whatever reason; short abandons are not in it",
        Unit.CALLS,
        "abandoned",
    ),
    Measure("gave_up", "Hung up", "Abandoned: the caller hung up", Unit.CALLS, "gave_up"),
    Measure("timed_out", "Timed out", "Abandoned: the longest wait was reached", Unit.CALLS, "timed_out"),
    Measure("no_agent", "No agent", "Abandoned: nobody was logged in", Unit.CALLS, "no_agent"),
    Measure("exited", "Left by key", "Abandoned: the caller pressed the exit key", Unit.CALLS, "exited"),
    Measure("lost", "Unknown", "Abandoned: the reason was not heard", Unit.CALLS, "lost"),
    Measure(
        "short", "Short", "Callers who hung up before the queue's short-abandon limit", Unit.CALLS, "short"
    ),
    Measure("waiting", "Waiting", "Visits that are neither answered nor over", Unit.CALLS, "waiting"),
    Measure(
        "in_time", "In time", "Answered within the queue's service-level threshold", Unit.CALLS, "in_time"
    ),
    Measure(
        "service_level",
        "Service level",
        "Answered within the queue's threshold / (offered - short abandons)",
        Unit.SHARE,
        "in_time",
    ),
    Measure("asa_ms", "ASA", "Average speed of answer: mean wait of the answered", Unit.TIME, "answered"),
    Measure(
        "average_wait_ms",
        "Average wait",
        "Mean wait of everyone who does not wait any more",
        Unit.TIME,
        "finished",
    ),
    Measure("longest_wait_ms", "Longest wait", "The longest wait of any visit", Unit.TIME, "longest"),
    Measure(
        "aht_ms",
        "AHT",
        "Average handling time: (talk + hold + wrap-up) / answered",
        Unit.TIME,
        "answered",
    ),
    Measure("talk_ms", "Talk", "Time agents talked with the callers, without holds", Unit.TIME, "answered"),
    Measure("hold_ms", "Hold", "Time the callers were on hold", Unit.TIME, "answered"),
    Measure("wrap_up_ms", "Wrap-up", "Time agents were given after the calls", Unit.TIME, "answered"),
)
AGENT_MEASURES = (
    Measure("offered", "Offered", "Offers made to the agent", Unit.CALLS, "agent_offered"),
    Measure("answered", "Answered", "Offers that the agent answered", Unit.CALLS, "agent_answered"),
    Measure("missed", "Missed", "Offers let ring, rejected, busy or not reachable", Unit.CALLS, "missed"),
    Measure(
        "withdrawn",
        "Withdrawn",
        "Offers that ended without the agent: the caller hung up, or another agent was faster",
        Unit.CALLS,
        "withdrawn",
    ),
    Measure("transferred", "Transfers", "Answered calls that the agent passed on", Unit.CALLS, "transferred"),
    Measure("login_ms", "Login", "Time with any status but Logged Out, until now", Unit.TIME),
    Measure("break_ms", "Break", "Time with the status On Break", Unit.TIME),
    Measure("talk_ms", "Talk", "Time spent talking, without holds", Unit.TIME, "handled"),
    Measure("hold_ms", "Hold", "Time the agent's callers were on hold", Unit.TIME, "handled"),
    Measure("wrap_up_ms", "Wrap-up", "Time given after calls", Unit.TIME, "handled"),
    Measure(
        "occupancy",
        "Occupancy",
        "(talk + hold + wrap-up) / (login - break)",
        Unit.SHARE,
        "handled",
    ),
)
