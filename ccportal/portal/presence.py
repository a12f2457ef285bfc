"""Agents and callers of this moment as pages show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Account, Switch
from ccportal.portal.clock import between, duration, whole
from ccportal.portal.rows import Names, Party, party
from ccportal.portal.wording import State as Mark
from queues.live_rows import AgentNow, LiveSwitch, WaitingCaller
from queues.presence import Presence, presence_of

MARKS = {
    Presence.CALL: Mark("On a call", "talk"),
    Presence.RINGING: Mark("Ringing", "talk"),
    Presence.WRAP_UP: Mark("Wrap-up", "note"),
    Presence.READY: Mark("Ready", "good"),
    Presence.BREAK: Mark("Break", "off"),
    Presence.OUT: Mark("Logged out", "off"),
}
BARS = {
    Presence.CALL: "bar-talk",
    Presence.RINGING: "bar-ring",
    Presence.WRAP_UP: "bar-note",
    Presence.READY: "bar-good",
    Presence.BREAK: "bar-soft",
}
IN_BARS = (Presence.READY, Presence.RINGING, Presence.CALL, Presence.WRAP_UP, Presence.BREAK)
IN_WORDS = {
    Presence.READY: "ready",
    Presence.RINGING: "ringing",
    Presence.CALL: "on a call",
    Presence.WRAP_UP: "in wrap-up",
    Presence.BREAK: "on break",
}
KEPT_UP = timedelta(seconds=20)
LATE = timedelta(seconds=120)
BAR_STEP, BAR_WIDTH, BARS_AT_MOST = 13, 10, 24


@dataclass(frozen=True)
class Since:
    """A moment that a page counts from: the browser ticks, and without it what was true when it was sent."""

    at: datetime
    title: str
    shown: str
    is_late: bool = False

    @property
    def stamp(self) -> str:
        return str(int(self.at.timestamp() * 1000))


@dataclass(frozen=True)
class Waiter:
    """Someone who waits."""

    id: str
    party: Party
    queue: str
    ringing: str
    since: Since


@dataclass(frozen=True)
class Person:
    """An agent now."""

    id: str
    name: str
    label: str
    presence: Presence
    mark: Mark
    since: Since | None
    talks_to: str
    queues: tuple[str, ...]
    on_demand: bool = False


@dataclass(frozen=True)
class Bar:
    """Agents of one presence after the other, as little blocks with words."""

    blocks: Sequence[tuple[str, int]]
    words: str
    more: int = 0

    @property
    def width(self) -> int:
        return len(self.blocks) * BAR_STEP


@dataclass(frozen=True)
class Liveness:
    """Whether what stands there is of now."""

    is_live: bool
    words: str = ""


def since(
    at: datetime | None, now: datetime, account: Account, late: timedelta | None = None
) -> Since | None:
    if at is None:
        return None
    shown = duration(max(0, between(at, now) or 0))
    return Since(at, whole(at, account.zone), shown, bool(late and now - at > late))


def presence_now(row: AgentNow, now: datetime) -> tuple[Presence, datetime | None]:
    """What an agent does, and since when."""
    wrapping_up = bool(row.wrap_up_until and row.wrap_up_until > now)
    presence = presence_of(row.status, row.state, wrapping_up)
    if presence in (Presence.BREAK, Presence.OUT):
        return presence, row.status_since
    if presence == Presence.READY:
        moments = (row.status_since, row.state_since, row.wrap_up_until)
        return presence, max(filter(None, moments), default=None)
    return presence, row.state_since


def person_of(row: AgentNow, names: Names, account: Account, now: datetime, id_: str = "") -> Person:
    presence, at = presence_now(row, now)
    talks_to = party(row.caller_name, row.caller_number, names).shown if row.caller_number else ""
    return Person(
        id_,
        row.agent_name,
        names.agent(row.agent_name),
        presence,
        MARKS[presence],
        since(at, now, account),
        talks_to,
        tuple(row.queues),
        row.status == "Available (On Demand)",
    )


def waiter_of(row: WaitingCaller, names: Names, account: Account, now: datetime) -> Waiter:
    waited = since(row.joined_at, now, account, LATE)
    assert waited is not None  # noqa: S101 - joined_at is never null
    return Waiter(
        row.pk.hex,
        party(row.caller_name, row.caller_number, names),
        names.queue(row.queue_name),
        ", ".join(names.agent(agent) for agent in row.ringing),
        waited,
    )


def bar_of(people: Iterable[Person]) -> Bar:
    counts = Counter(person.presence for person in people)
    order = [presence for presence in IN_BARS for _ in range(counts[presence])]
    blocks = [(BARS[presence], place * BAR_STEP) for place, presence in enumerate(order[:BARS_AT_MOST])]
    words = [f"{counts[presence]} {IN_WORDS[presence]}" for presence in IN_BARS if counts[presence]]
    return Bar(blocks, ", ".join(words) or "nobody logged in", max(0, len(order) - BARS_AT_MOST))


def liveness_of(account: Account, switches: Iterable[object], now: datetime) -> Liveness:
    """Whether every switch that has to do with the account's queues is heard, and its listener alive."""
    ours = Q(switch__in=set(switches)) | Q(switch__in=Switch.objects.filter(account=account))
    rows = list(LiveSwitch.objects.filter(ours, switch__enabled=True).select_related("switch"))
    if not rows:
        return Liveness(
            False, "No switch has told of queues yet. What it says shows here within two seconds."
        )
    behind = [row.seen_at for row in rows if not row.connected or now - row.seen_at > KEPT_UP]
    if behind:
        told = whole(min(behind), account.zone)
        return Liveness(False, f"The switch is not heard. What stands here is of {told}.")
    return Liveness(True)
