"""Workbooks, read back as spreadsheets do."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from accounts.models import Account
from ccportal.exports.workbook import workbook
from tests.ccportal.exports.conftest import Asking, content, run
from tests.factories import NOON, make_call

NAMES = [
    "=1+1",
    "+49 30 1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "https://evil.example/",
    "{=A1}",
    "<r><t>x</t></r>",
    "<r></is></c><c><f>1+1</f></c></r>",
    "a & b < c",
    "_x0041_",
    "\x01\x1f",
    "\u202egnp.exe",
    "'quoted",
    " spaced ",
    "007",
    "1e5",
    "x" * 255,
]


def sheets_of(rows: Sequence[Sequence[Any]], most_rows: int = 1000) -> Any:
    lines = [json.dumps(row).encode() for row in rows]
    with workbook(lines, "Calls", most_rows) as file:
        return load_workbook(io.BytesIO(file.read()))


@pytest.mark.django_db
def test_texts_from_the_telephone_stay_texts(account: Account, asking: Asking) -> None:
    for minute, name in enumerate(NAMES):
        make_call(account, started_at=NOON - timedelta(minutes=minute), caller_name=name, billsec=-7)
    sheet = load_workbook(io.BytesIO(content(run(asking(format="xlsx"))))).active
    head, *rows = sheet.iter_rows()
    titles = [cell.value for cell in head]
    cells = [row[titles.index("caller_id_name")] for row in rows]
    assert [unescape(cell.value) for cell in cells] == NAMES
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "inlineStr"}
    assert rows[0][titles.index("billing_seconds")].value == -7
    assert "iso_8601 (Europe/Berlin)" in titles


@pytest.mark.usefixtures("_clean_storage")
def test_more_rows_than_a_sheet_holds_go_on_on_another() -> None:
    book = sheets_of([["n"], *([number] for number in range(5))], most_rows=3)
    assert book.sheetnames == ["Calls 1", "Calls 2", "Calls 3"]
    told = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book]
    assert told == [["n", 0, 1], ["n", 2, 3], ["n", 4]]


@pytest.mark.usefixtures("_clean_storage")
def test_large_numbers_and_long_texts() -> None:
    [sheet] = sheets_of([["n", "t"], [10**15, "x" * 40_000]])
    assert sheet["A2"].value == "1000000000000000"
    assert len(sheet["B2"].value) == 32_767


@pytest.mark.usefixtures("_clean_storage")
def test_an_empty_list_has_its_headings() -> None:
    [sheet] = sheets_of([["n", "t"]])
    assert [cell.value for cell in sheet[1]] == ["n", "t"]
