"""Stored files are read again, the longest unread first, and compared with what was stored."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from recordings.exports import Export
from recordings.models import PLAYABLE, Damage, Media
from recordings.storage import DRAFT_PREFIX, digest, storage_at, storage_of

log = logging.getLogger(__name__)

LONGEST_RUN_SECONDS = 600
AT_ONCE = 100
PEAKS = ".peaks.json"


@dataclass
class Run:
    """What one run has read and found; ``away`` are the stores that did not answer."""

    files: int = 0
    bytes: int = 0
    damaged: int = 0
    away: set[uuid.UUID | None] = field(default_factory=set)


def verify() -> str:
    """Read as much as a run may; return in a sentence what was found."""
    run = Run()
    until, most = time.monotonic() + LONGEST_RUN_SECONDS, settings.CCPORTAL_VERIFY_MEGABYTES * 1_000_000
    began = timezone.now()
    while batch := longest_unread(began, run):
        for media in batch:
            if run.bytes >= most or time.monotonic() > until:
                return told(run)
            if media.store_id not in run.away:
                read_again(media, run)
    return told(run)


def told(run: Run) -> str:
    away = f", {len(run.away)} storages did not answer" if run.away else ""
    return f"{run.files} files, {run.bytes} bytes, {run.damaged} damaged{away}"


def longest_unread(began: datetime, run: Run) -> list[Media]:
    """Files that this run has not read yet; those of a storage that is away wait for the next."""
    away = Q(store__in=[store for store in run.away if store])
    if None in run.away:
        away |= Q(store=None)
    rows = Media.objects.filter(verified_at__lt=began, recording__state__in=PLAYABLE).exclude(away)
    return list(rows.select_related("store", "recording").order_by("verified_at")[:AT_ONCE])


def read_again(media: Media, run: Run) -> None:
    """Compare a file with its row, and write down what is wrong with it if anything is."""
    try:
        with storage_of(media).open(media.key) as file:
            found = digest(file)
        damage = "" if found == (media.size, media.sha256) else Damage.CHANGED
    except FileNotFoundError:
        found, damage = (0, ""), Damage.GONE
    except OSError:
        log.warning("The file %s could not be read again", media.key, exc_info=True)
        run.away.add(media.store_id)
        return
    run.files, run.bytes = run.files + 1, run.bytes + found[0]
    if note(media, damage) and damage:
        run.damaged += 1


def note(media: Media, damage: str) -> bool:
    """Write down what was found, unless the file was moved or replaced meanwhile."""
    rows = Media.objects.filter(pk=media.pk, store=media.store, key=media.key, sha256=media.sha256)
    noted = rows.update(verified_at=timezone.now(), damage=damage)
    if noted and damage and damage != media.damage:
        log.error("The file %s is %s", media.key, damage)
        audit.record(None, "recording.damaged", media.recording, file=media.file_name, damage=damage)
    return bool(noted)


def count_unknown(most: int) -> tuple[int, int]:
    """Look at up to so many files on the disk; return how many that were and how many no row knows."""
    storage = storage_at(None)
    if not isinstance(storage, FileSystemStorage):
        return 0, 0
    seen = unknown = 0
    names: list[str] = []
    for name in names_below(Path(storage.location)):
        names.append(name)
        seen += 1
        if len(names) == AT_ONCE or seen >= most:
            unknown += len(names) - count_known(names)
            names = []
        if seen >= most:
            break
    return seen, unknown + len(names) - count_known(names)


def count_known(names: list[str]) -> int:
    known = {
        key
        for model in (Media, Export)
        for key in model._default_manager.filter(key__in=names, store=None).values_list("key", flat=True)
    }
    return sum(name in known for name in names)


def names_below(root: Path) -> Iterator[str]:
    """The keys of audio on the disk; waveforms and drafts go with their audio."""
    for folder, _, files in os.walk(root):
        for name in files:
            if not name.endswith(PEAKS) and not name.startswith(DRAFT_PREFIX):
                yield str((Path(folder) / name).relative_to(root))
