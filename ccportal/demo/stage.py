"""Run the demonstration's processes together; the end of one, or Ctrl-C, is the end of all."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from honcho.compat import ProcessManager
from honcho.manager import Manager

from ccportal.demo.repertoire import AUDIO

HOST: Final = "127.0.0.1"
QUIET: Final = frozenset({"worker"})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as sock:
        return int(sock.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a port can be listened on."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False


def commands(web_port: int, switch_port: int, recordings: Path) -> dict[str, list[str]]:
    """Return the command line of each process."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    audio = ["--audio", str(AUDIO), "--recordings", str(recordings)]
    granian = str(Path(sys.executable).parent / "granian")
    serving = ["--interface", "wsgi", "--host", HOST, "--port", str(web_port), "--workers", "1"]
    return {
        "switch": [*manage, "replay_switch", "--live", "--port", str(switch_port), *audio],
        "listener": [*manage, "esl_listener"],
        "worker": [*manage, "qcluster"],
        "web": [
            granian,
            *serving,
            *("--blocking-threads", "4", "--no-ws", "--log-level", "warning", "ccportal.wsgi:application"),
        ],
    }


class Signals(ProcessManager):
    """Ends each process by itself, so that it can end its own children; only a kill takes them all."""

    def terminate(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)

    def kill(self, pid: int) -> None:
        os.killpg(pid, signal.SIGKILL)


def run(processes: Mapping[str, list[str]]) -> int:
    """Run the processes until one ends; 0 when they were stopped from outside."""
    manager = Manager()  # type: ignore[no-untyped-call]
    manager._procmgr = Signals()
    environment = {"PYTHONUNBUFFERED": "1", "CCPORTAL_WORKERS": "1", **os.environ}
    for name, command in processes.items():
        own = {"CCPORTAL_LOG_LEVEL": "WARNING", **environment} if name in QUIET else environment
        line = f"exec {shlex.join(command)}"
        manager.add_process(name, line, env=own, cwd=str(settings.BASE_DIR))  # type: ignore[no-untyped-call]
    manager.loop()  # type: ignore[no-untyped-call]
    stopped = manager.returncode in (None, 0, 130, 143)
    return 0 if stopped else int(manager.returncode or 1)
