"""A switch's own CDR files, whatever their form, through the same ingest as its events."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from accounts.models import Switch
from ccportal.pipeline import Heard, apply_events, custom_variables
from switch import events as ev
from switch.cdrs.cdr_csv import read_cdr_csv
from switch.cdrs.json_cdr import read_json_cdr
from switch.cdrs.report import LegReport, events_of
from switch.cdrs.xml_cdr import read_xml_cdr
from switch.errors import MalformedEvent

LARGEST = 64 * 1024 * 1024
EVENTS_A_BATCH = 5_000
ENDINGS = (".json", ".xml", ".csv")


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


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those with a known ending in the folders named."""
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix in ENDINGS and each.is_file())
        else:
            yield path


def read_file(path: Path, switch: Switch, custom: Sequence[str]) -> Iterator[ev.Event | MalformedEvent]:
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
        applied = apply_events(switch, Heard(calls=events, last_at=max(event.at for event in events)))
        done.legs += len({event.channel.uuid for event in events if isinstance(event, ev.LegEvent)})
        done.conversations += applied.conversations
