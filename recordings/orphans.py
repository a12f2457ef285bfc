"""Audio in a switch's folders that no recording knows: found, linked to a call, or let be.

A look walks the mapped folders in the order of their names, below no link, and goes on the next time where it
stopped. A file is listed when nobody has written to it for a while and a second look finds it unchanged.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Switch, SwitchKind
from accounts.tenancy import Actor
from cdr.models import Call, Leg
from recordings.arrivals import FolderLook
from recordings.awaited import adopt
from recordings.candidates import stems_of
from recordings.enqueue import collect_soon
from recordings.late import look_for_late
from recordings.models import Origin, Orphan, OrphanState, Recording, State
from recordings.sources import Folder, Place, SourceError

SUFFIXES = (".wav", ".mp3")
MOST_FILES = 20_000
MOST_FOLDERS_DEEP = 12
AT_ONCE = 500
MOST_IDS = 50
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

UNIQUE_ID = re.compile(r"(?<![0-9.])[0-9]{9,11}\.[0-9]{1,10}(?![0-9.])", re.ASCII)


@dataclass(frozen=True)
class File:
    """A file as the switch calls it."""

    path: str
    size: int
    modified_at: datetime


def look() -> None:
    """What is done every few minutes: files that came late, and files that nobody knows."""
    look_for_late()
    if settings.CCPORTAL_ORPHAN_MINUTES:
        for switch in Switch.objects.filter(enabled=True):
            for remote in sorted(switch.path_mapping):
                scan(switch, remote)


def scan(switch: Switch, remote: str, most: int = MOST_FILES) -> None:
    """Look through so many files of a folder, and remember where to go on."""
    mark, _ = FolderLook.objects.get_or_create(switch=switch, root=remote)
    root = "/" + remote.strip("/")
    seen, position = 0, ""
    for folder, files in folders_below(Path(switch.path_mapping[remote]), root, (), mark.position):
        note(switch, files)
        seen += len(files)
        if seen >= most:
            position = folder
            break
    FolderLook.objects.filter(pk=mark.pk).update(position=position, looked_at=timezone.now())
    if not position:
        forget_what_went(switch, root)


def folders_below(
    root: Path, remote: str, inside: tuple[str, ...], position: str
) -> Iterator[tuple[str, list[File]]]:
    """Each folder behind the position with its audio files, a folder before those in it."""
    place = "/".join(inside)
    try:
        with Folder(Place(remote, root, inside, "")) as folder:
            files, below = entries_of(folder, "/".join([remote, *inside]))
    except (SourceError, OSError):
        return
    if not position or sort_key(place) > sort_key(position):
        yield place, files
    if len(inside) < MOST_FOLDERS_DEEP:
        for name in sorted(below):
            if not position or sort_key(f"{place}/{name}") >= sort_key(position)[: len(inside) + 1]:
                yield from folders_below(root, remote, (*inside, name), position)


def sort_key(place: str) -> tuple[str, ...]:
    return tuple(part for part in place.split("/") if part)


def entries_of(folder: Folder, remote: str) -> tuple[list[File], list[str]]:
    """The quiet audio files of a folder and the folders in it; links are passed over."""
    newest = timezone.now() - timedelta(minutes=settings.CCPORTAL_ORPHAN_MINUTES)
    files, below = [], []
    with os.scandir(folder.descriptor) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif entry.name.lower().endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                seen = entry.stat(follow_symlinks=False)
                modified = datetime.fromtimestamp(seen.st_mtime, UTC)
                if modified < newest and entry.name.isprintable():
                    files.append(File(f"{remote}/{entry.name}", seen.st_size, modified))
    return files, [name for name in below if name.isprintable()]


def note(switch: Switch, files: list[File]) -> None:
    for start in range(0, len(files), AT_ONCE):
        some = files[start : start + AT_ONCE]
        known = known_paths(switch, [file.path for file in some])
        note_unknown(switch, [file for file in some if file.path not in known])


def known_paths(switch: Switch, paths: list[str]) -> set[str]:
    """Those that a recording has, had, or could have been renamed to."""
    stems = {path: possible_names(path) for path in paths}
    asked = {name for names in stems.values() for name in names}
    rows = Recording.objects.filter(switch=switch)
    taken = set(rows.filter(path__in=asked).values_list("path", flat=True))
    taken |= set(rows.filter(path__in=[f"{{{path}" for path in asked]).values_list("path", flat=True))
    return {path for path, names in stems.items() if not taken.isdisjoint(names)}


def possible_names(path: str) -> list[str]:
    """The path itself, and what it could have been called before something was added behind a ``_``."""
    folder, _, name = path.rpartition("/")
    own = Path(name)
    parts = own.stem.split("_")
    first = Path(parts[0] + own.suffix)
    return [f"{folder}/{stem}" for stem in (str(first), *stems_of(name, first), name)]


def note_unknown(switch: Switch, files: list[File]) -> None:
    """Write down files seen for the first time; one seen before and unchanged since is shown."""
    rows = {row.path: row for row in Orphan.objects.filter(switch=switch, path__in=[f.path for f in files])}
    new = [orphan_of(switch, file) for file in files if file.path not in rows]
    Orphan.objects.bulk_create(new, ignore_conflicts=True)
    for file in files:
        row = rows.get(file.path)
        if row is None:
            continue
        is_same = (row.size, row.modified_at) == (file.size, file.modified_at)
        if is_same and row.state == OrphanState.SEEN:
            Orphan.objects.filter(pk=row.pk, state=OrphanState.SEEN).update(state=OrphanState.WAITING)
            link_by_name(switch, row)
        elif is_same and row.state == OrphanState.WAITING:
            link_by_name(switch, row)
        elif not is_same:
            Orphan.objects.filter(pk=row.pk).update(
                size=file.size, modified_at=file.modified_at, state=OrphanState.SEEN
            )


def orphan_of(switch: Switch, file: File) -> Orphan:
    return Orphan(
        switch=switch,
        account_id=switch.account_id,
        path=file.path,
        size=file.size,
        modified_at=file.modified_at,
    )


def forget_what_went(switch: Switch, root: str) -> None:
    """Drop rows of files that are there no more, or that a recording knows by now."""
    rows = Orphan.objects.filter(
        switch=switch, path__startswith=f"{root}/", state__in=[OrphanState.SEEN, OrphanState.WAITING]
    )
    for row in rows.order_by("found_at")[:AT_ONCE]:
        if known_paths(switch, [row.path]) or not is_there(switch, row.path, root):
            row.delete()


def is_there(switch: Switch, path: str, root: str) -> bool:
    local = next(ours for remote, ours in switch.path_mapping.items() if "/" + remote.strip("/") == root)
    *folders, name = path.removeprefix(f"{root}/").split("/")
    with ExitStack() as opened:
        try:
            folder = opened.enter_context(Folder(Place(root, Path(local), tuple(folders), name)))
            file = folder.open(name)
        except (SourceError, OSError):
            return False
        if file is None:
            return False
        file.close()
    return True


def uuids_in(path: str) -> list[str]:
    return UUID.findall(path.rsplit("/", 1)[-1])


def link_by_name(switch: Switch, orphan: Orphan) -> None:
    """Give an Asterisk's file to the call whose unique id is in its name, if it is that of one leg alone."""
    names = unique_ids_in(orphan.path) if switch.kind == SwitchKind.ASTERISK else []
    legs = list(Leg.objects.filter(switch=switch, uuid__in=names).select_related("call")[:2]) if names else []
    if len(legs) == 1 and legs[0].call.account_id is not None:
        link(orphan, legs[0].call, None, legs[0].uuid)


