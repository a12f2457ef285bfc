"""mod_cdr_csv with its sample template: a line a leg, whole seconds in the switch's own time zone.

Columns: caller name, caller number, destination, context, start, answer, end, duration, billsec, cause, uuid,
other leg, account code, read codec, write codec.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zoneinfo
from collections.abc import Iterator

from switch import events as ev
from switch.cdrs.report import REPORTED, clean, whole
from switch.errors import MalformedEvent

COLUMNS = 15
STAMP = "%Y-%m-%d %H:%M:%S"


def read_cdr_csv(body: bytes, zone: zoneinfo.ZoneInfo) -> Iterator[ev.Event | MalformedEvent]:
    """The leg of each record, or what is wrong with it."""
    text = io.StringIO(body.decode("utf-8", "replace").replace("\x00", "\ufffd"), newline="")
    try:
        for record in csv.reader(text):
            if record:
                yield _leg(record, zone)
    except csv.Error as error:
        yield MalformedEvent(f"not CSV: {error}")


def _leg(record: list[str], zone: zoneinfo.ZoneInfo) -> ev.Event | MalformedEvent:
    if len(record) < COLUMNS or not record[10]:
        return MalformedEvent("a record without the sample template's columns")
    fields = [clean(value) for value in record]
    try:
        created, answered, ended = (_moment(fields[column], zone) for column in (4, 5, 6))
    except ValueError as error:
        return MalformedEvent(f"a record with a bad time: {error}")
    if not created or not ended:
        return MalformedEvent("a record without start or end")
    return ev.LegSummarised(
        core=f"{REPORTED}csv:{fields[10]}",
        sequence=6,
        at=ended,
        channel=ev.Channel(
            uuid=fields[10],
            context=fields[3],
            caller_number=fields[1],
            caller_name=fields[0],
            destination=fields[2],
            created=created,
            answered=answered,
            hung_up=ended,
            other_leg=fields[11],
            read_codec=fields[13],
            write_codec=fields[14],
            variables={"accountcode": fields[12]} if fields[12] else {},
        ),
        cause=fields[9],
        duration=whole(fields[7]),
        billsec=whole(fields[8]),
    )


def _moment(stamp: str, zone: zoneinfo.ZoneInfo) -> int:
    if not stamp:
        return 0
    local = dt.datetime.strptime(stamp, STAMP).replace(tzinfo=zone)
    return int(local.timestamp()) * ev.MICROSECONDS
