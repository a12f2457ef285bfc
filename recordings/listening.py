"""Which seconds of a recording who has heard: told by the player, else what was asked for by ranges."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tenancy import Actor
from recordings.models import Listening, Media, Recording
from recordings.ranges import Span

Spans = list[tuple[int, int]]

MOST_SPANS = 200
MOST_SITTINGS = 50
MOST_SHOWN = 200
DOWNLOADED = "recording.download"
ONE_SITTING = timedelta(minutes=10)


def merged(spans: Iterable[Sequence[int]], most: int = MOST_SPANS) -> Spans:
    """The spans in order and apart; of more than so many, those that lie nearest become one."""
    found: Spans = []
    for begin, end in sorted((int(span[0]), int(span[1])) for span in spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > begin:
            found.append((begin, end))
    while len(found) > most:
        gaps = [after[0] - before[1] for before, after in pairwise(found)]
        at = gaps.index(min(gaps))
        found[at : at + 2] = [(found[at][0], found[at + 1][1])]
    return found


def length_of(spans: Iterable[Sequence[int]]) -> int:
    return sum(end - begin for begin, end in spans)


def note_played(actor: Actor, recording: Recording, session: str, spans: Sequence[Sequence[int]]) -> None:
    """Add what a player says was played in a sitting, the last last; told twice, it is the same."""
    with transaction.atomic():
        rows = sittings(actor, recording).exclude(session="").select_for_update()
        row = rows.filter(session=session).first()
        if row is None and rows.count() >= MOST_SITTINGS:
            row = rows.order_by("-heard_at").first()
        row = row or new_sitting(actor, recording, session)
        row.stopped_ms = spans[-1][1]
        add(row, spans)


def note_asked(actor: Actor, media: Media, span: Span) -> None:
    """Add what a range of bytes asks for, within ten minutes to the same sitting."""
    begin = media.offset_ms + media.duration_ms * span.first // max(media.size, 1)
    end = media.offset_ms + media.duration_ms * (span.last + 1) // max(media.size, 1)
    with transaction.atomic():
        recent = sittings(actor, media.recording).filter(
            session="", heard_at__gt=timezone.now() - ONE_SITTING
        )
        row = recent.select_for_update().order_by("-heard_at").first()
        add(row or new_sitting(actor, media.recording, ""), [(begin, end)])


def sittings(actor: Actor, recording: Recording) -> QuerySet[Listening]:
    who = Q(user=actor.user_id) if actor.user_id else Q(user=None, actor=actor.label[:255])
    return Listening.objects.filter(who, recording=recording)


def new_sitting(actor: Actor, recording: Recording, session: str) -> Listening:
    return Listening(
        recording=recording, session=session, actor=actor.label[:255], user_id=actor.user_id, spans=[]
    )


def add(row: Listening, spans: Iterable[Sequence[int]]) -> None:
    row.spans = [list(span) for span in merged([*row.spans, *spans])]
    row.heard_ms = length_of(row.spans)
    row.heard_at = timezone.now()
    row.save()


def stopped_at(rows: QuerySet[Listening], actor: Actor) -> dict[uuid.UUID, int]:
    """By recording, where the person's player was when it was last heard of, in milliseconds of the file."""
    if actor.user_id is None:
        return {}
    own = rows.filter(user=actor.user_id, stopped_ms__isnull=False).order_by("-heard_at", "-id")
    told = list(own.values_list("recording", "stopped_ms")[:MOST_SHOWN])
    return {recording: stopped for recording, stopped in reversed(told) if stopped is not None}


@dataclass(frozen=True)
class Heard:
    """What one person has heard of a recording; ``played`` is false when it only was asked for."""

    who: str
    last_at: datetime
    heard_ms: int
    spans: Spans
    played: bool


def heard_by(rows: QuerySet[Listening]) -> dict[uuid.UUID, list[Heard]]:
    """By recording, each person once, who listened last first; what a player told counts before ranges."""
    people: dict[tuple[uuid.UUID, object], list[Listening]] = {}
    for row in rows.select_related("user").order_by("-heard_at", "-id")[:MOST_SHOWN]:
        people.setdefault((row.recording_id, row.user_id or row.actor), []).append(row)
    found: dict[uuid.UUID, list[Heard]] = {}
    for (recording_id, _), theirs in people.items():
        found.setdefault(recording_id, []).append(one_person(theirs))
    return found


@dataclass(frozen=True)
class Taken:
    """A file of a recording that somebody downloaded."""

    who: str
    at: datetime
    file: str


def taken_of(recordings: Iterable[Recording]) -> dict[uuid.UUID, list[Taken]]:
    """By recording, who downloaded what, the newest first."""
    entries = AuditEntry.objects.filter(
        action=DOWNLOADED, object_type="recording", object_id__in=[row.pk.hex for row in recordings]
    )
    found: dict[uuid.UUID, list[Taken]] = {}
    for entry in entries.select_related("user").order_by("-at", "-id")[:MOST_SHOWN]:
        file = str(entry.detail.get("file", ""))
        found.setdefault(uuid.UUID(entry.object_id), []).append(Taken(called(entry), entry.at, file))
    return found


def one_person(rows: list[Listening]) -> Heard:
    played = [row for row in rows if row.session]
    spans = merged(span for row in played or rows for span in row.spans)
    return Heard(called(rows[0]), rows[0].heard_at, length_of(spans), spans, bool(played))


def called(row: Listening | AuditEntry) -> str:
    """The person's name, or what a program or somebody gone was called."""
    return str(row.user) if row.user else row.actor
