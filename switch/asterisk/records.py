"""Whole CSV records from the bytes of a file that is still being written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

LARGEST = 64 * 1024
ENDS = re.compile(rb'["\n]')
RECORD_START = re.compile(rb'"[^"\n]*","[^"\n]*","[^"\n]*","[^"\n]*",')


def split_records(data: bytes, *, final: bool = False) -> Iterator[bytes]:
    """Yield each record with its line end: a quoted line feed does not end one.

    What is unfinished at the end is left out unless it is ``final``. A record that was cut off while it was
    written ends where the next one begins: quotes within a value are doubled, so nothing in one looks like
    that. One that never ends is cut at LARGEST.
    """
    begin, quoted = 0, False
    for found in ENDS.finditer(data):
        if found[0] == b'"':
            quoted = not quoted
        elif not quoted or found.end() - begin > LARGEST or RECORD_START.match(data, found.end()):
            yield data[begin : found.end()]
            begin, quoted = found.end(), False
    if final and begin < len(data):
        yield data[begin:]


def columns_of(record: bytes) -> list[str]:
    """Return the record's columns; raise csv.Error when it is none. Invalid UTF-8 is replaced."""
    text = record.decode("utf-8", "replace").replace("\0", "\ufffd").rstrip("\r\n")
    return next(csv.reader([text], strict=False), [])
