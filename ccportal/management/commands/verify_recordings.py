"""Read stored files again now, and count files on the disk that no row knows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from recordings.integrity import count_unknown, verify

MOST_LOOKED_AT = 100_000


class Command(BaseCommand):
    help = "Read stored recordings again and compare their checksums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--unknown", action="store_true", help="also count files on the disk that no row knows"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{verify()}.")
        if options["unknown"]:
            seen, unknown = count_unknown(MOST_LOOKED_AT)
            self.stdout.write(f"{seen} files on the disk, {unknown} of them unknown.")
