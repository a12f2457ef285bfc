"""Hear FreeSWITCH over its event socket: journal every event, and write the rows."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import SwitchKind
from ccportal.listener.chosen import choose
from ccportal.listener.parameters import Parameters
from ccportal.listener.process import Listener, stop_on_signals
from switch.backoff import Backoff
from switch.errors import BackendMissing
from switch.esl.connection import BACKENDS, backend

log = logging.getLogger(__name__)

CHILD_PATIENCE = 15.0


class Command(BaseCommand):
    help = "Hear a FreeSWITCH over its event socket, into the journal and from there into the database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--switch", metavar="NAME", help="which switch; without it every enabled FreeSWITCH"
        )
        parser.add_argument(
            "--once", action="store_true", help="end when the switch closes and all is committed"
        )
        parser.add_argument("--backend", choices=sorted(BACKENDS), default="native")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.DATA_DIR / "journal"
        chosen = choose(folder, SwitchKind.FREESWITCH, options["switch"])
        if len(chosen) == 1:
            code = listen(chosen[0], folder, options["backend"], options["once"])
        else:
            code = Children(chosen, options["backend"], options["once"]).run()
        if code:
            sys.exit(code)


def listen(parameters: Parameters, folder: Path, backend_name: str, once: bool) -> int:
    """Listen to one switch in this process."""
    try:
        connect = backend(backend_name)
    except BackendMissing as error:
        raise CommandError(str(error)) from error
    listener = Listener(parameters, folder, connect, once)
    stop_on_signals(listener.stopping.set)
    return listener.run()


class Children:
    """A process for each of several switches, started anew when it dies."""

    def __init__(self, switches: list[Parameters], backend_name: str, once: bool) -> None:
        self._once = once
        self._stopping = threading.Event()
        self._commands = {switch.name: child_command(switch.name, backend_name, once) for switch in switches}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._backoffs = {name: Backoff(1.0, 30.0) for name in self._commands}
        self._start_at = dict.fromkeys(self._commands, 0.0)
        self._ended: set[str] = set()

    def run(self) -> int:
        """Look after the processes until stopped, or with --once until all have ended."""
        stop_on_signals(self._stopping.set)
        while not self._stopping.is_set() and len(self._ended) < len(self._commands):
            for name in self._commands:
                self.tick(name)
            self._stopping.wait(0.5)
        return self.end()

    def tick(self, name: str) -> None:
        """Start one process if it is not there."""
        process = self._running.get(name)
        if process is not None and process.poll() is not None:
            self._bury(name, process.returncode)
        elif process is None and name not in self._ended and time.monotonic() >= self._start_at[name]:
            self._running[name] = subprocess.Popen(self._commands[name])  # noqa: S603 - our own command line

    def end(self) -> int:
        """Stop what still runs and wait for it."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + CHILD_PATIENCE
        codes = [process.wait(max(deadline - time.monotonic(), 0.1)) for process in self._running.values()]
        return max(codes, default=0)

    def _bury(self, name: str, code: int) -> None:
        del self._running[name]
        if self._once and code == 0:
            self._ended.add(name)
            return
        log.error("the listener of switch %s ended with %d", name, code)
        self._start_at[name] = time.monotonic() + self._backoffs[name].next_delay()


def child_command(name: str, backend_name: str, once: bool) -> list[str]:
    """Return the command line that listens to one switch."""
    manage = str(settings.BASE_DIR / "manage.py")
    command = [sys.executable, manage, "esl_listener", "--switch", name, "--backend", backend_name]
    return [*command, "--once"] if once else command
