"""Master.csv of Asterisk's cdr_csv: 16 to 21 columns, times local or GMT as its configuration says.

Columns: account code, source, destination, context, caller id, channel, other channel, application, its data,
start, answer, end, duration, billsec, disposition, AMA flags; then, where they are switched on, unique id,
user field, and together peer account, linked id and sequence.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from switch import events as ev
from switch.asterisk.identity import fingerprint
from switch.asterisk.ids import created_at, is_unique_id
from switch.asterisk.records import columns_of
from switch.cdrs.report import clean, whole
from switch.errors import MalformedEvent

FEWEST, MOST = 16, 21
NEW_COLUMNS = 3
STAMP = "%Y-%m-%d %H:%M:%S"
NEAR = 600
EARLY = 2
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
NAME = re.compile(r'\A"(.*?)"?(?: <[^<>]*>)?\Z', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """A record's columns by name; times as they stand."""

    columns: list[str]
    unique_id: str
    linked_id: str
    user_field: str
    sequence: int | None


def read_master_csv(
    records: Iterable[bytes], zone: zoneinfo.ZoneInfo
) -> Iterator[ev.AsteriskCdr | MalformedEvent]:
    """The CDR of each record, or what is wrong with it; ``zone`` is the switch's.

    Whether the file's times are local or GMT is seen from the unique ids, which are always absolute.
    """
    return _events([_row(record) for record in records if record.strip()], zone)


def read_columns(
    rows: Iterable[Sequence[str]], zone: zoneinfo.ZoneInfo
) -> Iterator[ev.AsteriskCdr | MalformedEvent]:
    """The CDR of each row of a table that has all of Master.csv's columns, in its order."""
    return _events([_named([clean(column) for column in row]) for row in rows], zone)


def _events(
    rows: Sequence[Row | MalformedEvent], zone: zoneinfo.ZoneInfo
) -> Iterator[ev.AsteriskCdr | MalformedEvent]:
    is_gmt = _is_gmt([row for row in rows if isinstance(row, Row)], zone)
    for row in rows:
        yield row if isinstance(row, MalformedEvent) else _event(row, zone, is_gmt)


def _row(record: bytes) -> Row | MalformedEvent:
    try:
        columns = [clean(column) for column in columns_of(record)]
    except csv.Error as error:
        return MalformedEvent(f"not CSV: {error}")
    return _named(columns)


def _named(columns: list[str]) -> Row | MalformedEvent:
    if not FEWEST <= len(columns) <= MOST:
        return MalformedEvent(f"a record of {len(columns)} columns, not {FEWEST} to {MOST}")
    more = columns[FEWEST:]
    newest = more[-NEW_COLUMNS:] if len(more) >= NEW_COLUMNS else []
    own = more[: len(more) - len(newest)]
    unique_id = own.pop(0) if own and (is_unique_id(own[0]) or len(own) > 1) else ""
    linked_id = newest[1] if newest else ""
    sequence = whole(newest[2]) if newest and newest[2].strip().isdigit() else None
    nameless = f"{columns[5]}@{columns[9]}"
    return Row(columns, unique_id or linked_id or nameless, linked_id, own[0] if own else "", sequence)


def _is_gmt(rows: Iterable[Row], zone: zoneinfo.ZoneInfo) -> bool | None:
    """What most records say whose call had just begun; None when none does."""
    votes = {True: 0, False: 0}
    for row in rows:
        born = created_at(row.unique_id) // ev.MICROSECONDS
        if born:
            for is_gmt in votes:
                votes[is_gmt] += any(
                    -EARLY <= at - born < NEAR for at in _readings(row.columns[9], zone, is_gmt)
                )
    if votes[True] == votes[False]:
        return None
    return votes[True] > votes[False]


def _readings(stamp: str, zone: zoneinfo.ZoneInfo, is_gmt: bool | None) -> list[int]:
    """The unix seconds that a stamp can mean; a local one means two when clocks are put back."""
    try:
        naive = dt.datetime.strptime(stamp, STAMP)  # noqa: DTZ007
    except ValueError:
        return []
    zones = [dt.UTC] if is_gmt else [zone] if is_gmt is False else [zone, dt.UTC]
    return [
        int(naive.replace(tzinfo=each, fold=fold).timestamp())
        for each in zones
        for fold in ((0, 1) if each is not dt.UTC else (0,))
    ]


def _event(row: Row, zone: zoneinfo.ZoneInfo, is_gmt: bool | None) -> ev.AsteriskCdr | MalformedEvent:
    columns = row.columns
    duration, billsec = whole(columns[12]), whole(columns[13])
    born = created_at(row.unique_id) // ev.MICROSECONDS
    is_gmt = False if is_gmt is None and not born else is_gmt
    started = _nearest(_readings(columns[9], zone, is_gmt), born)
    if not started:
        return MalformedEvent("a record without a start")
    ended = _nearest(_readings(columns[11], zone, is_gmt), started + duration) or started + duration
    answered = _nearest(_readings(columns[10], zone, is_gmt), ended - billsec)
    return ev.AsteriskCdr(
        core=f"asterisk:cdr:{row.unique_id}",
        sequence=row.sequence if row.sequence is not None else fingerprint(*columns[:FEWEST]),
        at=ended * ev.MICROSECONDS,
        unique_id=row.unique_id,
        linked_id=row.linked_id,
        account_code=columns[0],
        caller_number=columns[1],
        caller_name=name_of(columns[4], columns[1]),
        destination=columns[2],
        context=columns[3],
        channel=columns[5],
        other_channel=columns[6],
        application=columns[7],
        application_data=columns[8],
        started=started * ev.MICROSECONDS,
        answered=answered * ev.MICROSECONDS,
        duration=duration,
        billsec=billsec,
        disposition=columns[14],
        user_field=row.user_field,
    )


def _nearest(readings: list[int], expected: int) -> int:
    """The reading nearest to what is expected, none before it when one is after; 0 for no stamp."""
    return min(readings, key=lambda at: (at < expected - EARLY, abs(at - expected)), default=0)


def name_of(caller_id: str, number: str) -> str:
    """The name in ``"Name" <number>``, which is cut at 79 bytes wherever that falls."""
    plain = ESCAPED.sub(r"\1", caller_id)
    found = NAME.match(plain)
    if found:
        return found[1]
    return "" if plain.strip("<>") == number else plain.removesuffix(f" <{number}>")
