"""The audit log a page at a time: by who did something, what, and to which kind of thing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry
from ccportal.portal.switches import Clock, Moment

PAGE_SIZE = 50
LOOKED_AT = 5_000
FILTERS = {"who": "actor__icontains", "did": "action__startswith", "thing": "object_type"}
LONGEST_WORD = 64


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


def read_log(rows: QuerySet[AuditEntry], query: Mapping[str, Any], clock: Clock) -> LogPage:
    asked = {name: word for name in FILTERS if (word := clean(query.get(name, "")))}
    rows = rows.filter(below(str(query.get("older", ""))))
    found = list((within(rows, asked) if asked else newest(rows))[: PAGE_SIZE + 1])
    shown, last = found[:PAGE_SIZE], None
    if len(found) > PAGE_SIZE:
        last = shown[-1]
    elif asked:
        last = newest(rows)[LOOKED_AT - 1 : LOOKED_AT].first()
    older = f"{last.at.isoformat()}_{last.pk.hex}" if last else ""
    return LogPage([entry_of(row, clock) for row in shown], asked, older)


def clean(word: Any) -> str:
    return str(word).replace("\x00", "").strip()[:LONGEST_WORD]


def newest(rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    return rows.order_by("-at", "-id")


def within(rows: QuerySet[AuditEntry], asked: Mapping[str, str]) -> QuerySet[AuditEntry]:
    """Those of the newest five thousand that fit: what is rare costs no more than what is common."""
    bounded = newest(rows).values("pk")[:LOOKED_AT]
    wanted = Q(**{FILTERS[name]: word for name, word in asked.items()})
    return newest(rows.filter(wanted, pk__in=bounded))


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
    told = ", ".join(
        f"{name}: {worded(value)}" for name, value in row.detail.items() if value not in ("", [], {})
    )
    return Entry(
        clock.at(row.at), row.actor, row.action, row.object_type, row.object_id, told, row.address or ""
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
