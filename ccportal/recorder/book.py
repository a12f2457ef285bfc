"""The takes of all live legs: armed, started, stopped and silenced, each file told to the journal first.

A take whose leg was not answered yet is armed, so that the switch itself begins at the answer. Where the
answer may have come first, or nothing began soon after it, the same file is started by a command, which is
harmless if it runs. Nothing is started before the answer: that would change the call.
"""

from __future__ import annotations

import heapq
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ccportal.recorder.notes import note_asked, note_following
from ccportal.recorder.orders import CORE, Answered, Give, Order, Purpose, Tell
from ccportal.recorder.takes import LiveTake, Reason, Stage, new_take
from switch import events as ev
from switch.commands import Command, disarm_recording
from switch.errors import UnsafeValue

FALLBACK_SECONDS: Final = 0.06
MOST_TRIES: Final = 2
NO_SUCH_LEG: Final = "No such channel"


@dataclass(slots=True)
class LegState:
    """A leg that lives: ``answered`` is monotonic, 0 before; ``count`` is how many takes it had.

    One that ``had_its_file`` before we met it is not recorded anew for reasons that it was recorded for.
    """

    answered: float = 0.0
    bridged: bool = False
    count: int = 0
    takes: list[LiveTake] = field(default_factory=list)
    for_next_file: list[Reason] = field(default_factory=list)
    had_its_file: bool = False

    @property
    def current(self) -> LiveTake | None:
        """Our take that runs or is going to."""
        return next(
            (take for take in reversed(self.takes) if take.ours and take.stage is not Stage.OVER), None
        )

    def may_begin(self, take: LiveTake) -> bool:
        return bool(self.answered) and (self.bridged or take.start != "bridge")


