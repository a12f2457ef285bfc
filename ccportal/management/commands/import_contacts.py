"""Take contacts of an account from a CSV file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.contact_files import LARGEST_FILE, BadFile, take_contacts
from ccportal.management.creation import find_account


class Command(BaseCommand):
    help = "Take contacts (number,name,company) from a CSV file: all of its lines, or none when one is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="id or name")
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        account = find_account(options["account"])
        if account is None:
            raise CommandError("Name the account.")
        try:
            with options["file"].open("rb") as file:
                taken = take_contacts(account, file.read(LARGEST_FILE + 1), None)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        except BadFile as bad:
            raise CommandError(str(bad)) from bad
        self.stdout.write(f"{taken.added:,} added, {taken.changed:,} changed")
