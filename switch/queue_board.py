"""Who waits, and what agents do, as of now: from events in any order, and from the switch's own lists.

An event is taken by its moment and number: a late or doubled one changes nothing that a later one has said.
The lists decide about whatever was not heard; what they do not know exactly (milliseconds, who is rung)
stays as events told it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import Struct

from switch import events as ev
from switch.queue_lists import ListedAgent, ListedMember, Lists, queues_of

Key = tuple[int, int]
NEVER: Final[Key] = (0, 0)
REMEMBERED: Final = 120 * ev.MICROSECONDS
IN_CALL: Final = "In a queue call"
READY: Final = "Waiting"
ASKING: Final = "Trying"
RING_ALL: Final = "ring-all"
FIRST: Final[Key] = (1, 0)
OVER: Final = frozenset({"Abandoned", "Terminated"})
LIVING: Final = (ev.QueueJoined, ev.AgentOffered, ev.AgentConnected)
QUEUE_EVENTS: Final = (ev.MemberEvent, ev.AgentChanged)


class Caller(Struct, frozen=True):
    """One who waits; ``ringing`` are the agents that are being asked, ``joined`` is in microseconds."""

    queue: str
    member: str
    session: str
    number: str
    name: str
    joined: int
    ringing: tuple[str, ...] = ()


class AgentState(Struct, frozen=True):
    """An agent; moments in microseconds, 0 where unknown. ``number`` and ``caller`` are who they talk to."""

    name: str
    status: str = ""
    status_since: int = 0
    state: str = ""
    state_since: int = 0
    wrap_up_until: int = 0
    queues: tuple[str, ...] = ()
    number: str = ""
    caller: str = ""


@dataclass(slots=True)
class _Passage:
    queue: str = ""
    number: str = ""
    name: str = ""
    joined: int = 0
    left: int = 0
    answered: int = 0
    agent: str = ""
    missing: int = 0
    last: Key = NEVER
    offered: dict[str, Key] = field(default_factory=dict)
    failed: dict[str, Key] = field(default_factory=dict)

    @property
    def over(self) -> int:
        """When it ended as far as we know: told by an event, or missing in a list; 0 while it goes on."""
        return self.left or self.missing

    @property
    def waits(self) -> bool:
        return not self.over and not self.answered

    @property
    def ringing(self) -> tuple[str, ...]:
        return tuple(
            sorted(agent for agent, key in self.offered.items() if key > self.failed.get(agent, NEVER))
        )


@dataclass(slots=True)
class _Value:
    """A text that changes, since when, and the event that last told of it."""

    text: str = ""
    since: int = 0
    key: Key = NEVER

    def tell(self, text: str, key: Key) -> bool:
        """Take a newer word; whether it was news."""
        if key <= self.key:
            return False
        news = text != self.text
        if news:
            self.text, self.since = text, key[0]
        self.key = key
        return news

    def correct(self, text: str, since: int) -> bool:
        """Take the list's word; whether it was another than ours."""
        if text == self.text:
            return False
        self.text, self.since = text, since
        return True


@dataclass(slots=True)
class _Agent:
    status: _Value = field(default_factory=_Value)
    state: _Value = field(default_factory=_Value)
    wrap_up_seconds: int = 0
    call_ended: int = 0
    queues: tuple[str, ...] = ()


