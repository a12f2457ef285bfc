"""A call as a row of the list."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from ccportal.portal.clock import clock_time, day_heading, duration, whole
from ccportal.portal.reviewing import Review
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import direction_icon, direction_word, on_one_line, outcome_state, phone
from cdr.models import Call, CallDirection
from recordings.models import State

LONGEST_NAME_SHOWN = 80
NO_NAME = "Outbound Call"
RECORDING_MARKS = (
    (frozenset({State.READY}), ("rec", "Recorded", "")),
    (frozenset({State.RECORDING, State.EXPECTED}), ("rec", "Recording now", "bad")),
    (frozenset({State.RECEIVED, State.PROCESSING}), ("clock", "Being processed", "")),
    (frozenset({State.MISSING}), ("warn", "Recording missing", "warn")),
    (frozenset({State.FAILED}), ("warn", "Recording failed", "bad")),
    (frozenset({State.DISCARDED}), ("discarded", "Discarded: too short to keep", "off")),
    (frozenset({State.DELETING, State.DELETED}), ("discarded", "Recording deleted", "off")),
)


@dataclass(frozen=True)
class Names:
    """How an account calls its queues, agents and callers, and from which country it reads numbers.

    ``contacts`` leads from the numbers of what is shown, as they stand there, to names.
    """

    country: str
    queues: dict[str, str]
    agents: dict[str, str]
    contacts: Mapping[str, str] = field(default_factory=dict)

    def queue(self, name: str) -> str:
        return self.queues.get(name) or name.partition("@")[0]

    def agent(self, name: str) -> str:
        return self.agents.get(name) or name.partition("@")[0]

    def phone(self, number: str) -> str:
        return phone(number, self.country)


@dataclass(frozen=True)
class Party:
    """Someone on the phone: a name if there is one, and a number; ``title`` is the name in full."""

    name: str
    number: str
    title: str = ""

    @property
    def shown(self) -> str:
        return self.name or self.number or "Unknown"

    @property
    def beside(self) -> str:
        """The number, where the name is not already it."""
        return self.number if self.name else ""


@dataclass(frozen=True)
class Row:
    id: str
    time: str
    moment: str
    at: datetime
    direction: str
    direction_icon: str
    party: Party
    queue: str
    agent: str
    wait: str
    talk: str
    outcome: Mark
    recording_icon: str
    recording: str
    recording_tone: str
    tags: Sequence[str] = ()
    review: Review | None = None

    @property
    def key(self) -> str:
        """The id as form fields compare it: with dashes."""
        return str(uuid.UUID(self.id))

    @property
    def place(self) -> str:
        """Queue and agent, for the second line of a narrow row."""
        return ", ".join(filter(None, (self.queue, self.agent)))


def other_party(call: Call, names: Names) -> Party:
    """Whom the account spoke with: who called in, who was called; of inside calls the caller."""
    name = call.callee_name if call.direction == CallDirection.OUTBOUND else call.caller_name
    return party(name, other_number(call), names)


def other_number(call: Call) -> str:
    if call.direction == CallDirection.OUTBOUND:
        return call.dialed_number or call.callee_number
    return call.caller_number


def party(name: str, number: str, names: Names) -> Party:
    """A contact's name is better than what the line says; a name that only repeats the number is none."""
    told = names.contacts.get(number) or name_told(name)
    told = on_one_line(told)
    shown = names.phone(number)
    if told in (number, shown):
        told = ""
    short = told if len(told) <= LONGEST_NAME_SHOWN else told[:LONGEST_NAME_SHOWN].rstrip() + "…"
    return Party(short, on_one_line(shown), told)


def name_told(name: str) -> str:
    """A name that the line tells; what FreeSWITCH calls every leg it makes is none."""
    told = on_one_line(name)
    return "" if told == NO_NAME else told


def own_party(call: Call, names: Names) -> str:
    """Who took or made the call for the account."""
    if call.agent_name:
        return names.agent(call.agent_name)
    if call.direction == CallDirection.INTERNAL:
        return name_told(call.callee_name) or on_one_line(call.callee_number or call.dialed_number)
    return str(call.user) if call.user else ""


def recording_mark(count: int, states: Iterable[str]) -> tuple[str, str, str]:
    """Icon, words and tone; of several takes the one that can be heard counts first."""
    have = {State(state) for state in states}
    for wanted, mark in RECORDING_MARKS:
        if have & wanted:
            return mark
    return ("rec", "Recorded", "") if count else ("", "Not recorded", "")


def row_of(
    call: Call,
    names: Names,
    zone: ZoneInfo,
    states: Iterable[str],
    tags: Iterable[str] = (),
    review: Review | None = None,
) -> Row:
    icon, words, tone = recording_mark(call.recording_count, states)
    return Row(
        id=call.pk.hex,
        time=clock_time(call.started_at, zone),
        moment=whole(call.started_at, zone),
        at=call.started_at.astimezone(zone),
        direction=direction_word(call.direction),
        direction_icon=direction_icon(call.direction),
        party=other_party(call, names),
        queue=names.queue(call.queue_name),
        agent=own_party(call, names),
        wait=duration(call.wait_ms),
        talk=duration(call.talk_ms or None),
        outcome=outcome_state(call.outcome),
        recording_icon=icon,
        recording=words,
        recording_tone=tone,
        tags=[on_one_line(tag) for tag in tags],
        review=review,
    )


def by_day(rows: Iterable[Row], now: datetime) -> Iterator[tuple[str, list[Row]]]:
    """Rows under the headings of their days."""
    for day, of_day in groupby(rows, key=lambda row: row.at.date()):
        yield day_heading(day, now.date()), list(of_day)
