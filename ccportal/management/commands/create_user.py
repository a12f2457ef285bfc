from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.models import Account, Role, Team, User
from ccportal.management.creation import CreationCommand, create, find_account, sentence

PASSWORD_VARIABLE = "CCPORTAL_PASSWORD"  # noqa: S105


class Command(CreationCommand):
    help = 'Create a person who signs in and print {"id": …}.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="unique among all people; signs in with it")
        parser.add_argument("--account", metavar="ID", help="id or name; everybody but operators needs one")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN)
        parser.add_argument("--password", metavar="W", help=f"else {PASSWORD_VARIABLE}, else it is asked for")
        parser.add_argument("--username", help="unique within the account; else what is before the @")
        parser.add_argument("--name", default="", help="as people call them")
        parser.add_argument("--extension", default="")
        parser.add_argument("--agent-name", default="", help="name in the switch's queues")
        parser.add_argument("--team", nargs="+", action="extend", default=[], metavar="NAME")

    def handle(self, **options: Any) -> None:
        account = find_account(options["account"])
        check_account(options["role"], account)
        user = User(
            email=options["email"].lower(),
            username=options["username"] or options["email"].partition("@")[0],
            account=account,
            role=options["role"],
            name=options["name"],
            extension=options["extension"],
            agent_name=options["agent_name"],
        )
        teams = [find_team(account, name) for name in options["team"]]
        set_password(user, options["password"])
        create(user)
        user.teams.set(teams)
        self.answer(user)


def check_account(role: str, account: Account | None) -> None:
    if role == Role.OPERATOR and account:
        raise CommandError("An operator belongs to no account.")
    if role != Role.OPERATOR and account is None:
        raise CommandError(f"Whose {role}? Give --account.")


def find_team(account: Account | None, name: str) -> Team:
    team = Team.objects.filter(account=account, name=name).first()
    if team is None:
        raise CommandError(f"There is no team {name!r} in this account.")
    return team


def set_password(user: User, given: str | None) -> None:
    """Set the password given, in the environment or typed; refuse one that is easily guessed."""
    password = given or os.environ.get(PASSWORD_VARIABLE) or getpass.getpass()
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(sentence(error)) from error
    user.set_password(password)
