"""Workbooks for spreadsheets: texts stay texts whatever they are, and long lists go on on another sheet."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from ccportal.exports.drafts import folder

MOST_ROWS = 1_048_576
EXACT_BELOW = 10**15
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class TextSheet(Worksheet):
    """Writes a text that looks like a rich string of this format, ``<r>…</r>``, as the text it is."""

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[Any] = ()) -> None:
        self._xml_inline_string(string, True, attributes)


@contextmanager
def workbook(lines: Iterable[bytes], title: str, most_rows: int = MOST_ROWS) -> Iterator[BinaryIO]:
    """A workbook of lines of JSON, the first the headings; each sheet has them, and ``most_rows`` at most."""
    with tempfile.TemporaryDirectory(dir=folder()) as place, tempfile.TemporaryFile(dir=folder()) as file:
        book = Workbook(file, {**OPTIONS, "tmpdir": place})
        fill(book, (json.loads(line) for line in lines), title, most_rows)
        book.close()
        file.seek(0)
        yield cast("BinaryIO", file)


def fill(book: Any, rows: Iterator[Sequence[Any]], title: str, most_rows: int) -> None:
    headings = next(rows)
    bold = book.add_format({"bold": True})
    sheet, number, used = begun(book, f"{title} 1", headings, bold), 1, 1
    for cells in rows:
        if used >= most_rows:
            number += 1
            sheet, used = begun(book, f"{title} {number}", headings, bold), 1
        write(sheet, used, cells)
        used += 1


def begun(book: Any, name: str, headings: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet(name, worksheet_class=TextSheet)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(headings) - 1, 18)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    return sheet


def write(sheet: Any, row: int, cells: Sequence[Any]) -> None:
    """Write texts and whole numbers; a text is cut to what a cell holds."""
    for column, cell in enumerate(cells):
        if cell.__class__ is int and abs(cell) < EXACT_BELOW:
            sheet.write_number(row, column, cell)
        elif cell != "":
            sheet.write_string(row, column, str(cell))
