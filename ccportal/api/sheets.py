"""Lists as CSV: sent while they are read, so that a million rows need no more memory than a thousand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from ccportal.api.columns import Column

NOT_IN_FILE_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\"]")
LONGEST_FILE_NAME = 200


def sheet(
    columns: Sequence[Column], chunks: Iterable[Sequence[Any]], zone: ZoneInfo, file_name: str
) -> StreamingHttpResponse:
    """A file of rows."""
    lines = (written([column.cell(row, zone) for column in columns] for row in rows) for rows in chunks)
    return sheet_of_lines(columns, lines, zone, file_name)


def sheet_of_lines(
    columns: Sequence[Column], lines: Iterable[str], zone: ZoneInfo, file_name: str
) -> StreamingHttpResponse:
    """A file of lines that are written already."""
    return StreamingHttpResponse(
        chain([written([[column.heading(zone) for column in columns]])], lines),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
            "Cache-Control": "no-store",
        },
    )


def written(cells: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(cells)
    return file.getvalue()


def plain_file_name(text: str, default: str) -> str:
    """The last part of a path, whichever system's, without what a header or a shell could trip over."""
    last = NOT_IN_FILE_NAMES.sub("", text).replace("\\", "/").rsplit("/", 1)[-1].strip(" .")
    name = last[:LONGEST_FILE_NAME] or default
    return name if name.lower().endswith(".csv") else f"{name}.csv"
