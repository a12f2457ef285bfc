from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.keys import issue_key
from accounts.models import Role
from ccportal.management.creation import CreationCommand, find_account, sentence


class Command(CreationCommand):
    help = 'Create an API key of an account and print {"id": …, "key": …}; the key cannot be read again.'

    def add_arguments(self, parser: CommandParser) -> None:
        roles = [role for role in Role.values if role != Role.OPERATOR]
        parser.add_argument("account", help="id or name")
        parser.add_argument("--role", choices=roles, default=Role.ADMIN)
        parser.add_argument("--name", default="API key", help="tells keys apart")

    def handle(self, **options: Any) -> None:
        account = find_account(options["account"])
        if account is None:
            raise CommandError("Give the id or the name of an account.")
        try:
            key, plain = issue_key(account, options["role"], options["name"])
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        self.answer(key, key=plain)
