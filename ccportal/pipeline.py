"""The whole flow on one page: journaled batches in, rows out, one transaction each.

    bodies -> typed events -> conversations (cdr.ingest) -> takes (recordings.capture)
           -> files that are to be made anew (recordings.basis)
           -> what webhooks want to hear of (recordings.delivery.news)
           -> what the recorder told of them (recordings.expected) -> journal position
           -> what all that adds to the figures (cdr.rollups)

The position is committed with the rows, and all of it can be repeated: a crash costs one batch's work again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import msgspec
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from accounts.models import Account, Switch
from cdr import ingest, observations, status_time
from cdr.models import IngestPosition
from cdr.rollups import Change
from database.moments import moment
from queues import changes
from queues.models import Agent, Queue
from recordings import basis, call_tags, capture, expected, holds
from recordings.connectors import sending as connecting
from recordings.delivery import news
from recordings.expected import RecorderEvent
from reviews import assignments
from reviews.models import move_comments
from switch import events as ev
from switch.errors import MalformedEvent
from switch.esl.translate import Translator

log = logging.getLogger(__name__)

Kind = Literal["events", "control"]

decode_control = msgspec.json.Decoder(ev.AnyEvent).decode


@dataclass(slots=True)
class Heard:
    """A batch's events, sorted by who reads them."""

    calls: list[ev.Event] = field(default_factory=list)
    agents: list[ev.AgentChanged] = field(default_factory=list)
    connection: list[ev.Event] = field(default_factory=list)
    recorder: list[RecorderEvent] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    last_at: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch; ``skipped`` when the database already had it."""

    events: int = 0
    conversations: int = 0
    malformed: int = 0
    unknown: int = 0
    skipped: bool = False


def apply_bodies(
    switch: Switch, bodies: Iterable[bytes], *, kind: Kind = "events", journal: str = "", batch: int = 0
) -> Applied:
    """Apply one batch of raw bodies; with a journal's name, only if it is behind the stored position."""
    return apply_events(switch, hear(bodies, kind), journal=journal, batch=batch)


def apply_mixed(
    switch: Switch, groups: Iterable[tuple[Kind, Sequence[bytes]]], *, journal: str, batch: int
) -> Applied:
    """Apply batches of both kinds together, as a journal has them in turns."""
    heard = Heard()
    for kind, bodies in groups:
        hear(bodies, kind, heard)
    return apply_events(switch, heard, journal=journal, batch=batch)


def hear(bodies: Iterable[bytes], kind: Kind = "events", heard: Heard | None = None) -> Heard:
    """Translate bodies and sort the events; what cannot be read is counted and stops nothing behind it."""
    heard = heard or Heard()
    translate = translator().translate if kind == "events" else decode_control
    for body in bodies:
        try:
            event = translate(body)
        except (MalformedEvent, msgspec.MsgspecError) as error:
            heard.malformed[type(error).__name__] += 1
            continue
        if event is not None:
            _sort(heard, event)
    return heard


def sorted_events(events: Iterable[ev.Event]) -> Heard:
    """Events that were read elsewhere, by who reads them here."""
    heard = Heard()
    for event in events:
        _sort(heard, event)
    return heard


def translator() -> Translator:
    """One that keeps the channel variables which any account asked for."""
    return _translator(custom_variables())


def custom_variables() -> frozenset[str]:
    """The channel variables that accounts asked to keep."""
    asked = Account.objects.exclude(custom_variables=[]).values_list("custom_variables", flat=True)
    return frozenset(name for names in asked for name in names if isinstance(name, str))


@lru_cache(maxsize=4)
def _translator(custom: frozenset[str]) -> Translator:
    return Translator(sorted(custom))


def _sort(heard: Heard, event: ev.Event) -> None:
    match event:
        case ev.LegEvent() | ev.MemberEvent() | ev.ConferenceEvent() | ev.AsteriskEvent():
            heard.calls.append(event)
        case ev.AgentChanged():
            heard.agents.append(event)
        case ev.ConnectionLost() | ev.ConnectionRestored():
            heard.connection.append(event)
        case ev.CallDecided() | ev.RecordingIntended() | ev.RecordingRefused() | ev.RecordingMasked():
            heard.recorder.append(event)
        case ev.Unknown():
            heard.unknown[event.name] += 1
    heard.last_at = max(heard.last_at, event.at)


