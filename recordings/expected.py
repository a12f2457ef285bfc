"""What the recorder told the journal, as rows: files before they exist, decisions, refusals, silences.

Told again, or in another order than the switch's own events, it comes to the same rows.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.audit import clean
from accounts.models import Switch
from cdr.assembly.legs import LOST
from cdr.models import ConnectionGap, Leg
from database.moments import microseconds_of, moment
from recordings.call_tags import give_to_calls
from recordings.delivery import news
from recordings.enqueue import collect_soon
from recordings.matching import kept_path, text
from recordings.models import Decision, Finding, Origin, Recording, State
from switch import events as ev

RecorderEvent = ev.CallDecided | ev.RecordingIntended | ev.RecordingRefused | ev.RecordingMasked

NEVER_BEGAN = "The switch was told to record and never began."
REFUSED = "The switch did not "
ORIGINS = frozenset(Origin.values)
MOST_LOOKED_AT = 500


def note(switch: Switch, events: Sequence[RecorderEvent]) -> None:
    """Write down what the recorder told, in the order it told it."""
    if not events:
        return
    rows = read_rows(switch, events)
    changed: dict[uuid.UUID, Recording] = {}
    for event in events:
        if isinstance(event, ev.RecordingIntended):
            row = intended(switch, event, rows)
        elif isinstance(event, ev.RecordingMasked):
            row = masked(event, rows)
        elif isinstance(event, ev.RecordingRefused):
            row = refused(event, rows)
        else:
            continue
        if row is not None:
            changed[row.pk] = row
    for row in changed.values():
        row.save()
    write_decisions(switch, [event for event in events if isinstance(event, ev.CallDecided)])
    complain(switch, [event for event in events if isinstance(event, ev.RecordingRefused)])


class Rows:
    """The recordings that are spoken of, by their id or else by leg and path."""

    def __init__(self, rows: Iterable[Recording]) -> None:
        self.by_id: dict[uuid.UUID, Recording] = {}
        self.by_file: dict[tuple[str, str], Recording] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Recording) -> None:
        self.by_id[row.pk] = row
        self.by_file[row.leg_uuid, row.path] = row

    def find(self, rid: str, leg: str, path: str) -> Recording | None:
        if rid:
            return self.by_id.get(uuid.UUID(rid))
        return self.by_file.get((text(leg), kept_path(path)))


def read_rows(switch: Switch, events: Sequence[RecorderEvent]) -> Rows:
    files = [event for event in events if not isinstance(event, ev.CallDecided)]
    ids = {uuid.UUID(event.rid) for event in files if event.rid}
    paths = {kept_path(event.path) for event in files if not event.rid}
    rows = Recording.objects.select_for_update().filter(switch=switch)
    found = list(rows.filter(pk__in=ids)) if ids else []
    return Rows([*found, *(rows.filter(path__in=paths) if paths else ())])


def intended(switch: Switch, event: ev.RecordingIntended, rows: Rows) -> Recording | None:
    """The row of a file that is going to be, or one more reason for it; of others' files only the reasons."""
    row = rows.find(event.rid, event.leg, event.path)
    if row is None:
        if not event.rid:
            return None
        row = Recording(
            pk=uuid.UUID(event.rid),
            switch=switch,
            account_id=uuid.UUID(event.account) if event.account else None,
            leg_uuid=text(event.leg),
            path=kept_path(event.path),
            state=State.EXPECTED,
            started_at=moment(event.at) or timezone.now(),
        )
        rows.add(row)
    row.grants = merged(row.grants, event.grants)
    if event.origin in ORIGINS:
        row.origin = event.origin
    return row


