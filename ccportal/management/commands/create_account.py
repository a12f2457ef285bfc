from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Account
from ccportal.management.creation import CreationCommand, create, find_account


class Command(CreationCommand):
    help = 'Create an account and print {"id": …}.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="unique among all accounts")
        parser.add_argument("--realm", help="SIP domain of its phones")
        parser.add_argument("--account-code", help="value of the channel variable accountcode")
        parser.add_argument("--parent", metavar="ID", help="id or name of the account it stands below")
        parser.add_argument("--time-zone", default="UTC", metavar="Z", help="such as Europe/Berlin")
        parser.add_argument("--country", default="US", metavar="CC", help="such as DE")

    def handle(self, **options: Any) -> None:
        account = Account(
            name=options["name"],
            realm=options["realm"],
            account_code=options["account_code"],
            parent=find_account(options["parent"]),
            time_zone=options["time_zone"],
            country=options["country"],
        )
        create(account)
        self.answer(account)
