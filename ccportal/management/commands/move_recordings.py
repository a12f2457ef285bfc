"""Move an account's stored files to the storage that it has chosen; can be stopped and started again."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ccportal.management.creation import find_account
from recordings.rehome import files_elsewhere, rehome

AT_ONCE = 100


class Command(BaseCommand):
    help = "Move an account's recordings to the storage that it has chosen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="name or id of the account")

    def handle(self, *args: Any, **options: Any) -> None:
        account = find_account(options["account"])
        if account is None:
            raise CommandError("Say whose recordings.")
        moved, failed, after = 0, 0, uuid.UUID(int=0)
        while batch := files_elsewhere(account.pk, after, AT_ONCE):
            for recording_id in batch:
                try:
                    rehome(recording_id)
                    moved += 1
                except OSError as error:
                    failed += 1
                    self.stderr.write(f"{recording_id.hex}: {error}")
            after = batch[-1]
            self.stdout.write(f"{moved} recordings moved, {failed} not")
        if failed:
            raise CommandError(f"{failed} recordings stayed where they are. Run it again.")
        self.stdout.write(f"{moved} recordings moved.")