def merged(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The new grants, behind those that a recorder before it knew of."""
    known: defaultdict[tuple[object, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for grant in old:
        known[signature(grant)].append(grant)
    told = []
    for grant in new:
        same = known[signature(grant)]
        told.append(completed(grant, same.pop(0) if same else {}))
    return [*chain.from_iterable(known.values()), *told]


def completed(grant: Mapping[str, Any], old: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recorder that came later does not know with what parameters a program had asked."""
    return grant if grant.get("params") or not old.get("params") else {**grant, "params": old["params"]}


def signature(grant: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(grant.get(name) for name in ("scope", "leg", "cell", "because"))


def masked(event: ev.RecordingMasked, rows: Rows) -> Recording | None:
    """A span of silence begins or ends, in milliseconds of the file."""
    row = rows.find(event.rid, event.leg, event.path)
    if row is None:
        return None
    began = event.started or microseconds_of(row.started_at)
    at = max(0, event.at - began) // 1000
    spans = [dict(span) for span in row.masked]
    if event.masked and not any(span["from_ms"] == at for span in spans):
        spans.append({"from_ms": at, "to_ms": None})
    if not event.masked:
        ended = [span for span in spans if span["to_ms"] is None and span["from_ms"] <= at]
        for span in ended:
            span["to_ms"] = at
    row.masked = spans
    return row


def refused(event: ev.RecordingRefused, rows: Rows) -> Recording | None:
    """The reason stays with a row that has not begun; what began anyway has nothing to complain of."""
    row = rows.find(event.rid, event.leg, event.path)
    if row is None or row.state != State.EXPECTED:
        return None
    row.state_reason = text(complaint(event))
    return row


def complaint(event: ev.RecordingRefused) -> str:
    return f"{REFUSED}{event.command}: {event.reply or 'no reason given'}"


def write_decisions(switch: Switch, events: Sequence[ev.CallDecided]) -> None:
    """One row a call; the last decision is the one that counts, and what was granted before it stays."""
    legs = {text(event.leg) for event in events}
    rows = {row.leg_uuid: row for row in Decision.objects.filter(switch=switch, leg_uuid__in=legs)}
    for event in events:
        leg = text(event.leg)
        row = rows.setdefault(
            leg, Decision(pk=uuid.uuid5(switch.pk, f"decision:{clean(leg)}"), switch=switch, leg_uuid=leg)
        )
        row.decided_at = moment(event.at) or timezone.now()
        row.facts, row.refusals = event.facts, event.refusals
        row.grants = merged(row.grants, event.grants)
    for row in rows.values():
        row.save()


def complain(switch: Switch, events: Sequence[ev.RecordingRefused]) -> None:
    """Keep refusals with the decision of the leg's call too, also when the file began in the end."""
    legs = {text(event.leg) for event in events}
    if not legs:
        return
    calls = dict(Leg.objects.filter(switch=switch, uuid__in=legs).values_list("uuid", "call"))
    named = Q(leg_uuid__in=legs) | Q(call__in=calls.values())
    rows = list(Decision.objects.filter(named, switch=switch))
    for event in events:
        leg = text(event.leg)
        said = {"leg": leg, "because": text(complaint(event))}
        for row in rows:
            is_its = row.leg_uuid == leg or (row.call_id is not None and row.call_id == calls.get(leg))
            if is_its and said not in row.complaints:
                row.complaints = [*row.complaints, said]
                row.save(update_fields=["complaints"])


def find_calls(switch: Switch) -> None:
    """Give decisions and expected files the call that their leg turned out to be of."""
    decisions = list(
        Decision.objects.filter(switch=switch, call=None).order_by("-decided_at")[:MOST_LOOKED_AT]
    )
    files = list(
        Recording.objects.filter(switch=switch, state=State.EXPECTED, call=None)
        .exclude(origin=Origin.UPLOAD)
        .order_by("-state_at")[:MOST_LOOKED_AT]
    )
    legs = {row.leg_uuid for row in decisions} | {file.leg_uuid for file in files}
    if not legs:
        return
    found = {leg.uuid: leg for leg in Leg.objects.filter(switch=switch, uuid__in=legs).select_related("call")}
    for row in decisions:
        if leg := found.get(row.leg_uuid):
            Decision.objects.filter(pk=row.pk).update(call=leg.call_id)
    for file in files:
        if leg := found.get(file.leg_uuid):
            Recording.objects.filter(pk=file.pk).update(call=leg.call_id, account=leg.call.account_id)
            give_to_calls([file.pk])


def move_decisions(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Decisions go along when one call turns out to be part of another."""
    for old, new in absorbed.items():
        Decision.objects.filter(call=old).update(call=new)


def settle_ended(switch: Switch) -> None:
    """Files that never began on a leg that is gone: of one that nobody answered nothing is left."""
    expected = Recording.objects.filter(switch=switch, state=State.EXPECTED, call__isnull=False)
    waiting = expected.exclude(origin=Origin.UPLOAD)
    rows = list(waiting.order_by("-state_at")[:MOST_LOOKED_AT])
    legs = {row.leg_uuid for row in rows}
    if not legs:
        return
    ended = {
        leg.uuid: leg for leg in Leg.objects.filter(switch=switch, uuid__in=legs, ended_at__isnull=False)
    }
    for row in rows:
        leg = ended.get(row.leg_uuid)
        if leg is None:
            continue
        if was_unheard(leg):
            look_for_its_file(row, leg)
        else:
            settle(row, was_answered=leg.answered_at is not None)


def was_unheard(leg: Leg) -> bool:
    """Whether the switch was not heard for a part of the leg's life: then a file may have begun unheard."""
    gaps = ConnectionGap.objects.filter(switch=leg.switch_id, started_at__lt=leg.ended_at)
    return leg.hangup_cause == LOST or gaps.filter(ended_at__gt=leg.created_at).exists()


def look_for_its_file(row: Recording, leg: Leg) -> None:
    """Have the file collected if there is one; ours begin at the leg's answer."""
    row.state, row.state_at = State.RECEIVED, timezone.now()
    row.started_at = leg.answered_at or row.started_at
    row.save(update_fields=["state", "state_at", "started_at"])
    collect_soon([row.pk])


def settle(row: Recording, *, was_answered: bool) -> None:
    wanted = [grant for grant in row.grants if not grant.get("ended")]
    if not (was_answered and wanted):
        row.delete()
        return
    row.state = State.FAILED if row.state_reason else State.MISSING
    row.finding = Finding.MISSING
    row.state_reason = row.state_reason or NEVER_BEGAN
    row.state_at = timezone.now()
    row.save(update_fields=["state", "finding", "state_reason", "state_at"])
    news.recordings_failed([row.pk])
