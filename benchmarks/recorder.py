"""How soon the switch is told: from reading a leg's creation, and from reading an answer that came first.

The database is not there: policies are those kept beside the journal. The switch is another process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from ccportal.listener.reader import Link
from ccportal.recorder.orders import Give, Purpose
from ccportal.recorder.recorder import Recorder
from policies.snapshot import AccountRow, DeviceRow, Rows, Snapshot, SwitchRow
from switch.esl.connection import Address, backend
from switch.esl.session import EventSession
from switch.journal import Journal

PASSWORD = "ClueCon"  # noqa: S105 - FreeSWITCH's own default
SWITCH = uuid.UUID(int=7)
ACCOUNT = uuid.UUID(int=1)
REALM = "127.0.0.1"
PHONES = 200
GOAL_MS = 20.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=200, help="calls a second (%(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="how long (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    times: dict[Purpose, list[float]] = {purpose: [] for purpose in Purpose}

    def sent(give: Give) -> None:
        times[give.purpose].append((time.monotonic() - give.read_at) * 1000)

    command = [sys.executable, "-m", "benchmarks.recorder_switch", str(options.rate), str(options.seconds)]
    with (
        tempfile.TemporaryDirectory(prefix="ccportal-bench-") as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as switch,  # noqa: S603 - our own command
        Journal.open(Path(folder), "switch") as journal,
    ):
        said = switch.stdout or sys.stdin
        address = Address("127.0.0.1", int(said.readline()), PASSWORD)
        recorder = Recorder("bench", address, journal, policies(), sent)
        link = Link("bench", EventSession(address, backend("native")), journal, recorder)
        told = json.loads(said.readline())
        threading.Event().wait(0.5)
        link.stop("the end", 5.0)
        recorder.stop()
        switch.terminate()
    note = f"{options.rate} calls/s, {told['calls']:,} calls, no database; dropped {recorder.dropped}"
    yield from figures("CREATE read to arming sent", times[Purpose.ARM], note)
    yield from figures("lost race: ANSWER read to uuid_record sent", times[Purpose.START], note)


def figures(name: str, times: list[float], note: str) -> Iterator[Figure]:
    if not times:
        yield skipped(name, "nothing was sent")
        return
    for percent in (50, 99):
        value = percentile(times, percent)
        yield Figure(f"{name}, p{percent}", value, "ms", GOAL_MS, "goal", f"{len(times):,} times; {note}")


def policies() -> Snapshot:
    """An account that records everything, with some phones."""
    everything = {"any": {"any": {"enabled": True}}}
    return Snapshot(
        Rows(
            mark=(0, 0),
            switch=SwitchRow(SWITCH, ACCOUNT, ["blueivr"], ["blueivr"], "/var/lib/freeswitch/recordings"),
            accounts=[AccountRow(ACCOUNT, f"/{ACCOUNT.hex}/", True, REALM, "", "KR")],
            devices=[phone(number) for number in range(PHONES)],
            users=[],
            numbers=[],
            documents={ACCOUNT: {"account": everything, "endpoint": everything}},
        )
    )


def phone(number: int) -> DeviceRow:
    return DeviceRow(uuid.UUID(int=1000 + number), ACCOUNT, None, str(1000 + number), "Phone", True)


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