class Book:
    """Every live leg and its takes; ``orders`` collects what is to be done."""

    def __init__(
        self,
        switch: uuid.UUID,
        account_of: Callable[[str], str] = lambda leg: "",
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.legs: dict[str, LegState] = {}
        self.orders: list[Order] = []
        self.now = now
        self._switch = switch
        self._account_of = account_of
        self._by_path: dict[str, LiveTake] = {}
        self._timers: list[tuple[float, int, str, LiveTake]] = []
        self._turn = itertools.count()

    @property
    def next_timer(self) -> float | None:
        return self._timers[0][0] if self._timers else None

    def tick(self, now: float) -> None:
        """Start what was armed and did not begin in time."""
        while self._timers and self._timers[0][0] <= now:
            due, _, leg, take = heapq.heappop(self._timers)
            if take.stage is Stage.ARMED and leg in self.legs:
                self._start(take, due)

    def meet(self, leg: str, *, answered: float, bridged: bool, count: int, takes: list[LiveTake]) -> None:
        """Learn how far a leg is that we did not hear of from its beginning."""
        self.legs[leg] = LegState(answered, bridged, count, takes)
        self._by_path |= {take.path: take for take in takes}

    def end(self, leg: str) -> None:
        """Nothing begins any more on a leg that is gone; a file that moved on goes on elsewhere."""
        state = self.legs.pop(leg, None)
        for take in state.takes if state else ():
            take.stage = Stage.OVER
            self._by_path.pop(take.path, None)

    def grant(self, leg: str, reason: Reason, folder: str, read_at: float) -> None:
        """Give a leg one more reason to be recorded, in the file that it has or a new one."""
        state = self.legs.get(leg)
        if state is None:
            return
        take = state.current
        if take is None:
            state.count += 1
            take = new_take(self._switch, folder, leg, state.count, [reason])
            state.takes.append(take)
            self._by_path[take.path] = take
        else:
            take.reasons.append(reason)
        self._pursue(take, state, read_at)
        if take.follows and not take.following and take.stage is not Stage.PLANNED:
            take.following = True
            self.note(take.on or leg, partial(note_following, take.on or leg), read_at)
        self._note_asked(take, read_at, changed=reason)

    def had_its_file(self, leg: str) -> bool:
        state = self.legs.get(leg)
        return state is not None and state.had_its_file

    def note(self, leg: str, make: Callable[[], Command], read_at: float) -> None:
        """Note something on a leg that lives, for the listener that comes after us."""
        if leg in self.legs:
            with suppress(UnsafeValue):
                self.orders.append(Give(leg, Purpose.NOTE, (make(),), read_at=read_at))

    def answered(self, leg: str, read_at: float) -> None:
        state = self.legs.get(leg)
        if state is None:
            return
        state.answered = state.answered or read_at
        take = state.current
        if take is None or take.stage not in (Stage.ARMED, Stage.PLANNED):
            return
        if take.stage is Stage.ARMED and 0 < take.armed_at <= read_at:
            heapq.heappush(self._timers, (read_at + FALLBACK_SECONDS, next(self._turn), leg, take))
        elif state.may_begin(take):
            self._start(take, read_at)

    def bridged(self, leg: str, read_at: float) -> None:
        state = self.legs.get(leg)
        if state is None:
            return
        state.bridged = True
        take = state.current
        if take and take.stage is Stage.PLANNED and not take.tries and state.may_begin(take):
            self._start(take, read_at)

    def started(self, event: ev.RecordingStarted) -> LiveTake:
        """Take notice that a file began, also one that we did not ask for."""
        leg = event.channel.uuid
        take = self._by_path.get(event.path)
        if take is None:
            take = LiveTake(leg, event.path, on=leg)
            if state := self.legs.get(leg):
                state.takes.append(take)
                take.reasons, state.for_next_file = state.for_next_file, []
                self._by_path[take.path] = take
        take.stage, take.started, take.on = Stage.RUNNING, event.at, leg
        return take

    def stopped(self, path: str) -> None:
        take = self._by_path.pop(path, None)
        if take is not None:
            take.stage = Stage.OVER
            self._leave(take)

    def moved(self, event: ev.RecordingMoved, read_at: float) -> None:
        """A recording that follows a transfer has come to another leg."""
        take, arrived = self._by_path.get(event.path), self.legs.get(event.channel.uuid)
        if take is not None and arrived is not None and event.arrived and take not in arrived.takes:
            self._leave(take)
            arrived.takes.append(take)
            take.on = event.channel.uuid
            self._note_asked(take, read_at, changed=next(filter(is_action, take.wanted), None))

    def stop_action(self, leg: str, read_at: float) -> None:
        """End the newest grant that an action made; the file ends when nobody else wants it."""
        state = self.legs.get(leg)
        take = state.current if state else None
        places = [
            place
            for place, reason in enumerate(take.reasons if take else ())
            if is_action(reason) and not reason.ended
        ]
        if take is None or not places:
            return
        take.reasons[places[-1]] = take.reasons[places[-1]].ended_at(self.now())
        self.intend(take)
        self._note_asked(take, read_at, changed=take.reasons[places[-1]])
        if not take.wanted:
            self._stop(take, read_at)

    def running(self, legs: Iterator[str]) -> Iterator[LiveTake]:
        """The files being written on these legs, ours and others'."""
        for leg in legs:
            state = self.legs.get(leg)
            yield from (take for take in (state.takes if state else ()) if take.stage is Stage.RUNNING)

    def mask(self, take: LiveTake, read_at: float, *, masked: bool) -> None:
        purpose = Purpose.MASK if masked else Purpose.UNMASK
        self._give(purpose, take, read_at, lambda: [take.mask(masked=masked)])

    def done(self, done: Answered) -> None:
        """Take notice of what became of commands about a take."""
        give = done.give
        take = self._by_path.get(give.path)
        if take is None:
            return
        if not done.ok and give.purpose is not Purpose.STOP and not came_too_late(done):
            self.refused(done, take.rid)
        match give.purpose:
            case Purpose.ARM if take.stage is Stage.ARMED:
                take.armed_at = done.at if done.ok else 0.0
            case Purpose.START if not done.ok and take.stage is Stage.ASKED:
                take.stage = Stage.PLANNED
            case Purpose.MASK | Purpose.UNMASK if done.ok:
                self._masked(take, masked=give.purpose is Purpose.MASK)

    def try_again(self, now: float) -> None:
        """Start once more what the switch could not be told or refused."""
        for state in list(self.legs.values()):
            take = state.current
            if take and take.stage is Stage.PLANNED and 0 < take.tries < MOST_TRIES and take.wanted:
                self._pursue(take, state, now)

    def intend(self, take: LiveTake) -> None:
        """Tell the journal what file there is going to be, and why."""
        self.tell(
            ev.RecordingIntended(
                **self.moment(),
                leg=take.leg,
                path=take.path,
                rid=take.rid,
                origin=take.origin if take.ours else "",
                account=self._account_of(take.leg),
                grants=[reason.as_json() for reason in take.reasons],
            )
        )

    def refused(self, done: Answered, rid: str = "") -> None:
        self.tell(
            ev.RecordingRefused(
                **self.moment(),
                leg=done.give.leg,
                command=done.give.purpose.label,
                reply=done.complaint[:200],
                rid=rid,
                path=done.give.path,
            )
        )

    def tell(self, event: ev.Event) -> None:
        self.orders.append(Tell(event))

    def moment(self) -> dict[str, Any]:
        return {"core": CORE, "sequence": 0, "at": self.now()}

    def _pursue(self, take: LiveTake, state: LegState, read_at: float) -> None:
        if take.stage in (Stage.ASKED, Stage.RUNNING):
            self.intend(take)
        elif state.may_begin(take):
            self._start(take, read_at)
        elif take.start != "bridge":
            self._arm(take, read_at)

    def _arm(self, take: LiveTake, read_at: float) -> None:
        take.stage, take.armed_at, take.following = Stage.ARMED, 0.0, take.follows
        self.intend(take)
        self._give(Purpose.ARM, take, read_at, lambda: [take.prepare(), take.arm()])

    def _start(self, take: LiveTake, read_at: float) -> None:
        prepared = take.stage is Stage.ARMED
        take.stage, take.following = Stage.ASKED, take.following if prepared else take.follows
        take.tries += 1
        if not prepared:
            self.intend(take)
        before = [] if prepared else [take.prepare]
        self._give(Purpose.START, take, read_at, lambda: [*(make() for make in before), take.begin()])

    def _stop(self, take: LiveTake, read_at: float) -> None:
        if take.stage is Stage.ARMED:
            self._give(Purpose.STOP, take, read_at, lambda: [disarm_recording(take.leg)])
        elif take.stage in (Stage.ASKED, Stage.RUNNING):
            self._give(Purpose.STOP, take, read_at, lambda: [take.end()])
        take.stage = Stage.OVER

    def _masked(self, take: LiveTake, *, masked: bool) -> None:
        if take.masked == masked:
            return
        take.masked = masked
        self.tell(
            ev.RecordingMasked(
                **self.moment(),
                leg=take.leg,
                path=take.path,
                masked=masked,
                started=take.started,
                rid=take.rid,
            )
        )

    def _note_asked(self, take: LiveTake, read_at: float, changed: Reason | None) -> None:
        """Note on the leg what actions want of its file, when that changed."""
        if changed and is_action(changed):
            leg = take.on or take.leg
            self.note(leg, partial(note_asked, leg, take.wanted), read_at)

    def _leave(self, take: LiveTake) -> None:
        state = self.legs.get(take.on or take.leg)
        if state is not None and take in state.takes:
            state.takes.remove(take)

    def _give(
        self, purpose: Purpose, take: LiveTake, read_at: float, make: Callable[[], list[Command]]
    ) -> None:
        """Have commands given; what would not be safe to send is refused here."""
        leg = take.on or take.leg
        try:
            self.orders.append(Give(leg, purpose, tuple(make()), take.path, read_at))
        except UnsafeValue as error:
            self.refused(Answered(Give(leg, purpose, (), take.path), (), read_at, str(error)), take.rid)


def is_action(reason: Reason) -> bool:
    return reason.scope == "action"


def came_too_late(done: Answered) -> bool:
    """Whether a leg was gone before its answer could be prepared for: then there is nothing to record."""
    return done.give.purpose is Purpose.ARM and done.complaint.startswith(NO_SUCH_LEG)
