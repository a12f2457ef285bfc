"""From events and askings to orders, without any input or output of its own.

With each leg the facts of its call grow; the decision is made anew, and new grants go to their legs' takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ccportal.recorder.asking import Asked, from_event, message_reason, reason_of
from ccportal.recorder.book import Book
from ccportal.recorder.notes import note_masked
from ccportal.recorder.orders import Answered, Order
from ccportal.recorder.takes import Reason
from policies.decide import Decision, decide
from policies.json_facts import refusals_as_json
from policies.live_facts import LiveCall, LiveCalls, LiveLeg, facts_in_words, facts_of_call, forwarder_of
from policies.snapshot import Snapshot
from switch import events as ev

NOBODYS: Final = "Nobody knows whose call this is."
QUEUE_ASKED: Final = "Recorded by the queue itself."


@dataclass(slots=True)
class CallState:
    """What has been done about a call: which grants were given, what was told, whether it is silenced."""

    given: set[tuple[str, str]] = field(default_factory=set)
    grants: list[Reason] = field(default_factory=list)
    told: object = None
    masked: bool = False


class Engine:
    """Knows the live calls; whoever drives it takes its orders after each step.

    ``unmet`` is what phones and the dialplan asked for on legs that we have not met.
    """

    def __init__(self, snapshot: Snapshot, now: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.snapshot = snapshot
        self.calls = LiveCalls()
        self.book = Book(snapshot.switch_id, self._account_of, now)
        self.unmet: list[Asked] = []
        self._states: dict[int, CallState] = {}

    def hear(self, event: ev.Event, read_at: float) -> None:
        """Take notice of an event; ``read_at`` is when it was read, monotonic."""
        match event:
            case ev.LegCreated():
                self.created(event.channel, read_at)
            case ev.LegAnswered():
                self.book.answered(event.channel.uuid, read_at)
                self._record_for_queues(event.channel.uuid, read_at)
            case ev.LegBridged():
                self.book.bridged(event.a_leg, read_at)
                self.book.bridged(event.b_leg, read_at)
            case ev.LegEnded():
                self.ended(event.channel.uuid, read_at)
            case ev.RecordingStarted():
                self._started(event, read_at)
            case ev.RecordingStopped():
                self.book.stopped(event.path)
            case ev.RecordingMoved():
                self.book.moved(event, read_at)
            case ev.RecordingAsked():
                asked = from_event(event)
                if self.knows(asked.leg):
                    self.ask(asked, read_at)
                else:
                    self.unmet.append(asked)

    def orders(self) -> list[Order]:
        """Return what is to be done since the last time."""
        orders, self.book.orders = self.book.orders, []
        return orders

    def done(self, done: Answered) -> None:
        """Take notice of what became of commands."""
        self.book.done(done)

    def knows(self, leg: str) -> bool:
        return leg in self.calls.by_leg and leg in self.book.legs

    def created(self, channel: ev.Channel, read_at: float, *, masked: bool = False) -> None:
        """Take notice of a leg; ``masked`` when it says of itself that its conversation is silenced."""
        if channel.uuid in self.calls.by_leg:
            return
        if channel.uuid not in self.book.legs:
            self.book.meet(channel.uuid, answered=0.0, bridged=False, count=0, takes=[])
        call = self.calls.created(channel, self.snapshot)
        self._state(call).masked |= masked
        self._decide(call, read_at)
        self._record_for_queues(channel.uuid, read_at)

    def ended(self, leg: str, read_at: float) -> None:
        """A leg is gone; with the last one the call is over, and what was not known stays so."""
        self.book.end(leg)
        call = self.calls.by_leg.get(leg)
        if call is None or any(uuid in self.book.legs for uuid in call.legs):
            return
        call.over = True
        self._decide(call, read_at)
        self.calls.forget(call)
        self._states.pop(id(call), None)

    def ask(self, asked: Asked, read_at: float) -> bool:
        """Do what somebody asked for a live leg; False when there is no such leg or action."""
        call, state = self.calls.by_leg.get(asked.leg), self.book.legs.get(asked.leg)
        if call is None or state is None:
            return False
        match asked.action:
            case "start":
                reason = reason_of(asked)
                self.book.grant(asked.leg, reason, self.snapshot.folder, read_at)
                self._add_reasons(call, [reason])
            case "stop":
                self.book.stop_action(asked.leg, read_at)
            case "mask" | "unmask":
                self._mask(call, asked.action == "mask", read_at)
            case "record_caller":
                state.for_next_file.append(message_reason(asked))
            case _:
                return False
        return True

    def _decide(self, call: LiveCall, read_at: float) -> None:
        decision = decide(facts_of_call(call, self.snapshot))
        state = self._state(call)
        for leg, reason in self._granted(call, decision):
            if (reason.scope, leg) not in state.given:
                state.given.add((reason.scope, leg))
                state.grants.append(reason)
                if not self.book.had_its_file(leg):
                    self.book.grant(leg, reason, self.snapshot.folder, read_at)
        if state.grants or call.over or call.rung or not any(map(is_pending, decision.refusals)):
            self._tell(call, decision)

    def _granted(self, call: LiveCall, decision: Decision) -> Iterator[tuple[str, Reason]]:
        rung, a_leg = call.rung, call.a_leg
        forwarder = forwarder_of(call, self.snapshot)
        for grant in decision.grants:
            if grant.callee is not None:
                leg = rung[grant.callee].uuid
            elif grant.scope == "forwarder":
                leg = forwarder[0].uuid if forwarder else ""
            else:
                leg = a_leg.uuid if a_leg else ""
            if leg:
                yield leg, Reason.of(grant, leg)

    def _record_for_queues(self, leg: str, read_at: float) -> None:
        """Record the callers of queues that record, from the answer of an agent on."""
        call = self.calls.by_leg.get(leg)
        for agent in call.legs.values() if call else ():
            state = self.book.legs.get(agent.uuid)
            if call and agent.agent and state and state.answered:
                self._record_for_queue(call, agent, read_at)

    def _record_for_queue(self, call: LiveCall, agent: LiveLeg, read_at: float) -> None:
        """Grant it once for each agent; a file that the queue wants already serves the next one too."""
        queue, member = self.snapshot.queue(call.account, agent.queue), self.book.legs.get(agent.member)
        given = self._state(call).given
        if queue is None or member is None or ("queue", agent.uuid) in given:
            return
        given.add(("queue", agent.uuid))
        reason = Reason(
            "queue", queue.start, dict(queue.params), f"Recorded by the queue {agent.queue}.", agent.member
        )
        if member.current is None or reason not in member.current.wanted:
            self.book.grant(agent.member, reason, self.snapshot.folder, read_at)
            self._add_reasons(call, [reason])

    def _tell(self, call: LiveCall, decision: Decision) -> None:
        """Have the decision kept, if it is another than what was told last."""
        state = self._state(call)
        first = call.a_leg or next(iter(call.legs.values()))
        content: dict[str, Any] = {
            "facts": facts_in_words(call, self.snapshot),
            "grants": [reason.as_json() for reason in state.grants],
            "refusals": refusals_as_json(decision) if call.account else [nobodys()],
        }
        if content != state.told:
            state.told = content
            self.book.tell(ev.CallDecided(**self.book.moment(), leg=first.uuid, **content))

    def _started(self, event: ev.RecordingStarted, read_at: float) -> None:
        take = self.book.started(event)
        call = self.calls.by_leg.get(event.channel.uuid)
        if call is None:
            return
        if not take.ours and event.tags.get("by") == "queue":
            take.reasons.append(Reason("queue", "now", {}, QUEUE_ASKED, take.leg))
        if not take.ours and take.reasons:
            self.book.intend(take)
            self._add_reasons(call, take.reasons)
        if self._state(call).masked:
            self.book.mask(take, read_at, masked=True)

    def _add_reasons(self, call: LiveCall, reasons: list[Reason]) -> None:
        self._state(call).grants += reasons
        self._tell(call, decide(facts_of_call(call, self.snapshot)))

    def _mask(self, call: LiveCall, masked: bool, read_at: float) -> None:
        """Silence every running file of the conversation, and those that begin from now on."""
        self._state(call).masked = masked
        for leg in call.legs:
            self.book.note(leg, partial(note_masked, leg, masked=masked), read_at)
        for take in list(self.book.running(iter(call.legs))):
            self.book.mask(take, read_at, masked=masked)

    def _account_of(self, leg: str) -> str:
        call = self.calls.by_leg.get(leg)
        return call.account if call else ""

    def _state(self, call: LiveCall) -> CallState:
        return self._states.setdefault(id(call), CallState())


def is_pending(refusal: Any) -> bool:
    return bool(refusal.pending)


def nobodys() -> dict[str, Any]:
    return {"scope": "account", "leg": "A", "because": NOBODYS, "pending": False}
