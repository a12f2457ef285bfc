"""What an Asterisk wrote down since the last look, read into rows; the place is stored with them."""

from __future__ import annotations

import logging
import time
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Switch
from ccportal.catch_up.files import Place, SourceTrouble, read_on, split_csv, split_lines
from ccportal.catch_up.table import Table, rows_after
from ccportal.pipeline import apply_events, sorted_events
from cdr import observations
from cdr.models import SourcePosition
from switch import events as ev
from switch.asterisk.master_csv import read_columns, read_master_csv
from switch.asterisk.queue_log import read_queue_log_line
from switch.errors import MalformedEvent

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0
AFTER_TROUBLE_SECONDS: Final = 15.0
Source = SourcePosition.Source
Found = ev.Event | MalformedEvent


@dataclass
class CatchUp:
    """Looks at an Asterisk's CDRs and queue_log every second."""

    due_at: dict[str, float] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def take(self, switch: Switch) -> bool:
        """Read on wherever there is something; True when there may be more at once."""
        places = {Source.CDR: switch.cdr_source, Source.QUEUE_LOG: switch.queue_log}
        taken = [self._take(switch, source, place) for source, place in places.items() if place]
        return any(taken)

    def _take(self, switch: Switch, source: Source, place: str) -> bool:
        if time.monotonic() < self.due_at.get(source, 0.0):
            return False
        try:
            did = catch_up(switch, source, place, self.seen)
        except SourceTrouble as trouble:
            note_trouble(switch, source, place, str(trouble))
            self.due_at[source] = time.monotonic() + AFTER_TROUBLE_SECONDS
            return False
        self.due_at[source] = 0.0 if did else time.monotonic() + EVERY_SECONDS
        return did


def catch_up(switch: Switch, source: Source, place: str, seen: set[int]) -> bool:
    """Read one portion; rows and the place after them are committed together.

    ``seen`` has the numbers of a table's rows that were stored: none that is not committed.
    """
    with transaction.atomic():
        position = position_of(switch, source, place)
        before = Place(position.inode, position.offset)
        numbers = set(seen)
        if "://" in place:
            found, after = read_table(switch, place, before, numbers)
        else:
            found, after = read_file(switch, source, place, before)
        did = bool(found) or after != before
        if not did and position.read_at and not position.trouble:
            return False
        apply_found(switch, found)
        position.inode, position.offset = after.inode, after.offset
        position.trouble, position.read_at = "", timezone.now()
        position.save()
    seen.clear()
    seen.update(numbers)
    return did


def position_of(switch: Switch, source: Source, place: str) -> SourcePosition:
    """The row, locked; a source that was moved elsewhere is read from its beginning."""
    shown = Table.at(place).shown if "://" in place else place
    SourcePosition.objects.get_or_create(switch=switch, source=source, defaults={"place": shown})
    position = SourcePosition.objects.select_for_update().get(switch=switch, source=source)
    if position.place != shown:
        position.place, position.inode, position.offset = shown, 0, 0
    return position


def read_file(switch: Switch, source: Source, path: str, place: Place) -> tuple[list[Found], Place]:
    """The next records of a file, and where to go on."""
    is_cdr = source == Source.CDR
    portion = read_on(Path(path), place, split_csv if is_cdr else split_lines)
    if portion.lost:
        log.error("switch %s: %s: %s", switch.name, path, portion.lost)
        observations.count(switch, "lost", {f"{source} rotated away": 1})
    found = read_cdrs(switch, portion.records) if is_cdr else map(read_queue_log_line, portion.records)
    return list(found), portion.after


def read_cdrs(switch: Switch, records: Sequence[bytes]) -> Iterable[Found]:
    return read_master_csv(records, zoneinfo.ZoneInfo(switch.time_zone))


def read_table(switch: Switch, url: str, place: Place, seen: set[int]) -> tuple[list[Found], Place]:
    """The rows of a table that are not ``seen`` yet, which then has them."""
    rows = [(number, columns) for number, columns in rows_after(Table.at(url), place.offset)]
    new = [columns for number, columns in rows if number not in seen]
    seen.clear()
    seen.update(number for number, _ in rows)
    last = max(seen, default=place.offset)
    return list(read_columns(new, zoneinfo.ZoneInfo(switch.time_zone))), Place(0, max(last, place.offset))


def apply_found(switch: Switch, found: Iterable[Found]) -> None:
    """Write what could be read; what could not is counted."""
    events: list[ev.Event] = []
    malformed: list[str] = []
    for each in found:
        if isinstance(each, MalformedEvent):
            malformed.append(str(each)[:128])
        else:
            events.append(each)
    heard = sorted_events(events)
    heard.malformed.update(malformed)
    if events or malformed:
        apply_events(switch, heard)


def note_trouble(switch: Switch, source: Source, place: str, trouble: str) -> None:
    """Say once what is wrong with a source, and store it where it is seen."""
    trouble = trouble[:255]
    rows = SourcePosition.objects.filter(switch=switch, source=source)
    if rows.filter(trouble=trouble).exists():
        return
    log.warning("switch %s: its %s: %s", switch.name, source.label, trouble)
    if not rows.update(trouble=trouble):
        SourcePosition.objects.create(switch=switch, source=source, trouble=trouble)
