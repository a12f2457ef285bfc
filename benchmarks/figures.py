"""What a measurement found, the command line that asks for it, and the table that shows it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

ADD_ARGUMENTS = Callable[[ArgumentParser], None]
MEASURE = Callable[[Namespace], Iterable["Figure"]]
HEADINGS = ("figure", "measured", "limit", "what the limit is", "ratio")


@dataclass(frozen=True)
class Figure:
    """One figure, and its limit in the same run; ``note`` says how it came about, or why there is none."""

    name: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    limit_name: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.value is not None and self.limit else None


def skipped(name: str, reason: str) -> Figure:
    return Figure(name, None, note=f"skipped: {reason}")


def run_benchmark(description: str | None, measure: MEASURE, add_arguments: ADD_ARGUMENTS) -> None:
    """Measure as the command line says, and print a table, or one JSON list with --json."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    add_arguments(parser)
    options = parser.parse_args()
    figures = list(measure(options))
    sys.stdout.write(as_json(figures) if options.json else table(figures))


def as_json(figures: Iterable[Figure]) -> str:
    return json.dumps([asdict(figure) | {"ratio": figure.ratio} for figure in figures], indent=1) + "\n"


def from_json(text: str) -> list[Figure]:
    return [
        Figure(**{name: value for name, value in found.items() if name != "ratio"})
        for found in json.loads(text)
    ]


def table(figures: Sequence[Figure]) -> str:
    """Lay figures out in columns, each note on a line of its own below its figure."""
    rows = [HEADINGS, *map(cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    notes = ["", *(figure.note for figure in figures)]
    lines = []
    for row, note in zip(rows, notes, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if note:
            lines.append(f"    {note}")
    return "\n".join(lines) + "\n"


def cells(figure: Figure) -> tuple[str, str, str, str, str]:
    return (
        figure.name,
        amount(figure.value, figure.unit),
        amount(figure.limit, figure.unit),
        figure.limit_name,
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
    )


def amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]
