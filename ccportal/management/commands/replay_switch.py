"""Play captured calls as a FreeSWITCH would: an event socket for tests and demonstrations."""

from __future__ import annotations

import asyncio
import itertools
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ccportal.demo.live import PAUSE_SECONDS, LiveTape
from ccportal.demo.repertoire import Repertoire
from ccportal.demo.tenants import TENANTS
from switch.esl.captures import CapturedEvent, load_capture
from switch.esl.replay import ReplaySwitch, Tape, Terms, captured_tape
from switch.esl.replay_audio import AudioShelf
from switch.esl.replay_queues import ReplayQueues


class Command(BaseCommand):
    help = "Play captured calls to whoever subscribes, byte for byte or as new ones."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="*", type=Path, metavar="FILE", help="captured calls, .jsonl or .jsonl.gz"
        )
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8021, help="0 takes a free one (default: 8021)")
        parser.add_argument("--password", default="ClueCon")
        parser.add_argument("--speed", type=float, default=1.0, help="0 is as fast as possible (default: 1)")
        parser.add_argument(
            "--wait", type=int, default=1, metavar="N", help="begin when N clients have subscribed"
        )
        parser.add_argument("--loop", action="store_true", help="begin again when all files were played")
        parser.add_argument(
            "--forever", action="store_true", help="go on listening when all files were played"
        )
        parser.add_argument(
            "--live", action="store_true", help="tell the calls as new ones, happening now, for ever"
        )
        parser.add_argument("--pause", type=float, default=PAUSE_SECONDS, help="seconds between live calls")
        parser.add_argument("--seed", default="", help="the same seed tells the same live calls")
        parser.add_argument(
            "--audio", type=Path, metavar="DIR", help="the recorded files of the captured calls"
        )
        parser.add_argument(
            "--recordings", type=Path, metavar="DIR", help="where live calls' files are written"
        )
        parser.add_argument(
            "--show-commands", action="store_true", help="print what clients asked for at the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        terms = Terms(
            host=options["host"],
            port=options["port"],
            password=options["password"],
            speed=options["speed"],
            wait_for=options["wait"],
            forever=options["forever"],
            heartbeats=options["live"],
        )
        switch = ReplaySwitch(
            live_tape(options, terms.core) if options["live"] else file_tape(options), terms
        )
        if options["live"]:
            enter_queues(switch.answers.queues)
        try:
            asyncio.run(switch.run(lambda port: self.announce(terms.host, port)))
        except KeyboardInterrupt:
            self.stderr.write("stopped")
        if options["show_commands"]:
            self.stdout.write("\n".join(switch.commands))

    def announce(self, host: str, port: int) -> None:
        self.stdout.write(f"replaying on {host}:{port}")
        self.stdout.flush()


def enter_queues(queues: ReplayQueues) -> None:
    """Have the demonstration's queues, each served by its team; most are logged in, some on a break."""
    for tenant in TENANTS:
        for queue in tenant.queues:
            queues.enter(queue.name, [agent.extension for agent in tenant.team_of(queue)])
        for place, agent in enumerate(tenant.agents):
            status = "On Break" if place % 5 == 3 else "Available"
            queues.agent(agent.extension)
            queues.set_status(agent.extension, status, int(time.time()) - 600 - 60 * place)


def file_tape(options: dict[str, Any]) -> Tape:
    """Return the files' tape, byte for byte."""
    files: list[Path] = options["files"]
    if not files:
        raise CommandError("Name the files to play, or use --live.")
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise CommandError(f"{missing}: no such file.")
    return captured_tape(read_calls(files, options["loop"]))


def read_calls(files: list[Path], loop: bool) -> Iterator[list[CapturedEvent]]:
    """Yield the calls of files, once or for ever."""
    for path in itertools.cycle(files) if loop else files:
        yield load_capture(path)


def live_tape(options: dict[str, Any], core: str) -> Tape:
    """Return a tape of new calls; with --audio and --recordings their files are written too."""
    if bool(options["audio"]) != bool(options["recordings"]):
        raise CommandError("--audio and --recordings go together.")
    shelf = AudioShelf(options["audio"], options["recordings"]) if options["audio"] else None
    seed = options["seed"] or str(time.time_ns())
    return LiveTape(Repertoire(options["files"], core), seed, shelf, options["pause"]).play()
