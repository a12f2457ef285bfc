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
from django.db import DatabaseError, connection

from accounts.models import Switch, SwitchKind
from ccportal.listener.parameters import Parameters, keep_copy, load_copies
from ccportal.listener.process import Listener, stop_on_signals
from switch.backoff import Backoff
from switch.errors import BackendMissing
from switch.esl.connection import BACKENDS, backend

log = logging.getLogger(__name__)

DATABASE_PATIENCE = 10.0
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
        chosen = choose(folder, options["switch"])
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


def choose(folder: Path, name: str | None) -> list[Parameters]:
    """Return the switches to listen to, from the database or, while it is away, from the copies."""
    known = read_switches()
    if known is None:
        log.warning("the database is away: using the parameters kept beside the journal")
        known = load_copies(folder)
    chosen = [parameters for parameters in known if name in (None, parameters.name)]
    if not chosen:
        raise CommandError(f"No enabled FreeSWITCH named {name}." if name else "No enabled FreeSWITCH.")
    for parameters in chosen:
        keep_copy(folder, parameters)
    return chosen


def read_switches() -> list[Parameters] | None:
    """Return every enabled FreeSWITCH, None when the database does not answer soon."""
    found: list[list[Parameters]] = []

    def read() -> None:
        rows = Switch.objects.filter(kind=SwitchKind.FREESWITCH, enabled=True).order_by("name")
        try:
            found.append([Parameters.of(row) for row in rows])
        except DatabaseError as error:
            log.warning("the database does not answer: %s", type(error).__name__)
        finally:
            connection.close()

    reading = threading.Thread(target=read, daemon=True, name="read switches")
    reading.start()
    reading.join(DATABASE_PATIENCE)
    return found[0] if found else None


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
