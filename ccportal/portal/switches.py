"""How switches are heard: all of it for those whose they are, for others only whether they are connected."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from accounts.models import Account, Switch
from ccportal.listener.standby import LEASE_SECONDS
from ccportal.portal.clock import ago, between, day_and_time, duration, whole
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line
from cdr.models import ConnectionGap, EventCount, IngestPosition
from switch.backoff import HEARTBEAT_SECONDS, SILENT_HEARTBEATS

SWITCHES_AT_MOST = 100
ROWS_AT_MOST = 50
LEASE = timedelta(seconds=LEASE_SECONDS)
PATIENCE = timedelta(seconds=HEARTBEAT_SECONDS * SILENT_HEARTBEATS)

CONNECTED = Mark("Connected", "good")
CATCHING_UP = Mark("Catching up", "warn")
NOT_CONNECTED = Mark("Not connected", "bad")
NO_LISTENER = Mark("No listener", "bad")
SWITCHED_OFF = Mark("Switched off", "off")

UNUSABLE = {"unknown": "Unknown kind", "malformed": "Could not be read"}


@dataclass(frozen=True)
class Moment:
    """A moment as it is shown, and in full."""

    shown: str = ""
    title: str = ""
    is_late: bool = False


@dataclass(frozen=True)
class Heard:
    """A switch and what was heard from it; of one that others share only the state is told."""

    name: str
    kind: str
    state: Mark
    is_shared: bool = False
    last_heard: Moment = Moment()
    last_event: Moment = Moment()
    last_gap: Moment = Moment()
    lag: str = ""
    is_lagging: bool = False
    waiting: str = "0"
    unusable: int = 0

    @property
    def unusable_shown(self) -> str:
        return f"{self.unusable:,}"

    @property
    def needs_someone(self) -> bool:
        return self.state.tone in ("bad", "warn")


@dataclass(frozen=True)
class Gap:
    switch: str
    since: Moment
    length: str
    reason: str


@dataclass(frozen=True)
class Unusable:
    switch: str
    what: str
    name: str
    shown: str
    last: Moment


@dataclass(frozen=True)
class Clock:
    """The moment the page tells of, and the zone it tells it in."""

    now: datetime
    zone: ZoneInfo

    def since(self, moment: datetime | None, late: timedelta | None = None) -> Moment:
        if moment is None:
            return Moment()
        is_late = late is not None and self.now - moment > late
        return Moment(ago(moment, self.now), whole(moment, self.zone), is_late)

    def at(self, moment: datetime | None) -> Moment:
        return Moment(day_and_time(moment, self.zone), whole(moment, self.zone)) if moment else Moment()


def serving(switches: QuerySet[Switch], account: Account) -> QuerySet[Switch]:
    """The switches that stand at the account or above it."""
    tree = [uuid.UUID(key) for key in account.tree_path.strip("/").split("/")]
    return switches.filter(account__in=tree)


def with_newest_gap(switches: QuerySet[Switch]) -> QuerySet[Switch]:
    newest = ConnectionGap.objects.filter(switch=OuterRef("pk")).order_by("-started_at")
    position = IngestPosition.objects.filter(switch=OuterRef("pk"))
    return switches.annotate(
        gap_started=Subquery(newest.values("started_at")[:1]),
        gap_ended=Subquery(newest.values("ended_at")[:1]),
        last_event=Subquery(position.values("last_event_at")[:1]),
        waiting=Subquery(position.values("waiting")[:1]),
        waiting_since=Subquery(position.values("waiting_since")[:1]),
    ).order_by("name")[:SWITCHES_AT_MOST]


def state_of(switch: Switch, gap_is_open: bool, now: datetime) -> Mark:
    """Whether it is heard; a listener that lives and has nothing new of late is behind its journal."""
    if not switch.enabled:
        return SWITCHED_OFF
    if switch.listener_seen_at is None or now - switch.listener_seen_at > LEASE:
        return NO_LISTENER
    if gap_is_open or switch.last_heard_at is None:
        return NOT_CONNECTED
    return CONNECTED if now - switch.last_heard_at <= PATIENCE else CATCHING_UP


def heard(switches: Iterable[Switch], clock: Clock) -> tuple[list[Heard], list[Unusable]]:
    """What is told to those a switch is of, and the newest kinds of events that could not be used."""
    rows = list(switches)
    counts = EventCount.objects.filter(switch__in=[row.pk for row in rows])
    sums = dict(counts.values("switch").annotate(sum=Sum("count")).values_list("switch", "sum"))
    newest = counts.select_related("switch").order_by("-last_at", "name")[:ROWS_AT_MOST]
    return [whole_of(row, sums.get(row.pk, 0), clock) for row in rows], [
        unusable_of(row, clock) for row in newest
    ]


def whole_of(switch: Switch, unusable: int, clock: Clock) -> Heard:
    state = mark_of(switch, clock.now)
    late = PATIENCE if switch.enabled else None
    waiting_since = annotated(switch, "waiting_since")
    return Heard(
        name=on_one_line(switch.name),
        kind=switch.get_kind_display(),
        state=state,
        last_heard=clock.since(switch.last_heard_at, late),
        last_event=clock.since(annotated(switch, "last_event"), late),
        last_gap=clock.since(annotated(switch, "gap_started")),
        lag=duration(between(waiting_since, clock.now)) if waiting_since else "None",
        is_lagging=waiting_since is not None and clock.now - waiting_since > PATIENCE,
        waiting=f"{getattr(switch, 'waiting', None) or 0:,}",
        unusable=unusable,
    )


def shared(switches: Iterable[Switch], now: datetime) -> list[Heard]:
    """Switches that serve other tenants too: neither their names nor their figures are anybody's here."""
    rows = list(switches)
    numbers = [f" {number}" for number in range(1, len(rows) + 1)] if len(rows) > 1 else [""]
    return [
        Heard(f"Shared switch{number}", row.get_kind_display(), mark_of(row, now), is_shared=True)
        for number, row in zip(numbers, rows, strict=False)
    ]


def mark_of(switch: Switch, now: datetime) -> Mark:
    started, ended = annotated(switch, "gap_started"), annotated(switch, "gap_ended")
    return state_of(switch, started is not None and ended is None, now)


def annotated(switch: Switch, name: str) -> datetime | None:
    value: datetime | None = getattr(switch, name)
    return value


def gaps_of(switches: Iterable[Switch], clock: Clock) -> list[Gap]:
    """The newest times without a connection."""
    rows = ConnectionGap.objects.filter(switch__in=[switch.pk for switch in switches])
    return [
        gap_of(row, clock) for row in rows.select_related("switch").order_by("-started_at")[:ROWS_AT_MOST]
    ]


def gap_of(gap: ConnectionGap, clock: Clock) -> Gap:
    length = duration(between(gap.started_at, gap.ended_at or clock.now))
    return Gap(
        switch=on_one_line(gap.switch.name),
        since=clock.at(gap.started_at),
        length=length if gap.ended_at else f"{length} so far",
        reason=on_one_line(gap.reason),
    )


def unusable_of(row: EventCount, clock: Clock) -> Unusable:
    return Unusable(
        switch=on_one_line(row.switch.name),
        what=UNUSABLE.get(row.kind, row.kind),
        name=on_one_line(row.name) or "no name",
        shown=f"{row.count:,}",
        last=clock.since(row.last_at),
    )
