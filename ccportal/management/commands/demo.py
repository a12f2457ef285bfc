"""A portal to look at, in one command: two tenants, a month of calls, and new ones coming in."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from ccportal.demo.fill import fill_calls, keep_fill, load_fill
from ccportal.demo.remarks import add_remarks
from ccportal.demo.rows import OPERATOR_EMAIL, demo_api_key, make_rows
from ccportal.demo.stage import HOST, commands, free_port, is_free, run
from ccportal.demo.tenants import PASSWORD, TENANTS


class Command(BaseCommand):
    help = "Run a portal with two tenants and live calls on 127.0.0.1; its data is kept in data/demo."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web pages (default: 8000)")
        parser.add_argument("--days", type=int, default=30, help="how far back the calls go (default: 30)")
        parser.add_argument("--calls", type=int, default=3000, help="how many (default: 3000)")
        parser.add_argument("--data-dir", type=Path, help="default: CCPORTAL_DATA_DIR, else data/demo")
        parser.add_argument("--fill-only", action="store_true", help="make the data and run nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = demo_folder(options["data_dir"])
        if not at_home(folder):
            go_home(folder)
        if options["port"] and not is_free(options["port"]) and not options["fill_only"]:
            raise CommandError(f"Port {options['port']} is taken; choose another with --port.")
        recordings = folder / "switch-recordings"
        recordings.mkdir(parents=True, exist_ok=True)
        switch_port, web_port = free_port(), options["port"] or free_port()
        self.prepare(recordings, switch_port, options["calls"], options["days"])
        if options["fill_only"]:
            return
        self.introduce(web_port)
        connections.close_all()
        code = run(commands(web_port, switch_port, recordings))
        if code:
            sys.exit(code)

    def prepare(self, recordings: Path, switch_port: int, calls: int, days: int) -> None:
        """Make the database, the tenants and their calls, unless they are there."""
        self.say("Preparing the database…")
        call_command("migrate", verbosity=0, interactive=False)
        switch = make_rows(recordings, switch_port)
        fill = load_fill(settings.DATA_DIR, calls, days)
        if not fill.done:
            self.say(f"Filling in {fill.calls} calls of the last {fill.days} days…")
            fill_calls(switch, fill, recordings)
            add_remarks()
            fill.done = True
            keep_fill(settings.DATA_DIR, fill)

    def introduce(self, port: int) -> None:
        """Say where everything is and who can sign in."""
        lines = [
            "",
            f"  Portal   http://{HOST}:{port}/",
            f"  Admin    http://{HOST}:{port}/admin/",
            f"  API      http://{HOST}:{port}/v2/   key {demo_api_key()} ({TENANTS[0].name})",
            "",
            f"  Sign in with the password: {PASSWORD}",
            f"    {OPERATOR_EMAIL:<32} operator, sees everything",
        ]
        for tenant in TENANTS:
            shown = [person for person in tenant.people if not person.extension] + [tenant.agents[0]]
            lines += [f"    {tenant.email(person):<32} {person.role}, {tenant.name}" for person in shown]
        self.say("\n".join([*lines, "", "  New calls arrive every few seconds. Ctrl-C ends everything.", ""]))

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def demo_folder(asked: Path | None) -> Path:
    """Return where the demonstration's data is."""
    chosen = asked or os.environ.get("CCPORTAL_DATA_DIR") or settings.BASE_DIR / "data" / "demo"
    return Path(chosen).resolve()


def at_home(folder: Path) -> bool:
    """Tell whether this process uses the demonstration's own data, on SQLite."""
    return folder == settings.DATA_DIR and not os.environ.get("DATABASE_URL")


def go_home(folder: Path) -> None:
    """Begin this command again with the demonstration's data folder and its SQLite database."""
    environment = {**os.environ, "CCPORTAL_DATA_DIR": str(folder)}
    environment.pop("DATABASE_URL", None)
    arguments = [sys.executable, str(settings.BASE_DIR / "manage.py"), *sys.argv[1:]]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own command line
