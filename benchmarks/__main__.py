"""Run every benchmark, each in a process of its own: `python -m benchmarks [NAME ...] [--small] [--json]`."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass

from benchmarks.figures import Figure, from_json, skipped, table


@dataclass(frozen=True)
class Run:
    """A benchmark with its usual options, and those that only show that it runs."""

    name: str
    usual: tuple[str, ...]
    small: tuple[str, ...]

    @property
    def title(self) -> str:
        return " ".join((self.name, *self.usual))


RUNS = (
    Run("reader", ("--events", "40000"), ("--events", "500")),
    Run("ingest", ("--calls", "6000"), ("--calls", "40")),
    Run("ingest", ("--calls", "2000", "--order", "overlapping"), ("--calls", "40", "--order", "overlapping")),
    Run("ingest", ("--calls", "2000", "--database", "sqlite"), ("--calls", "40", "--database", "sqlite")),
    Run("live", ("--calls", "4000", "--rate", "200"), ("--calls", "20", "--rate", "20")),
    Run("live_board", ("--watchers", "200"), ("--watchers", "5", "--seconds", "3")),
    Run("fastagi", (), ("--idle", "50", "--calls", "20")),
    Run("decisions", ("--decisions", "300000"), ("--decisions", "1000")),
    Run("recorder", ("--rate", "200", "--seconds", "4"), ("--rate", "20", "--seconds", "1")),
    Run("processing", (), ("--seconds", "20", "--short", "4", "--runs", "1")),
    Run("playback", (), ("--seconds", "10", "--runs", "5")),
    Run("api_lists", ("--calls", "1000000"), ("--calls", "2000", "--runs", "2")),
    Run("csv_files", ("--calls", "1000000"), ("--calls", "2000")),
    Run("statistics", (), ("--days", "3", "--calls", "900", "--rows", "300", "--runs", "2")),
    Run("rollups", ("--calls", "20000"), ("--calls", "60")),
    Run("calls_list", ("--calls", "1000000"), ("--calls", "2000", "--runs", "2")),
)


def main() -> int:
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *sorted({run.name for run in RUNS})], help="only these"
    )
    parser.add_argument("--small", action="store_true", help="sizes that only show that everything runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object, by benchmark")
    options = parser.parse_args()
    found: dict[str, list[Figure]] = {}
    for run in RUNS:
        if not options.names or run.name in options.names:
            found[run.title] = figures_of(run, run.small if options.small else run.usual)
            if not options.json:
                sys.stdout.write(f"\n{run.title}\n\n{table(found[run.title])}")
                sys.stdout.flush()
    if options.json:
        told = {
            title: [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
            for title, figures in found.items()
        }
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


def figures_of(run: Run, arguments: tuple[str, ...]) -> list[Figure]:
    command = [sys.executable, "-m", f"benchmarks.{run.name}", "--json", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own command
    return (
        from_json(done.stdout)
        if done.returncode == 0
        else [skipped(run.name, f"it ended with {done.returncode}")]
    )


if __name__ == "__main__":
    sys.exit(main())
