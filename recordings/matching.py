"""Which take is which row: found by what they share with a conversation, then matched by the surest sign."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.audit import clean
from accounts.models import Switch
from cdr.assembly import Take
from database.moments import moment
from recordings.models import Media, Recording

LONGEST_PATH_BYTES = 2000
SECRET_IN_URL = re.compile(r"(https?://)[^/@\s]*@")

Sign = tuple[object, ...] | None


def text(value: str, length: int = 255) -> str:
    return clean(value)[:length]


def kept_path(path: str) -> str:
    """The path without a secret, as it can be indexed; what no disk would take is cut and hashed."""
    kept = SECRET_IN_URL.sub(r"\1", clean(path))
    encoded = kept.encode()
    if len(encoded) <= LONGEST_PATH_BYTES:
        return kept
    mark = hashlib.sha256(encoded).hexdigest()[:16]
    return f"{encoded[: LONGEST_PATH_BYTES - 32].decode(errors='ignore')}…{mark}"


def rid_of(take: Take) -> uuid.UUID | None:
    """The id we gave a recording when we asked for it; what does not look like one is none."""
    try:
        return uuid.UUID(hex=take.rid) if len(take.rid) == 32 else None
    except ValueError:
        return None


def is_ours(row: Recording) -> bool:
    """Whether we told the switch to write this very file."""
    return row.pk.hex in row.path


@dataclass(slots=True)
class KnownRows:
    """The rows that takes may turn out to be, by what they share with them, and which have a file."""

    rows: dict[uuid.UUID, Recording]
    with_media: set[uuid.UUID]
    by_trace: dict[tuple[str, object], list[Recording]]

    @classmethod
    def read(cls, switch: Switch, calls: Iterable[uuid.UUID], takes: Sequence[Take]) -> KnownRows:
        """Read and lock them: two queries, however many takes there are."""
        paths = {kept_path(take.path) for take in takes}
        asked = {rid for take in takes if (rid := rid_of(take))}
        wanted = Q(call__id__any_of=list(calls)) | Q(switch=switch, path__any_of=paths)
        locked = Recording.objects.select_for_update().order_by("pk")
        rows = {row.pk: row for row in locked.filter(wanted | Q(id__any_of=asked))}
        media = Media.objects.filter(recording__id__any_of=rows).values_list("recording", flat=True)
        ours = (row for row in rows.values() if row.switch_id == switch.pk)
        return cls(rows, set(media if rows else ()), by_trace(ours))

    def pool(self, calls: Iterable[uuid.UUID], takes: Sequence[Take]) -> dict[uuid.UUID, Recording]:
        """The rows of these calls, of the takes' legs and of their rooms."""
        traces: set[tuple[str, object]] = {("call", id_) for id_ in calls}
        for take in takes:
            traces |= {("leg", text(take.leg)), ("leg", text(take.stop_leg)), ("room", text(take.conference))}
        return {row.pk: row for trace in traces if trace[1] for row in self.by_trace.get(trace, ())}


def by_trace(rows: Iterable[Recording]) -> dict[tuple[str, object], list[Recording]]:
    found: dict[tuple[str, object], list[Recording]] = {}
    for row in rows:
        room = row.conference_name if not row.leg_uuid else ""
        for trace in {
            ("call", row.call_id),
            ("leg", row.leg_uuid),
            ("leg", row.stop_leg_uuid),
            ("room", room),
        }:
            found.setdefault(trace, []).append(row)
    return found


def match(pool: Iterable[Recording], takes: Sequence[Take]) -> dict[int, Recording]:
    """Find each take's row, by its place among the takes; no row is given twice."""
    left = {row.pk: row for row in pool}
    found: dict[int, Recording] = {}
    for sign_of_row, sign_of_take in SIGNS:
        signs = {sign: row for row in left.values() if (sign := sign_of_row(row))}
        for place, take in enumerate(takes):
            sign = sign_of_take(take)
            if place not in found and sign and (row := signs.pop(sign, None)):
                found[place] = left.pop(row.pk)
    return found


def asked_row(row: Recording) -> Sign:
    return (row.pk,)


def asked_take(take: Take) -> Sign:
    return (rid_of(take),)


def begun_row(row: Recording) -> Sign:
    return row.path, row.started_at


def begun_take(take: Take) -> Sign:
    return kept_path(take.path), moment(take.started_at)


def ended_row(row: Recording) -> Sign:
    return (row.path, row.stopped_at) if row.stopped_at else None


def ended_take(take: Take) -> Sign:
    return kept_path(take.path), moment(take.stopped_at)


def nth_row(row: Recording) -> Sign:
    """The number alone says nothing of a room, whose path may be recorded again another day."""
    return (row.path, row.take) if row.leg_uuid or row.stop_leg_uuid else None


def nth_take(take: Take) -> Sign:
    return (kept_path(take.path), take.number) if take.leg or take.stop_leg else None


SIGNS = ((asked_row, asked_take), (begun_row, begun_take), (ended_row, ended_take), (nth_row, nth_take))
