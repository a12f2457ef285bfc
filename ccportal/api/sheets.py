"""Lists as CSV: sent while they are read, so that a million rows need no more memory than a thousand."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from ccportal.api.columns import Column

NOT_IN_FILE_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\"]")
LONGEST_FILE_NAME = 200


class Line:
    """A file for the csv module that hands back what it is given."""

    def write(self, line: str) -> str:
        return line


def sheet(
    columns: Sequence[Column], chunks: Iterable[Sequence[Any]], zone: ZoneInfo, file_name: str
) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        lines(columns, chunks, zone),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
            "Cache-Control": "no-store",
        },
    )


def lines(columns: Sequence[Column], chunks: Iterable[Sequence[Any]], zone: ZoneInfo) -> Iterator[str]:
    writer: Any = csv.writer(Line(), lineterminator="\r\n")
    yield writer.writerow([column.heading(zone) for column in columns])
    for rows in chunks:
        yield "".join(writer.writerow([column.cell(row, zone) for column in columns]) for row in rows)


def plain_file_name(text: str, default: str) -> str:
    """The last part of a path, whichever system's, without what a header or a shell could trip over."""
    last = NOT_IN_FILE_NAMES.sub("", text).replace("\\", "/").rsplit("/", 1)[-1].strip(" .")
    name = last[:LONGEST_FILE_NAME] or default
    return name if name.lower().endswith(".csv") else f"{name}.csv"
