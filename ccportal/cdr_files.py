"""A switch's own CDR files, whatever their form, through the same ingest as its events."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from accounts.models import Switch, SwitchKind
from ccportal.pipeline import apply_events, custom_variables, sorted_events
from switch import events as ev
from switch.asterisk.master_csv import read_master_csv
from switch.asterisk.queue_log import read_queue_log_line
from switch.asterisk.records import split_records
from switch.cdrs.cdr_csv import read_cdr_csv
from switch.cdrs.json_cdr import read_json_cdr
from switch.cdrs.report import LegReport, events_of
from switch.cdrs.xml_cdr import read_xml_cdr
from switch.errors import MalformedEvent

LARGEST = 64 * 1024 * 1024
EVENTS_A_BATCH = 5_000
ENDINGS = (".json", ".xml", ".csv")
QUEUE_LOG_LINE = re.compile(rb"[0-9]{9,11}\|")
ASTERISK_FILES = re.compile(r"(?:.*\.csv|queue_log)(?:[.-][0-9]+)?")


@dataclass(slots=True)
class Imported:
    """What an import did; ``refused`` are (file, what is wrong)."""

    files: int = 0
    legs: int = 0
    conversations: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def import_files(switch: Switch, paths: Iterable[Path]) -> Imported:
    """Read every file; one that cannot be read is named and does not stop the others."""
    done = Imported()
    custom = sorted(custom_variables())
    read_file = read_asterisk_file if switch.kind == SwitchKind.ASTERISK else read_freeswitch_file
    batch: list[ev.Event] = []
    for path in paths:
        done.files += 1
        for found in read_file(path, switch, custom):
            if isinstance(found, MalformedEvent):
                done.refused.append((str(path), str(found)))
            else:
                batch.append(found)
        if len(batch) >= EVENTS_A_BATCH:
            _apply(switch, batch, done)
            batch = []
    _apply(switch, batch, done)
    return done


def files_below(switch: Switch, paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those with a known name in the folders named, rotated ones too."""
    for path in paths:
        if path.is_dir():
            found = (each for each in path.rglob("*") if is_named_as_known(switch, each) and each.is_file())
            yield from sorted(found)
        else:
            yield path


def is_named_as_known(switch: Switch, path: Path) -> bool:
    if switch.kind == SwitchKind.ASTERISK:
        return ASTERISK_FILES.fullmatch(path.name) is not None
    return path.suffix in ENDINGS


def read_asterisk_file(
    path: Path, switch: Switch, custom: Sequence[str]
) -> Iterator[ev.Event | MalformedEvent]:
    """Master.csv or queue_log, told apart by what is in it."""
    try:
        body = _read(path)
    except (MalformedEvent, OSError) as error:
        yield error if isinstance(error, MalformedEvent) else MalformedEvent(error.strerror or str(error))
        return
    if QUEUE_LOG_LINE.match(body):
        yield from map(read_queue_log_line, body.splitlines())
    else:
        yield from read_master_csv(split_records(body, final=True), zoneinfo.ZoneInfo(switch.time_zone))


def read_freeswitch_file(
    path: Path, switch: Switch, custom: Sequence[str]
) -> Iterator[ev.Event | MalformedEvent]:
    try:
        body = _read(path)
        if path.suffix == ".csv":
            yield from read_cdr_csv(body, zoneinfo.ZoneInfo(switch.time_zone))
        else:
            yield from events_of(_report(body), custom)
    except MalformedEvent as error:
        yield error
    except OSError as error:
        yield MalformedEvent(error.strerror or str(error))


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise MalformedEvent(f"larger than {LARGEST // 2**20} MiB")
    return path.read_bytes()


def _report(body: bytes) -> LegReport:
    return read_json_cdr(body) if body.lstrip()[:1] == b"{" else read_xml_cdr(body)


def _apply(switch: Switch, events: list[ev.Event], done: Imported) -> None:
    if events:
        applied = apply_events(switch, sorted_events(events))
        done.legs += len({name for event in events if (name := leg_of(event))})
        done.conversations += applied.conversations


def leg_of(event: ev.Event) -> str:
    """The leg that a record is about."""
    if isinstance(event, ev.LegEvent):
        return event.channel.uuid
    return event.unique_id if isinstance(event, ev.AsteriskEvent) else ""
