"""Take captured events into the database by the way that live ones go: journal, ingest, rows."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Switch
from ccportal.listener.applier import BATCH_BYTES, apply_whole_or_apart
from switch.esl.captures import read_bodies
from switch.journal import Journal

BATCH_EVENTS: Final = 500


class Command(BaseCommand):
    help = "Take captured events (JSON lines, .gz too) into the database through a journal, as live ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--switch", required=True, metavar="NAME", help="the switch they were captured on"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        switch = Switch.objects.filter(name=options["switch"]).first()
        if switch is None:
            raise CommandError(f"No switch named {options['switch']}.")
        events = replay(switch, options["files"], settings.DATA_DIR / "journal")
        self.stdout.write(f"{events} events committed")


def replay(switch: Switch, files: list[Path], folder: Path) -> int:
    """Journal the files' events and apply the journal; return how many there were."""
    try:
        size = sum(path.stat().st_size for path in files)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    events = 0
    with (
        Journal.open(folder, f"{switch.pk.hex}-replayed") as journal,
        tqdm(total=size, unit="B", unit_scale=True, delay=2, disable=not sys.stderr.isatty()) as progress,
    ):
        after = journal.last_id()
        for path in files:
            for bodies in in_batches(read_bodies(path)):
                journal.append(bodies)
                events += len(bodies)
                after = apply_behind(switch, journal, after)
            progress.update(path.stat().st_size)
        journal.sync()
        journal.prune(float("inf"), after)
    return events


def in_batches(bodies: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield bodies some at a time."""
    while batch := list(islice(bodies, BATCH_EVENTS)):
        yield batch


def apply_behind(switch: Switch, journal: Journal, after: int) -> int:
    """Apply what the journal holds behind a place, and return the new place."""
    for batch in journal.read(after, limit_bytes=BATCH_BYTES):
        apply_whole_or_apart(switch, [batch], "")
        after = batch.id
    return after
