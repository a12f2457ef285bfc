"""A month of calls, told from captured ones and taken in as a switch's events are."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from tqdm import tqdm

from accounts.models import Switch
from ccportal import pipeline
from ccportal.demo.repertoire import AUDIO, RECORDING_EVENTS, TOLD, Manner, Repertoire
from ccportal.demo.tenants import TENANTS
from switch.esl.rejuvenate import NewEvent
from switch.esl.replay_audio import AudioShelf

CALLS_AT_ONCE: Final = 200
RECORDED: Final = 150
HOUR_WEIGHTS: Final = (1, 1, 1, 1, 1, 1, 3, 10, 40, 70, 75, 70, 50, 60, 75, 70, 55, 35, 15, 8, 5, 3, 2, 1)
DAY_WEIGHTS: Final = (10, 9, 9, 9, 8, 3, 2)
FRESH: Final = 0.02
FRESH_SECONDS: Final = 3 * 3600
LATEST_SECONDS: Final = 1800
UNRECORDED_MANNER: Final = Manner(talk=90.0, wait=6.0, only=TOLD - RECORDING_EVENTS)
RECORDED_MANNER: Final = Manner(talk=20.0, wait=5.0)
SEED: Final = "ccportal"


class Fill(msgspec.Struct):
    """What a data folder is filled with; an interrupted filling begins again with the very same calls."""

    began_at: float
    calls: int
    days: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to be told: its number, its tenant and when it began (seconds since the epoch)."""

    number: int
    tenant: int
    at: float


def load_fill(folder: Path, calls: int, days: int) -> Fill:
    """Return what was begun in a data folder, else a new plan, which is kept."""
    path = folder / "filled.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Fill)
    except (OSError, msgspec.DecodeError):
        fill = Fill(time.time(), calls, days)
        keep_fill(folder, fill)
        return fill


def keep_fill(folder: Path, fill: Fill) -> None:
    (folder / "filled.json").write_bytes(msgspec.json.encode(fill))


def plan(fill: Fill) -> list[Planned]:
    """Return the calls by their beginning: on weekdays and in office hours of the tenant's zone above all."""
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    planned = [
        Planned(number, tenant, choose_moment(chance, fill, ZoneInfo(TENANTS[tenant].time_zone)))
        for number in range(fill.calls)
        for tenant in (chance.randrange(len(TENANTS)),)
    ]
    return sorted(planned, key=lambda call: call.at)


def choose_moment(chance: random.Random, fill: Fill, zone: ZoneInfo) -> float:
    """Return when a call began, in seconds since the epoch, never so late that it would not be over."""
    if chance.random() < FRESH:
        return fill.began_at - chance.uniform(LATEST_SECONDS, FRESH_SECONDS)
    latest = fill.began_at - LATEST_SECONDS
    earliest = fill.began_at - fill.days * 86400
    while True:
        day = datetime.fromtimestamp(chance.uniform(earliest, latest), UTC).astimezone(zone)
        if chance.random() * max(DAY_WEIGHTS) > DAY_WEIGHTS[day.weekday()]:
            continue
        hour = chance.choices(range(24), HOUR_WEIGHTS)[0]
        moment = day.replace(hour=hour, minute=0, second=0, microsecond=0)
        at = (moment + timedelta(seconds=chance.uniform(0, 3600))).timestamp()
        if earliest <= at <= latest:
            return at


def fill_calls(switch: Switch, fill: Fill, recordings: Path) -> int:
    """Tell the planned calls to the pipeline; return how many conversations came of them."""
    repertoire = Repertoire(core=f"demo-{int(fill.began_at)}")
    shelf = AudioShelf(AUDIO, recordings)
    conversations = 0
    calls = iter(tell(repertoire, plan(fill)))
    with tqdm(total=fill.calls, unit=" calls", delay=2, disable=not sys.stderr.isatty()) as progress:
        while batch := list(islice(calls, CALLS_AT_ONCE)):
            for audio in (event.audio for call in batch for event in call if event.audio is not None):
                shelf.deliver(audio)
            applied = pipeline.apply_bodies(switch, (event.body for call in batch for event in call))
            conversations += applied.conversations
            progress.update(len(batch))
    return conversations


def tell(repertoire: Repertoire, planned: list[Planned]) -> Iterator[list[NewEvent]]:
    """Yield each planned call's events; only the newest calls were recorded."""
    first_recorded = max(len(planned) - RECORDED * 3 // 2, 0)
    for place, call in enumerate(planned):
        manner = RECORDED_MANNER if place >= first_recorded else UNRECORDED_MANNER
        yield repertoire.call(f"{SEED}/{call.number}", int(call.at * 1_000_000), manner, call.tenant)
