"""Import the CDR files that a switch wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Switch
from ccportal.cdr_files import files_below, import_files


class Command(BaseCommand):
    help = (
        "Reads json_cdr, xml_cdr and cdr-csv files of a FreeSWITCH, Master.csv and queue_log of an Asterisk, "
        "and completes the calls they belong to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR")
        parser.add_argument("--switch", required=True, help="name of the switch that wrote them")

    def handle(self, *args: Any, **options: Any) -> None:
        switch = Switch.objects.filter(name=options["switch"]).first()
        if switch is None:
            raise CommandError(f"There is no switch named {options['switch']!r}.")
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}")
        done = import_files(switch, files_below(switch, options["paths"]))
        for path, reason in done.refused:
            self.stderr.write(f"{path}: {reason}")
        report = {"files": done.files, "legs": done.legs, "conversations": done.conversations}
        self.stdout.write(json.dumps(report | {"refused": len(done.refused)}))
        if done.refused:
            raise CommandError(f"{len(done.refused)} records could not be read; all others are in.")
