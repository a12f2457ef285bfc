"""Each benchmark runs and finds figures; how large they are is not a test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from benchmarks.figures import Figure, percentile, table
from tests.postgres import NoPostgreSQL, find_programs

SMALL = {
    "csv_files": ("--calls", "50", "--database", "sqlite"),
    "decisions": ("--decisions", "100"),
    "fastagi": ("--idle", "10", "--calls", "5", "--database", "sqlite"),
    "ingest": ("--calls", "3", "--database", "sqlite"),
    "live": ("--calls", "3", "--rate", "20", "--database", "sqlite"),
    "live_board": ("--watchers", "3", "--seconds", "3", "--database", "sqlite"),
    "playback": ("--seconds", "1", "--runs", "2", "--database", "sqlite"),
    "processing": (
        *("--seconds", "2", "--short", "2", "--short-seconds", "1"),
        *("--runs", "1", "--database", "sqlite"),
    ),
    "reader": ("--events", "50"),
    "rollups": ("--calls", "150", "--database", "sqlite"),
}


def figures(name: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a benchmark as a person does, apart from this process's own settings."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--json", *arguments],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALL))
def test_every_figure_has_a_value(name: str) -> None:
    found = figures(name, *SMALL[name])
    assert found
    assert [figure["name"] for figure in found if not figure["value"]] == []


@pytest.mark.slow
def test_overlapping_calls_are_ingested_whole() -> None:
    found = figures("ingest", "--calls", "3", "--database", "sqlite", "--order", "overlapping")
    assert "3 calls of 23 events" in found[0]["note"]


@pytest.mark.slow
def test_calls_list_asks_every_question() -> None:
    try:
        find_programs()
    except NoPostgreSQL as missing:
        pytest.skip(str(missing))
    found = figures("calls_list", "--calls", "300", "--runs", "1")
    assert [figure["name"] for figure in found if not figure["value"]] == []


@pytest.mark.slow
def test_figures_of_two_switches_are_a_count_of_their_rows() -> None:
    try:
        find_programs()
    except NoPostgreSQL as missing:
        pytest.skip(str(missing))
    found = figures("rollups", "--calls", "2000")
    assert found[0]["value"] == found[0]["limit"] > 10_000


def test_table_shows_the_ratio_and_the_note() -> None:
    shown = table([Figure("reading", 50, "MB/s", 200, "copy", "cold"), Figure("unknown", None)])
    assert "0.25" in shown
    assert "    cold" in shown


def test_percentile_of_few_values_is_one_of_them() -> None:
    assert [percentile([3.0, 1.0, 2.0], percent) for percent in (0, 50, 99)] == [1.0, 2.0, 3.0]
