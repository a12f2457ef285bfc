"""How values become the cells of a file, by Python or, where that is quicker, by PostgreSQL itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ccportal.api.database_cells import (
    Cell,
    EpochCell,
    HexCell,
    MomentCell,
    NumberCell,
    SecondsCell,
    TextCell,
)
from ccportal.api.times import clock_of

FORMULAS = frozenset("=+-@\t\r")
TO_QUOTE = re.compile('[",\r\n]')


def plain_cells(values: Sequence[Any], zone: ZoneInfo) -> list[Any]:
    return [plain_cell(value) for value in values]


@dataclass(frozen=True)
class Form:
    """``made`` makes texts and whole numbers of what very many rows have: ids come as hex digits, times as
    microseconds since 1970. ``told`` makes of a path what PostgreSQL writes into a line: the same, quoted,
    and no formula.
    """

    made: Callable[[Sequence[Any], ZoneInfo], Sequence[Any]] = plain_cells
    told: Callable[[str, ZoneInfo], Cell] | None = None


def as_cell(value: Any) -> str:
    return defused(plain_cell(value))


def plain_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    if all(isinstance(part, str) for part in value):
        return " ".join(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def defused(text: str) -> str:
    """Keep a spreadsheet from taking a caller's name for a formula."""
    return f"'{text}" if text[:1] in FORMULAS else text


def defused_cells(cells: Sequence[Any]) -> list[Any]:
    """The same for texts and whole numbers; of those the negative ones begin like a formula."""
    return [
        f"'{cell}" if cell and (cell[0] in FORMULAS if cell.__class__ is str else cell < 0) else cell
        for cell in cells
    ]


def quoted_cells(cells: Sequence[Any]) -> list[str]:
    """Cells as a line of CSV has them."""
    return [
        '"{}"'.format(text.replace('"', '""')) if TO_QUOTE.search(text) else text for text in map(str, cells)
    ]


def texts(values: Sequence[Any], zone: ZoneInfo) -> list[Any]:
    return [value or "" for value in values]


def numbers(values: Sequence[Any], zone: ZoneInfo) -> list[Any]:
    return ["" if value is None else value for value in values]


def whole_seconds(values: Sequence[Any], zone: ZoneInfo) -> list[Any]:
    return numbers([rounded(value) for value in values], zone)


def moments(values: Sequence[Any], zone: ZoneInfo) -> list[Any]:
    clock = clock_of(zone)
    return ["" if value is None else clock.read(value) for value in values]


def rounded(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else (milliseconds + 500) // 1000


PLAIN = Form()
TEXTS = Form(texts, TextCell)
NUMBERS = Form(numbers, NumberCell)
SECONDS = Form(whole_seconds, SecondsCell)
IDS = Form(texts, HexCell)
MOMENTS = Form(moments, MomentCell)


def seconds_from(at_unix_epoch: int) -> Form:
    """Moments as whole seconds, counted so that 1970 has this number."""
    return Form(
        lambda values, zone: numbers(
            [None if value is None else value // 1_000_000 + at_unix_epoch for value in values], zone
        ),
        lambda path, zone: EpochCell(path, zone, at_unix_epoch=at_unix_epoch),
    )