def apply_events(switch: Switch, heard: Heard, *, journal: str = "", batch: int = 0) -> Applied:
    """Write one batch: rows, recordings, counts and position in one transaction."""
    try:
        with transaction.atomic():
            return _apply(switch, heard, journal, batch)
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        log.exception(
            "batch %s of switch %s refused; applying its conversations one by one", batch, switch.pk
        )
        with transaction.atomic():
            return _apply_apart(switch, heard, journal, batch)


def _apply(switch: Switch, heard: Heard, journal: str, batch: int) -> Applied:
    position = _lock(switch)
    if journal and position.journal == journal and batch <= position.batch:
        return Applied(skipped=True)
    result = write_calls(switch, heard.calls)
    _finish(switch, heard, result.figures, position, journal, batch)
    return Applied(
        events=len(heard.calls) + len(heard.agents),
        conversations=len(result.touched),
        malformed=heard.malformed.total(),
        unknown=heard.unknown.total(),
    )


def _apply_apart(switch: Switch, heard: Heard, journal: str, batch: int) -> Applied:
    """The same with each conversation in a savepoint: what the database refuses is counted and left out."""
    position = _lock(switch)
    touched = 0
    figures = Change()
    for events in ingest.split(heard.calls):
        try:
            with transaction.atomic():
                result = write_calls(switch, events)
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError as error:
            log.exception("switch %s: a conversation of %d events refused", switch.pk, len(events))
            heard.malformed[type(error).__name__] += len(events)
        else:
            figures.join(result.figures)
            touched += len(result.touched)
    _finish(switch, heard, figures, position, journal, batch)
    return Applied(events=len(heard.calls), conversations=touched, malformed=heard.malformed.total())


def write_calls(switch: Switch, events: Sequence[ev.Event]) -> ingest.Ingested:
    """Calls, their recordings, and the queues and agents named in them; figures are the caller's to write."""
    result = ingest.ingest(switch, events)
    capture.record_takes(switch, capture.takes_of(result))
    expected.move_decisions(result.absorbed)
    holds.move_holds(result.absorbed)
    move_comments(result.absorbed)
    call_tags.move_tags(result.absorbed)
    assignments.move_assignments(result.absorbed)
    ingest.retire(result)
    known = {touched.id for touched in result.touched if not touched.is_new}
    call_tags.follow_calls(known)
    assignments.follow_calls(known)
    basis.follow(known)
    news.calls_ended(result.touched)
    connecting.calls_ended(result.touched)
    visits = [
        (touched.account_id, visit)
        for touched in result.touched
        if touched.account_id
        for visit in touched.conversation.visits
    ]
    changes.enter(Queue, ((account, visit.queue) for account, visit in visits))
    changes.enter(Agent, ((account, offer.agent) for account, visit in visits for offer in visit.offers))
    return result


def _lock(switch: Switch) -> IngestPosition:
    """The switch's position, held until the transaction ends: one writer a switch."""
    IngestPosition.objects.get_or_create(switch=switch)
    return IngestPosition.objects.select_for_update().get(switch=switch)


def _finish(
    switch: Switch, heard: Heard, figures: Change, position: IngestPosition, journal: str, batch: int
) -> None:
    expected.note(switch, heard.recorder)
    expected.find_calls(switch)
    expected.settle_ended(switch)
    with status_time.counted_statuses(switch, heard.agents, figures):
        changes.record_changes(switch, heard.agents)
    observations.record_gaps(switch, heard.connection)
    observations.count(switch, "unknown", heard.unknown)
    observations.count(switch, "malformed", heard.malformed)
    if journal:
        position.journal, position.batch = journal, batch
    position.last_event_at = max(filter(None, [position.last_event_at, moment(heard.last_at)]), default=None)
    position.save(update_fields=["journal", "batch", "last_event_at", "updated_at"])
    figures.write()
