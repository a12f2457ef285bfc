"""The audit log a page at a time, or all of it: by who did something, what, to what, and when."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry
from ccportal.portal.period import custom_period, read_date
from ccportal.portal.switches import Clock, Moment

PAGE_SIZE = 50
LOOKED_AT = 5_000
LONGEST_WORD = 64
FILTERS = ("who", "did", "thing", "from", "to")
# What people ask for, and how the actions begin that are meant.
DEEDS = {
    "searched": ("Searched", ("calls.search",)),
    "listened": ("Listened", ("recording.play",)),
    "downloaded": ("Downloaded", ("recording.download", "export.download", "audit.download")),
    "exported": ("Exported", ("export.create", "recording.export")),
    "deleted": ("Deleted", ("delete", "recording.delete", "export.delete", "erasure.", "retention.")),
    "held": ("Put on hold or released", ("hold.",)),
    "judged": ("Commented or tagged", ("comment.", "recording.tag", "call.tag", "tags")),
    "changed": ("Changed settings", ("add", "change", "revoke", "assign")),
}


@dataclass(frozen=True)
class Entry:
    at: Moment
    who: str
    action: str
    thing: str
    key: str
    detail: str
    address: str


@dataclass(frozen=True)
class LogPage:
    """Entries from new to old; ``older`` leads on."""

    entries: list[Entry] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    older: str = ""

    @property
    def deeds(self) -> list[tuple[str, str, bool]]:
        """What may be chosen of what was done; an action of an address is one more."""
        did = self.asked.get("did", "")
        known = [(key, label, key == did) for key, (label, _) in DEEDS.items()]
        return known if did in DEEDS or not did else [*known, (did, did, True)]


def read_log(rows: QuerySet[AuditEntry], query: Mapping[str, Any], clock: Clock) -> LogPage:
    asked = asked_of(query)
    rows = of_days(rows, asked, clock).filter(below(str(query.get("older", ""))))
    found = list((within(rows, asked) if narrows(asked) else newest(rows))[: PAGE_SIZE + 1])
    shown, last = found[:PAGE_SIZE], None
    if len(found) > PAGE_SIZE:
        last = shown[-1]
    elif narrows(asked):
        last = newest(rows)[LOOKED_AT - 1 : LOOKED_AT].first()
    return LogPage([entry_of(row, clock) for row in shown], asked, cursor_of(last) if last else "")


def every_entry(
    rows: QuerySet[AuditEntry], query: Mapping[str, Any], clock: Clock
) -> Iterator[list[AuditEntry]]:
    """All entries that fit, from new to old, a stretch of the log at a time."""
    asked = asked_of(query)
    rows = of_days(rows, asked, clock)
    place = Q()
    while stretch := list(newest(rows.filter(place)).values_list("at", "pk")[LOOKED_AT - 1 : LOOKED_AT]):
        yield list(within(rows.filter(place), asked))
        [(at, key)] = stretch
        place = below(f"{at.isoformat()}_{key.hex}")
    yield list(within(rows.filter(place), asked))


def asked_of(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: word for name in FILTERS if (word := clean(query.get(name, "")))}


def narrows(asked: Mapping[str, str]) -> bool:
    return any(asked.get(name) for name in ("who", "did", "thing"))


def of_days(rows: QuerySet[AuditEntry], asked: Mapping[str, str], clock: Clock) -> QuerySet[AuditEntry]:
    """Those of the days that are asked for, in the account's zone; both days are in."""
    days = custom_period(read_date(asked.get("from", "")), read_date(asked.get("to", "")), clock.zone)
    rows = rows.filter(at__gte=days.since) if days.since else rows
    return rows.filter(at__lt=days.until) if days.until else rows


def cursor_of(row: AuditEntry) -> str:
    return f"{row.at.isoformat()}_{row.pk.hex}"


def clean(word: Any) -> str:
    return str(word).replace("\x00", "").strip()[:LONGEST_WORD]


def newest(rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    return rows.order_by("-at", "-id")


def within(rows: QuerySet[AuditEntry], asked: Mapping[str, str]) -> QuerySet[AuditEntry]:
    """Those of the newest five thousand that fit: what is rare costs no more than what is common."""
    bounded = newest(rows).values("pk")[:LOOKED_AT]
    return newest(rows.filter(wanted_by(asked), pk__in=bounded))


def wanted_by(asked: Mapping[str, str]) -> Q:
    wanted = Q(actor__icontains=asked["who"]) if "who" in asked else Q()
    if thing := asked.get("thing"):
        wanted &= Q(object_type=thing)
    if did := asked.get("did"):
        _, beginnings = DEEDS.get(did, ("", (did,)))
        wanted &= reduce(or_, (Q(action__startswith=beginning) for beginning in beginnings))
    return wanted


def below(cursor: str) -> Q:
    """What comes after a page in the log; everything for what is no cursor."""
    at, _, key = cursor.replace(" ", "+").partition("_")
    try:
        moment, last = datetime.fromisoformat(at), uuid.UUID(key)
    except ValueError:
        return Q()
    if moment.tzinfo is None:
        return Q()
    return Q(at__lte=moment) & (Q(at__lt=moment) | Q(pk__lt=last))


def entry_of(row: AuditEntry, clock: Clock) -> Entry:
    return Entry(
        clock.at(row.at),
        row.actor,
        row.action,
        row.object_type,
        row.object_id,
        told_by(row.detail),
        row.address or "",
    )


def told_by(detail: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}: {worded(value)}" for name, value in detail.items() if value not in ("", [], {})
    )


def worded(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {changed(change)}" for name, change in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def changed(change: Any) -> str:
    """From this to that; whatever else is kept, as it is."""
    if not isinstance(change, list) or len(change) != 2:
        return worded(change)
    before, after = (worded(side) if side not in (None, "") else "nothing" for side in change)
    return f"from {before} to {after}"
