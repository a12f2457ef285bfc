"""From the takes of conversations to Recording rows: any number of times, in any order, the same rows.

1. The rows that could be about these takes are read and locked, for a whole batch at once.
2. Each take finds its row: by the id that came back with it, else by path and the moment it began or ended,
   else by path and number. Ids are kept, also when the conversation went into another or changed its account.
3. What changed is written in one statement. A file that can be looked for now gets its task with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from accounts.audit import clean
from accounts.models import Switch
from accounts.routing import Route
from cdr.assembly import Take
from cdr.ingest import Ingested, Touched
from database.bulk import Table, as_json
from database.moments import moment
from recordings.call_tags import give_to_calls
from recordings.delivery import news
from recordings.enqueue import collect_soon, rehome_soon
from recordings.matching import KnownRows, is_ours, kept_path, match, rid_of, text
from recordings.models import BROUGHT, Finding, Origin, Recording, State

WITHOUT_FILE = (State.RECORDING, State.RECEIVED, State.MISSING, State.DISCARDED)
NOT_YET_COLLECTED = (State.EXPECTED, State.RECORDING, State.RECEIVED)
SETTLED = (State.READY, State.FAILED, State.DELETING, State.DELETED)
WRITTEN = [
    "switch_id",
    "account_id",
    "call_id",
    "leg_uuid",
    "stop_leg_uuid",
    "conference_name",
    "path",
    "take",
    "overwritten",
    "origin",
    "state",
    "state_reason",
    "state_at",
    "finding",
    "attempts",
    "next_try_at",
    "started_at",
    "stopped_at",
    "completion_cause",
    "switch_ms",
    "switch_size",
    "queue_name",
    "agent_name",
    "caller_number",
    "caller_name",
    "callee_number",
    "direction",
    "user_id",
    "device_id",
]
ROWS = Table(Recording, [field.attname for field in Recording._meta.concrete_fields])
JSON_COLUMNS = ("grants", "masked", "speech")
LONGEST_MOMENT = 1_000_000
DISCARD_REASONS = {
    "input-too-short": "Shorter than the minimum length; the switch removed the file.",
    "empty-file": "Nothing was recorded; the switch removed the file.",
    "no-input-timeout": "Nothing but silence at the beginning; the switch stopped and removed the file.",
}


@dataclass(frozen=True, slots=True)
class CallSummary:
    """What a recording repeats of its call, so that lists need no join."""

    caller_number: str = ""
    caller_name: str = ""
    callee_number: str = ""
    direction: str = ""
    user_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ConversationTakes:
    """The takes of one conversation; a conference has no call. ``absorbed`` calls went into it."""

    call_id: uuid.UUID | None
    account_id: uuid.UUID | None
    takes: Sequence[Take]
    summary: CallSummary = CallSummary()
    is_new: bool = False
    absorbed: Sequence[uuid.UUID] = ()

    @property
    def call_ids(self) -> set[uuid.UUID]:
        return {*self.absorbed, *([self.call_id] if self.call_id else [])}


def takes_of(ingested: Ingested) -> list[ConversationTakes]:
    """Return what a batch told of recordings; call it before absorbed calls are retired."""
    absorbed: dict[uuid.UUID, list[uuid.UUID]] = {}
    for old, new in ingested.absorbed.items():
        absorbed.setdefault(new, []).append(old)
    return [
        ConversationTakes(
            call_id=touched.call_id,
            account_id=touched.account_id,
            takes=touched.conversation.takes,
            summary=summary_of(touched),
            is_new=touched.is_new,
            absorbed=absorbed.get(touched.id, ()),
        )
        for touched in ingested.touched
    ]


def summary_of(touched: Touched) -> CallSummary:
    call = touched.conversation.call
    if call is None:
        return CallSummary()
    route = touched.routes.get(call.root.uuid, Route())
    if call.answering and not (route.user_id or route.device_id):
        route = touched.routes.get(call.answering.uuid, route)
    return CallSummary(
        caller_number=text(call.root.first_caller_number),
        caller_name=text(call.root.first_caller_name),
        callee_number=text(call.answering.destination) if call.answering else "",
        direction=call.direction,
        user_id=route.user_id,
        device_id=route.device_id,
    )


def record_takes(switch: Switch, conversations: Sequence[ConversationTakes]) -> list[uuid.UUID]:
    """Bring the rows of these conversations up to date; return the ids whose files can be collected."""
    asked = [each for each in conversations if each.takes or not each.is_new]
    if not asked:
        return []
    calls = {id_ for each in asked if not each.is_new or each.absorbed for id_ in each.call_ids}
    with transaction.atomic():
        known = KnownRows.read(switch, calls, [take for each in asked for take in each.takes])
        changes = Changes(switch, known)
        for conversation in asked:
            changes.add(conversation)
        return changes.write()


@dataclass(slots=True)
class Changes:
    """What is to be written for a batch."""

    switch: Switch
    known: KnownRows
    used: set[uuid.UUID] = field(default_factory=set)
    changed: list[Recording] = field(default_factory=list)
    unwanted: list[uuid.UUID] = field(default_factory=list)
    wanted: list[uuid.UUID] = field(default_factory=list)
    moved: list[uuid.UUID] = field(default_factory=list)
    found_call: list[uuid.UUID] = field(default_factory=list)
    lost: list[uuid.UUID] = field(default_factory=list)

    def add(self, conversation: ConversationTakes) -> None:
        pool = self.known.pool(conversation.call_ids, conversation.takes)
        free = [row for id_, row in pool.items() if id_ not in self.used]
        matched = match(free, conversation.takes)
        self.used |= {row.pk for row in matched.values()}
        for place, take in enumerate(conversation.takes):
            row = matched.get(place)
            self._keep(row or self._new(take), take, conversation, is_new=row is None)
        for row in free:
            if row.pk not in self.used and row.call_id in conversation.call_ids:
                self._left_over(row, conversation)

    def _new(self, take: Take) -> Recording:
        named = rid_of(take)
        if named and named not in self.known.rows:
            return Recording(pk=named, switch=self.switch, state="")
        who = (
            take.leg or take.stop_leg or f"conference:{take.conference}:{take.started_at or take.stopped_at}"
        )
        name = clean(f"take:{who}:{take.path}:{take.number}")
        id_ = uuid.uuid5(self.switch.pk, name)
        if id_ in self.known.rows:
            id_ = uuid.uuid5(self.switch.pk, f"{name}:{take.started_at or take.stopped_at}")
        return Recording(pk=id_, switch=self.switch, state="")

    def _keep(self, row: Recording, take: Take, conversation: ConversationTakes, *, is_new: bool) -> None:
        before = values_of(row)
        account_before = row.account_id
        self.known.rows[row.pk] = row
        self.used.add(row.pk)
        settle_state(row, take, has_media=row.pk in self.known.with_media)
        describe(row, take, conversation)
        if is_new or values_of(row) != before:
            self.changed.append(row)
            self._follow_up(row, str(before["state"]), account_before)
            if row.call_id and not is_new and before["call_id"] is None:
                self.found_call.append(row.pk)

    def _left_over(self, row: Recording, conversation: ConversationTakes) -> None:
        """A row that is no take any more goes, unless it has a file, is held, was asked for or brought."""
        is_kept = row.pk in self.known.with_media or row.legal_hold or row.origin in BROUGHT or is_ours(row)
        if row.state in WITHOUT_FILE and not is_kept:
            self.unwanted.append(row.pk)
            return
        account_before = row.account_id
        if (row.call_id, row.account_id) != (conversation.call_id, conversation.account_id):
            row.call_id, row.account_id = conversation.call_id, conversation.account_id
            self.changed.append(row)
            self._follow_up(row, row.state, account_before)

    def _follow_up(self, row: Recording, state_before: str, account_before: uuid.UUID | None) -> None:
        if row.state == State.RECEIVED and state_before != State.RECEIVED:
            self.wanted.append(row.pk)
        if row.state == State.MISSING and state_before != State.MISSING:
            self.lost.append(row.pk)
        if row.pk in self.known.with_media and row.account_id != account_before:
            self.moved.append(row.pk)

    def write(self) -> list[uuid.UUID]:
        ROWS.upsert([row_of(recording) for recording in self.changed])
        Recording.objects.filter(pk__in=self.unwanted).delete()
        collect_soon(self.wanted)
        rehome_soon(self.moved)
        if self.found_call:
            give_to_calls(self.found_call)
        news.recordings_failed(self.lost)
        return self.wanted


def row_of(recording: Recording) -> list[object]:
    values = ((name, getattr(recording, name)) for name in ROWS.columns)
    return [as_json(value) if name in JSON_COLUMNS else value for name, value in values]


def values_of(row: Recording) -> dict[str, object]:
    return {name: row.__dict__.get(name) for name in WRITTEN}


def describe(row: Recording, take: Take, conversation: ConversationTakes) -> None:
    """Write down what is known of the take and its call; a row that was asked for keeps its origin."""
    row.call_id, row.account_id = conversation.call_id, conversation.account_id
    row.leg_uuid, row.stop_leg_uuid = text(take.leg), text(take.stop_leg)
    row.conference_name = text(take.conference)
    row.path, row.take, row.overwritten = kept_path(take.path), take.number, take.overwritten
    row.origin = str(row.origin or take.origin or Origin.DIALPLAN)
    began = take.started_at or take.stopped_at - (take.milliseconds or 0) * 1000
    row.started_at = moment(began) or row.__dict__.get("started_at") or timezone.now()
    row.stopped_at = moment(take.stopped_at)
    row.completion_cause = text(take.cause, 64)
    row.switch_ms, row.switch_size = take.milliseconds, take.size
    row.queue_name, row.agent_name = text(take.queue), text(take.agent)
    summary = conversation.summary
    row.caller_number, row.caller_name = text(summary.caller_number), text(summary.caller_name)
    row.callee_number, row.direction = text(summary.callee_number), text(summary.direction, 16)
    row.user_id, row.device_id = summary.user_id, summary.device_id


def settle_state(row: Recording, take: Take, *, has_media: bool) -> None:
    """Move the state forwards as far as the take says; never back from where a file has been dealt with."""
    if has_media or row.state in SETTLED:
        return
    if take.discarded and _is_loss(take):
        _set_state(
            row, State.MISSING, Finding.EMPTY, "The switch recorded nothing of the leg and removed the file."
        )
    elif take.discarded:
        reason = DISCARD_REASONS.get(take.cause, "The switch removed the file.")
        _set_state(row, State.DISCARDED, Finding.DISCARDED, reason)
    elif take.overwritten and (not row.state or row.state in NOT_YET_COLLECTED):
        _set_state(row, State.MISSING, Finding.OVERWRITTEN, "A later take was recorded over it.")
    elif not take.stopped_at:
        if row.state in ("", State.EXPECTED):
            _set_state(row, State.RECORDING)
    elif row.state in ("", State.EXPECTED, State.RECORDING) or _stop_came_late(row):
        _set_state(row, State.RECEIVED)


def _is_loss(take: Take) -> bool:
    """Whether a file that we asked for on an answered leg stayed empty for longer than a moment."""
    lasted = take.stopped_at - take.started_at
    return bool(take.rid) and take.cause == "empty-file" and lasted > LONGEST_MOMENT


def _stop_came_late(row: Recording) -> bool:
    return row.state == State.MISSING and row.stopped_at is None and row.finding == Finding.MISSING


def _set_state(row: Recording, state: State, finding: str = "", reason: str = "") -> None:
    if row.state == state and row.finding == finding:
        return
    row.state, row.finding, row.state_reason = str(state), str(finding), reason
    row.state_at = timezone.now()
    row.attempts, row.next_try_at = 0, None
