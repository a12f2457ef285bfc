"""Count the figures of queues and agents anew from the rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Account
from cdr.recount import rebuild


class Command(BaseCommand):
    help = "Counts the figures of queues and agents anew, day by day, while calls go on being written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", help="the name of one account; all when not given")

    def handle(self, *args: Any, account: str | None = None, **options: Any) -> None:
        accounts = Account.objects.order_by("name")
        if account:
            accounts = accounts.filter(name=account)
            if not accounts:
                raise CommandError(f"There is no account {account}.")
        for each in accounts:
            found = rebuild(each)
            self.stdout.write(f"{each.name}: {found.compared} sums compared, {found.repaired} mended")