def unique_ids_in(path: str) -> list[str]:
    """The unique ids that a file's name holds, each also with what could be the system's name before it."""
    name = Path(path.rsplit("/", 1)[-1]).stem
    found = []
    for match in UNIQUE_ID.finditer(name):
        before = name[: match.start()]
        starts = [place + 1 for place, sign in enumerate(before) if sign in "-_"]
        begun = [0, *starts] if before.endswith("-") else [match.start()]
        found += [name[start : match.end()] for start in begun]
    return list(dict.fromkeys(found))[:MOST_IDS]


@transaction.atomic
def link(orphan: Orphan, call: Call, actor: Actor | None, leg_uuid: str = "") -> Recording | None:
    """Make the file a recording of the call, or of its one recording without a file; None if too late."""
    row = Orphan.objects.select_for_update().filter(pk=orphan.pk, state=OrphanState.WAITING).first()
    if row is None:
        return None
    recording = lone_missing(row, call) or new_recording(row, call, leg_uuid)
    Recording.objects.filter(pk=recording.pk).update(
        source_path=row.path,
        state=State.RECEIVED,
        state_at=timezone.now(),
        finding="",
        state_reason="",
        attempts=0,
        next_try_at=None,
    )
    Orphan.objects.filter(pk=row.pk).update(state=OrphanState.LINKED, recording=recording)
    adopt(recording, call)
    collect_soon([recording.pk])
    audit.record(actor, "orphan.link", recording, path=row.path, call=call.pk.hex)
    return recording


def lone_missing(orphan: Orphan, call: Call) -> Recording | None:
    rows = list(
        Recording.objects.filter(call=call, switch=orphan.switch, stored_at=None, state=State.MISSING)[:2]
    )
    return rows[0] if len(rows) == 1 else None


def new_recording(orphan: Orphan, call: Call, leg_uuid: str) -> Recording:
    return Recording.objects.get_or_create(
        pk=uuid.uuid5(orphan.pk, "recording"),
        defaults={
            "account_id": call.account_id,
            "switch": orphan.switch,
            "leg_uuid": leg_uuid or call.leg_uuid,
            "path": orphan.path,
            "origin": Origin.LINKED,
            "started_at": call.answered_at or call.started_at,
        },
    )[0]


def discard(orphan: Orphan, actor: Actor | None) -> bool:
    """Take the file off the list; it stays where it is."""
    gone = Orphan.objects.filter(pk=orphan.pk, state=OrphanState.WAITING).update(state=OrphanState.DISCARDED)
    if gone:
        audit.record(actor, "orphan.discard", orphan, path=orphan.path)
    return bool(gone)