class Board:
    """One switch's callers and agents."""

    def __init__(self) -> None:
        self._passages: dict[tuple[str, str], _Passage] = {}
        self._agents: dict[str, _Agent] = {}
        self._now = 0

    def hear(self, event: ev.Event) -> None:
        """Take notice of an event; those about nothing of ours are passed over."""
        if isinstance(event, QUEUE_EVENTS):
            self._now = max(self._now, event.at)
        if isinstance(event, ev.AgentChanged):
            self._agent_changed(event)
        elif isinstance(event, ev.MemberEvent):
            self._member_told(event)

    def correct(self, lists: Lists, at: int, heard_since: Iterable[ev.Event] = ()) -> list[ev.AgentChanged]:
        """Make it what the lists say (of the moment ``at``), with what was heard since they were asked for.

        Returned are the changes of known agents that no event had told.
        """
        self._now = max(self._now, at)
        recent = list(heard_since)
        self._correct_members(lists.members, recent)
        queues = queues_of(lists.tiers)
        missed: list[ev.AgentChanged] = []
        self._agents = {row.name: self._agents.get(row.name, _Agent()) for row in lists.agents}
        for row in lists.agents:
            agent = self._agents[row.name]
            agent.queues = queues.get(row.name, ())
            missed += _correct_agent(agent, row)
        for event in recent:
            self.hear(event)
        return [change for change in missed if change.at and self._still(change)]

    def remember(self, callers: Iterable[Caller], agents: Iterable[AgentState]) -> None:
        """Begin with what was known before; events and lists have the last word."""
        for caller in callers:
            passage = self._passages.setdefault((caller.member, caller.session), _Passage())
            passage.queue, passage.joined = caller.queue, caller.joined
            passage.number, passage.name = caller.number, caller.name
        for known in agents:
            agent = self._agents.setdefault(known.name, _Agent())
            agent.status = _Value(known.status, known.status_since)
            agent.state = _Value(known.state, known.state_since)
            agent.queues = known.queues

    def callers(self) -> list[Caller]:
        """Those who wait, the longest first."""
        found = [
            Caller(passage.queue, *key, passage.number, passage.name, passage.joined, passage.ringing)
            for key, passage in self._passages.items()
            if passage.waits and passage.joined
        ]
        return sorted(found, key=lambda caller: (caller.joined, caller.member))

    def agents(self) -> list[AgentState]:
        """The agents by name."""
        talks = {passage.agent: passage for passage in self._talks()}
        return [_shown(name, agent, talks.get(name)) for name, agent in sorted(self._agents.items())]

    def tidy(self) -> None:
        """Forget passages that ended long ago: nothing late comes of them any more."""
        old = self._now - REMEMBERED
        self._passages = {
            key: passage for key, passage in self._passages.items() if not passage.over or passage.over > old
        }

    def _talks(self) -> Iterator[_Passage]:
        return (passage for passage in self._passages.values() if passage.answered and not passage.over)

    def _agent_changed(self, event: ev.AgentChanged) -> None:
        if event.kind not in ("status", "state"):
            return
        agent = self._agents.setdefault(event.agent, _Agent())
        value = agent.status if event.kind == "status" else agent.state
        before, key = value.text, (event.at, event.sequence)
        if value.tell(event.value, key) and event.kind == "state":
            agent.call_ended = event.at if (before, event.value) == (IN_CALL, READY) else 0

    def _member_told(self, event: ev.MemberEvent) -> None:
        passage = self._passages.setdefault((event.member, event.session), _Passage())
        passage.queue = event.queue or passage.queue
        passage.number = event.caller_number or passage.number
        passage.name = event.caller_name or passage.name
        key = (event.at, event.sequence)
        if isinstance(event, LIVING):
            passage.joined = passage.joined or event.joined_epoch * ev.MICROSECONDS or event.at
            passage.missing = 0 if key > passage.last else passage.missing
        passage.last = max(key, passage.last)
        match event:
            case ev.QueueJoined():
                passage.joined = event.at
            case ev.QueueLeft():
                passage.left = event.at
            case ev.AgentOffered():
                passage.offered[event.agent] = max(key, passage.offered.get(event.agent, NEVER))
            case ev.OfferFailed():
                passage.failed[event.agent] = max(key, passage.failed.get(event.agent, NEVER))
            case ev.AgentConnected():
                passage.agent, passage.answered = event.agent, event.at

    def _correct_members(self, rows: Iterable[ListedMember], recent: Iterable[ev.Event]) -> None:
        """Those who are not listed are gone; a caller is told of a moment before the list has them."""
        listed = {(row.uuid, row.session_uuid): row for row in rows if row.state not in OVER}
        fresh = {(event.member, event.session) for event in recent if isinstance(event, ev.MemberEvent)}
        for key, passage in self._passages.items():
            if key not in listed and key not in fresh and not passage.over:
                passage.missing = self._now
        for key, row in listed.items():
            _correct_passage(self._passages.setdefault(key, _Passage()), row)

    def _still(self, change: ev.AgentChanged) -> bool:
        agent = self._agents[change.agent]
        return (agent.status if change.kind == "status" else agent.state).text == change.value


def _correct_passage(passage: _Passage, row: ListedMember) -> None:
    passage.missing = 0
    passage.queue = row.queue or passage.queue
    passage.number = passage.number or row.cid_number
    passage.name = passage.name or row.cid_name
    passage.joined = passage.joined or (row.rejoined_epoch or row.joined_epoch) * ev.MICROSECONDS
    if row.serving_agent != RING_ALL:
        asked = {row.serving_agent} if row.state == ASKING else set()
        passage.offered = {agent: key for agent, key in passage.offered.items() if agent in asked}
        for agent in asked - set(passage.ringing):
            passage.offered[agent] = max(FIRST, passage.failed.pop(agent, NEVER))
    if row.bridge_epoch:
        passage.agent = passage.agent or row.serving_agent
        passage.answered = passage.answered or row.bridge_epoch * ev.MICROSECONDS


def _correct_agent(agent: _Agent, row: ListedAgent) -> Iterator[ev.AgentChanged]:
    """Take the list's word; changes of an agent of whom something was known are told."""
    agent.wrap_up_seconds = row.wrap_up_time
    known = {"status": agent.status.text, "state": agent.state.text}
    changed = row.last_status_change * ev.MICROSECONDS
    if agent.status.correct(row.status, changed) and known["status"]:
        yield _missed(row.name, "status", row.status, changed)
    since = _state_since(row) * ev.MICROSECONDS
    if agent.state.correct(row.state, since):
        agent.call_ended = row.last_bridge_end * ev.MICROSECONDS if row.state == READY else 0
        if known["state"]:
            yield _missed(row.name, "state", row.state, since)


def _missed(agent: str, kind: Literal["status", "state"], value: str, at: int) -> ev.AgentChanged:
    """A change that nobody told, as of the second that the list gives; told again it is the same."""
    return ev.AgentChanged(
        core=f"listed:{agent}:{kind}:{value}",
        sequence=at // ev.MICROSECONDS,
        at=at,
        agent=agent,
        kind=kind,
        value=value,
    )


def _state_since(row: ListedAgent) -> int:
    if row.state == IN_CALL:
        return row.last_bridge_start
    if row.state == "Receiving":
        return row.last_offered_call
    return max(row.last_bridge_end, row.last_status_change)


def _shown(name: str, agent: _Agent, talk: _Passage | None) -> AgentState:
    wrap_up = agent.wrap_up_seconds * ev.MICROSECONDS
    talks = talk if agent.state.text == IN_CALL else None
    return AgentState(
        name,
        agent.status.text,
        agent.status.since,
        agent.state.text,
        agent.state.since,
        agent.call_ended + wrap_up if wrap_up and agent.call_ended and agent.state.text == READY else 0,
        agent.queues,
        talks.number if talks else "",
        talks.name if talks else "",
    )
