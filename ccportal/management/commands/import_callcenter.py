"""Take over the queues of a switch from its own callcenter.conf.xml."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Account
from ccportal.management.creation import find_account
from queues.importing import import_configuration
from queues.models import QueueServer
from switch.callcenter_conf import MalformedConfiguration, read_configuration
from switch.conf_files import ConfFiles


class Command(BaseCommand):
    help = "Take queues, agents and tiers from a callcenter.conf.xml; prints what it could not take."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--switch", metavar="NAME", required=True)
        parser.add_argument("--account", metavar="ID", help="id or name; without it the switch's own")
        parser.add_argument(
            "--root",
            type=Path,
            metavar="DIR",
            help="includes are read below it only (default: FILE's folder)",
        )
        parser.add_argument(
            "--vars", type=Path, metavar="FILE", help="a vars.xml below it, for $${…} in the file"
        )
        parser.add_argument(
            "--set",
            nargs="+",
            action="extend",
            default=[],
            metavar="NAME=VALUE",
            help="a variable of the switch, for $${NAME} in the file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server = QueueServer.objects.filter(switch__name=options["switch"]).select_related("switch").first()
        if server is None:
            raise CommandError(f"No switch named {options['switch']} is given queues; see serve_queues.")
        account = find_account(options["account"]) or server.switch.account
        if account is None or not server.may_have(account):
            raise CommandError("Name the account with --account: one that the switch serves.")
        self.take(server, account, options)

    def take(self, server: QueueServer, account: Account, options: dict[str, Any]) -> None:
        file: Path = options["file"]
        if not file.is_file():
            raise CommandError(f"{file}: no such file.")
        files = ConfFiles(options["root"] or file.parent, dict(map(variable, options["set"])))
        if options["vars"]:
            files.read(options["vars"])
        try:
            found = read_configuration(files.read(file))
        except MalformedConfiguration as error:
            raise CommandError(f"{file}: {error}.") from error
        taken = import_configuration(server, account, found)
        for complaint in [*files.complaints, *taken.complaints]:
            self.stderr.write(complaint)
        self.stdout.write(f"{taken.queues} queues, {taken.agents} agents, {taken.tiers} tiers taken")


def variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"{text!r} is not NAME=VALUE.")
    return name, value
