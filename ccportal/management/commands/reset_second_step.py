"""Let somebody who lost app and recovery codes sign in with the password alone."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.models import User
from accounts.second_step import forget_second_step


class Command(BaseCommand):
    help = "Take away a person's two-step sign-in, such as of the only operator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email=options["email"].lower()).first()
        if person is None:
            raise CommandError("Nobody signs in with this address.")
        if not forget_second_step(person):
            raise CommandError("There is no second step.")
        audit.record(None, "second_step.reset", person, name=str(person))
        self.stdout.write(f"{person.email} signs in with the password alone.")
