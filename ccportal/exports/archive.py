"""Audio in a ZIP: file after file is appended to a draft, and listed in an index beside it.

The archive's own directory is written at the very end, from the index: so a draft can be cut anywhere behind
an entry and gone on with, and no more than a chunk of entries is in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from ccportal.api.cells import as_cell
from ccportal.api.pages import Place
from ccportal.api.sheets import written
from ccportal.api.times import local
from ccportal.exports.drafts import Draft
from ccportal.exports.sources import AUDIO, Asked, Source
from cdr.models import Call
from recordings.buckets import StorageUnavailable
from recordings.exports import Export
from recordings.models import PLAYABLE, Media, Recording, State, Variant
from recordings.playback import MediaMissing, open_media
from recordings.storage import safe_name

PIECE_BYTES = 1 << 20
READABLE = 0o644 << 16
EARLIEST_YEAR, LATEST_YEAR = 1980, 2107
MANIFEST = ("file_name", "call_id", "recording_id", "start", "format", "size", "sha256")
MISSING = ("call_id", "recording_id", "start", "state", "reason")
PLACE_IN_FILE = ("name", "date", "type", "crc", "compressed", "size", "offset")


class Changed(Exception):
    """What was read is not what was stored."""


class AudioMaker:
    """Makes a ZIP of the recordings that belong to the places of its source."""

    chunk = 20

    def __init__(
        self, export: Export, asked: Asked, source: Source, draft: Draft, beat: Callable[[], None]
    ) -> None:
        self.asked = asked
        self.draft = draft
        self.beat = beat
        self.by_call = source.model is Call
        self.zone = asked.account.zone
        self.variant = Variant.AGENT if export.chosen.get(AUDIO) == Variant.AGENT else Variant.CALL
        self.files, self.missing = export.files, export.missing
        self.waits_for_storage = True
        self.zip = ZipFile(draft.body, "w")
        self.taken: list[Recording] = []

    def add(self, places: Sequence[Place]) -> None:
        self.taken = []
        keys = [place.id.hex for place in places]
        lookup = "call__id__any_of" if self.by_call else "id__any_of"
        found = self.asked.rows(Recording).filter(**{lookup: keys}).order_by("-started_at", "-id")
        recordings = list(found.defer("grants", "masked", "speech"))
        files = self.files_of(recordings)
        for recording in recordings:
            self.beat()
            self.add_files(recording, files[recording.pk])
        if self.by_call:
            self.note_calls_without(keys, recordings)
        self.zip.filelist.clear()
        self.zip.NameToInfo.clear()

    def files_of(self, recordings: Sequence[Recording]) -> dict[Any, list[Media]]:
        """The whole call's file of each, or its agents' parts; of two formats the smaller one."""
        playable = [row.pk.hex for row in recordings if row.state in PLAYABLE]
        rows = self.asked.visible(Media).filter(recording__id__any_of=playable, variant=self.variant)
        found: dict[Any, dict[int, Media]] = defaultdict(dict)
        for media in rows.select_related("store").order_by("part", "format"):
            found[media.recording_id].setdefault(media.part, media)
        return defaultdict(list, {key: list(parts.values()) for key, parts in found.items()})

    def add_files(self, recording: Recording, files: Sequence[Media]) -> None:
        if not files:
            no_part = self.variant == Variant.AGENT and recording.state in PLAYABLE
            why = "It has no agent's part." if no_part else recording.state_reason
            self.note_missing(recording, why or "There is no audio of it.")
        for media in files:
            self.add_one(recording, media)

    def add_one(self, recording: Recording, media: Media) -> None:
        try:
            info = self.append(recording, media)
        except MediaMissing as gone:
            self.note_missing(recording, gone.reason, State.MISSING)
        except Changed:
            self.note_missing(recording, "The stored file is not what was stored.")
        except StorageUnavailable:
            if self.waits_for_storage:
                raise
            self.note_missing(recording, "Its storage did not answer.")
        else:
            self.note_file(recording, media, info)

    def append(self, recording: Recording, media: Media) -> ZipInfo:
        """Append the file and compare what was read; what went wrong on the way is cut off again."""
        info = self.info_of(recording, media)
        with open_media(media) as source:
            try:
                with self.zip.open(info, "w") as target:
                    copy_whole(source, target, media.sha256)
            except BaseException:
                self.cut(info)
                raise
        return info

    def info_of(self, recording: Recording, media: Media) -> ZipInfo:
        began = recording.started_at.astimezone(self.zone)
        name = (
            f"{self.files + 1:06d}_{safe_name(PurePosixPath(media.file_name).stem) or 'call'}.{media.format}"
        )
        at = began if EARLIEST_YEAR <= began.year <= LATEST_YEAR else began.replace(year=EARLIEST_YEAR, day=1)
        info = ZipInfo(name, at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED if media.format == "wav" else ZIP_STORED
        info.external_attr = READABLE
        info.file_size = media.size
        return info

    def cut(self, info: ZipInfo) -> None:
        self.zip.start_dir = info.header_offset
        self.draft.body.seek(info.header_offset)
        self.draft.body.truncate()
        self.zip.filelist.clear()

    def note_file(self, recording: Recording, media: Media, info: ZipInfo) -> None:
        self.files += 1
        self.taken.append(recording)
        values = (info.filename, info.date_time, info.compress_type, info.CRC, info.compress_size)
        entry = dict(zip(PLACE_IN_FILE, (*values, info.file_size, info.header_offset), strict=True))
        began = local(recording.started_at, self.zone)
        row = (
            info.filename,
            call_of(recording),
            recording.pk.hex,
            began,
            media.format,
            media.size,
            media.sha256,
        )
        self.note({"entry": entry, "row": row})

    def note_missing(self, recording: Recording, reason: str, state: str = "") -> None:
        began = local(recording.started_at, self.zone)
        self.missing += 1
        self.note(
            {"missing": (call_of(recording), recording.pk.hex, began, state or recording.state, reason)}
        )

    def note_calls_without(self, keys: Sequence[str], recordings: Sequence[Recording]) -> None:
        """Tell of calls of which nothing was recorded."""
        recorded = {recording.call_id for recording in recordings}
        calls = self.asked.rows(Call).filter(id__any_of=keys).order_by("-started_at", "-id")
        for key, began in calls.values_list("id", "started_at"):
            if key not in recorded:
                self.missing += 1
                self.note({"missing": (key.hex, "", local(began, self.zone), "", "It was not recorded.")})

    def note(self, line: dict[str, Any]) -> None:
        self.draft.index.write(json.dumps(line).encode() + b"\n")

    @contextmanager
    def finished(self) -> Iterator[BinaryIO]:
        """The whole archive, with its two lists and its directory."""
        lists = [
            self.add_list("manifest.csv", MANIFEST, "row"),
            self.add_list("MISSING.csv", MISSING, "missing"),
        ]
        self.zip.filelist = Directory(self.draft.index, self.files, lists)  # type: ignore[assignment]
        self.zip.close()
        yield self.draft.body

    def add_list(self, name: str, headings: Sequence[str], word: str) -> ZipInfo:
        info = ZipInfo(name, self.asked.account.created_at.timetuple()[:6])
        info.compress_type, info.external_attr = ZIP_DEFLATED, READABLE
        with self.zip.open(info, "w") as target:
            target.write(written([headings]).encode())
            for line in lines_of(self.draft.index):
                if word in line:
                    target.write(written([[as_cell(cell) for cell in line[word]]]).encode())
        return info


class Directory:
    """The entries of an archive, read from the index."""

    def __init__(self, index: BinaryIO, files: int, lists: Sequence[ZipInfo]) -> None:
        self.index = index
        self.files = files
        self.lists = lists

    def __len__(self) -> int:
        return self.files + len(self.lists)

    def __iter__(self) -> Iterator[ZipInfo]:
        yield from (info_from(line["entry"]) for line in lines_of(self.index) if "entry" in line)
        yield from self.lists


def info_from(entry: dict[str, Any]) -> ZipInfo:
    info = ZipInfo(entry["name"], tuple(entry["date"]))
    info.compress_type, info.CRC, info.external_attr = entry["type"], entry["crc"], READABLE
    info.compress_size, info.file_size, info.header_offset = (
        entry["compressed"],
        entry["size"],
        entry["offset"],
    )
    return info


def lines_of(index: BinaryIO) -> Iterator[dict[str, Any]]:
    index.seek(0)
    return (json.loads(line) for line in index)


def copy_whole(source: Any, target: Any, wanted: str) -> None:
    """Copy piece by piece; raise Changed when it has another SHA-256."""
    sha256 = hashlib.sha256()
    while piece := source.read(PIECE_BYTES):
        sha256.update(piece)
        target.write(piece)
    if sha256.hexdigest() != wanted:
        raise Changed


def call_of(recording: Recording) -> str:
    return recording.call_id.hex if recording.call_id else ""
