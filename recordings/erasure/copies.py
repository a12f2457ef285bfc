"""Exports are copies: which of them have an erased number in them, and which are made anew."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import unquote_plus

from django.utils import timezone

from cdr.models import Call
from database.bulk import chunks
from recordings.enqueue import export_soon
from recordings.erasure.finding import CALL_COLUMNS, legs_name
from recordings.erasure.numbers import Sought
from recordings.exporting import TASK_LOST_AFTER
from recordings.exports import Export, ExportFormat, ExportState
from recordings.storage import storage_at

PIECE = 1 << 20
OVERLAP = 200
LISTS = ("manifest.csv", "MISSING.csv")
CALL_ID = re.compile(r"[0-9a-f]{32}")


def is_copy(export: Export, sought: Sought, *, calls_are_gone: bool) -> bool:
    """Whether the number is in the file, or in what was asked for."""
    if export.state == ExportState.DELETED:
        return False
    return names_it(export, sought) or (
        export.state == ExportState.READY and is_in_file(export, sought, calls_are_gone)
    )


def names_it(export: Export, sought: Sought) -> bool:
    """Whether the number is in what was asked for."""
    return sought.is_in_json(export.chosen) or sought.is_in(unquote_plus(str(export.chosen.get("list", ""))))


def begin_anew(export: Export) -> None:
    """Forget what there is of an unfinished export: its rows may be about what goes."""
    zeros: dict[str, Any] = dict.fromkeys(("rows_done", "files", "missing", "flushed", "index_flushed"), 0)
    unfinished = Export.objects.unfinished().filter(pk=export.pk).exclude(draft="")
    nowhere = {"draft": "", "at": None, "at_id": None, "lease": "", "state": ExportState.QUEUED}
    if unfinished.update(**zeros, **nowhere, lease_until=timezone.now() + TASK_LOST_AFTER):
        export_soon(export.pk)


def is_in_file(export: Export, sought: Sought, calls_are_gone: bool) -> bool:
    try:
        with storage_at(export.store).open(export.key) as file:
            if export.format == ExportFormat.ZIP:
                return is_in_archive(file, sought, calls_are_gone)
            return any(sought.is_in(text) for text in texts_of(file, export.format))
    except FileNotFoundError:
        return False


def texts_of(file: Any, file_format: str) -> Iterator[str]:
    """The file's text in pieces that overlap by more than a number's length."""
    if file_format != ExportFormat.XLSX:
        yield from in_pieces(file)
        return
    with zipfile.ZipFile(file) as book:
        for name in book.namelist():
            if name.endswith(".xml"):
                with book.open(name) as part:
                    yield from in_pieces(part)


def in_pieces(file: IO[bytes]) -> Iterator[str]:
    before = b""
    while piece := file.read(PIECE):
        yield (before + piece).decode("utf-8", "replace")
        before = piece[-OVERLAP:]


def is_in_archive(file: Any, sought: Sought, calls_are_gone: bool) -> bool:
    """Whether its lists have the number, or a call of it; afterwards, one that is there no more."""
    with zipfile.ZipFile(file) as archive:
        for name in LISTS:
            with archive.open(name) as part:
                lines = csv.DictReader(io.TextIOWrapper(part, "utf-8"))
                for some in chunks(lines, 500):
                    if any(sought.is_in(*map(str, line.values())) for line in some):
                        return True
                    if is_of_calls(
                        {line["call_id"] for line in some if line["call_id"]}, sought, calls_are_gone
                    ):
                        return True
    return False


def is_of_calls(ids: set[str], sought: Sought, calls_are_gone: bool) -> bool:
    rows = Call.objects.filter(pk__in=[key for key in ids if CALL_ID.fullmatch(key)])
    found = list(rows.values_list("pk", *CALL_COLUMNS))
    if calls_are_gone and len(found) < len(ids):
        return True
    named = any(sought.is_one_of(*digits) for _, *digits in found)
    return named or legs_name([key for key, *_ in found], sought)
