"""Hear Asterisks over FastAGI: keep what their dialplans tell of each call, and write the rows."""

from __future__ import annotations

import logging
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import SwitchKind
from ccportal.fastagi.service import Service
from ccportal.listener.chosen import choose
from ccportal.listener.parameters import Parameters

log = logging.getLogger(__name__)

LOOK_SECONDS = 30


class Command(BaseCommand):
    help = "Hear Asterisks over FastAGI, into the journal and from there into the database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--switch", metavar="NAME", help="without it every enabled Asterisk")
        parser.add_argument("--host", default=settings.CCPORTAL_FASTAGI_HOST, help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.CCPORTAL_FASTAGI_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.DATA_DIR / "journal"
        chosen = wait_for_switches(folder) if options["switch"] is None else named(folder, options["switch"])
        code = Service(chosen, folder, options["host"], options["port"]).run()
        if code:
            sys.exit(code)


def named(folder: Path, name: str) -> list[Parameters]:
    return choose(folder, SwitchKind.ASTERISK, name)


def wait_for_switches(folder: Path) -> list[Parameters]:
    """Return every enabled Asterisk; until there is one, look again now and then."""
    while True:
        try:
            return choose(folder, SwitchKind.ASTERISK, None)
        except CommandError as error:
            log.info("%s Looking again every %d s.", error, LOOK_SECONDS)
            time.sleep(LOOK_SECONDS)
