"""The file of a take, under its own name, its after-processed one, or as a native pair."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from recordings.models import Finding, Origin, Recording
from recordings.processing.native import TABLES
from recordings.sources import Folder, Place, SourceError, missing, place_of

MOST_ALIKE = 50
UPLOADED = "upload:"


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when it was opened."""

    name: str
    file: BinaryIO
    seen: os.stat_result


@dataclass(frozen=True)
class Found:
    """What was found for a take: one file, or the incoming and outgoing one of a native pair."""

    place: Place
    folder: Folder
    files: tuple[SourceFile, ...]
    codec: str = ""

    @property
    def remote_path(self) -> str:
        return self.place.remote(self.files[0].name)


def find_source(recording: Recording, opened: ExitStack) -> Found:
    """Open the file of a take; raise SourceError when there is none. ``opened`` closes what was opened."""
    if recording.origin == Origin.UPLOAD and recording.path.startswith(UPLOADED):
        raise SourceError(Finding.MISSING, "The file was not sent yet.", permanent=True)
    if not recording.source_path and overwritten_by_other(recording):
        raise overwritten()
    place = place_of(recording.source_path or recording.path, recording.switch.path_mapping)
    folder = opened.enter_context(Folder(place))
    for name in (place.name, renamed_by(recording, place)):
        if name and (source := open_source(folder, name, opened)):
            return Found(place, folder, (source,))
    found = native_pair(place, folder, opened) or only_renamed(recording, place, folder, opened)
    if found is None:
        raise missing("The switch said it recorded; the file is not there.")
    return found


def overwritten() -> SourceError:
    return SourceError(Finding.OVERWRITTEN, "A later take was recorded over it.", permanent=True)


def overwritten_by_other(recording: Recording) -> bool:
    """Whether the path was recorded again, in this call or any other."""
    later = Recording.objects.filter(
        switch=recording.switch_id, path=recording.path, started_at__gt=recording.started_at
    )
    return recording.overwritten or later.exclude(pk=recording.pk).exists()


def open_source(folder: Folder, name: str, opened: ExitStack) -> SourceFile | None:
    file = folder.open(name)
    if file is None:
        return None
    opened.enter_context(file)
    return SourceFile(name, file, os.fstat(file.fileno()))


def kept_source(recording: Recording, opened: ExitStack) -> Found:
    """Open what was found and stored once, where it still lies; raise SourceError."""
    place = place_of(recording.source_path, recording.switch.path_mapping)
    folder = opened.enter_context(Folder(place))
    source = open_source(folder, place.name, opened)
    return Found(place, folder, (source,) if source else ())


def renamed_by(recording: Recording, place: Place) -> str:
    """The name after_record.lua gives a queue's recording: its agent's is added."""
    own = Path(place.name)
    agent = recording.agent_name.partition("@")[0]
    if not agent or "/" in agent or not own.suffix:
        return ""
    name = f"{own.stem}_{agent}{own.suffix}"
    return name if names_not_of_others(recording, place, [name]) else ""


def native_pair(place: Place, folder: Folder, opened: ExitStack) -> Found | None:
    if Path(place.name).suffix:
        return None
    for codec in TABLES:
        both = [open_source(folder, f"{place.name}-{side}.{codec}", opened) for side in ("in", "out")]
        files = tuple(source for source in both if source)
        if len(files) == 1:
            raise missing("Only one direction of the native recording is there.")
        if files:
            return Found(place, folder, files, codec)
    return None


def only_renamed(recording: Recording, place: Place, folder: Folder, opened: ExitStack) -> Found | None:
    """The one file whose name goes on from this take's, unless it is, or stems from, another recording's."""
    own = Path(place.name)
    if not own.suffix:
        return None
    alike = (name for name in folder.names() if name.startswith(f"{own.stem}_") and name.endswith(own.suffix))
    names = names_not_of_others(recording, place, list(islice(alike, MOST_ALIKE)))
    source = open_source(folder, names[0], opened) if len(names) == 1 else None
    return Found(place, folder, (source,)) if source else None


def names_not_of_others(recording: Recording, place: Place, names: list[str]) -> list[str]:
    """Drop the names that another recording of the switch has, or could have been renamed to."""
    stems = {name: stems_of(name, Path(place.name)) for name in names}
    asked = {place.remote(stem) for some in stems.values() for stem in some}
    paths = Recording.objects.filter(switch=recording.switch_id, path__in=asked).values_list(
        "path", flat=True
    )
    taken = {path.rsplit("/", 1)[-1] for path in paths}
    return [name for name in names if taken.isdisjoint(stems[name])]


def stems_of(name: str, own: Path) -> list[str]:
    """Every name between a take's own and a longer one: a.wav and a_b_c.wav have a_b.wav and a_b_c.wav."""
    added = name[len(own.stem) + 1 : -len(own.suffix)].split("_")[:MOST_ALIKE]
    return ["_".join([own.stem, *added[:count]]) + own.suffix for count in range(1, len(added) + 1)]
