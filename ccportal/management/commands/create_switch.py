from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Switch, SwitchKind
from accounts.validators import is_folder
from ccportal.management.creation import CreationCommand, create, find_account


class Command(CreationCommand):
    help = 'Create a switch and print {"id": …}.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="unique among all switches")
        parser.add_argument("--kind", choices=SwitchKind.values, default=SwitchKind.FREESWITCH)
        parser.add_argument("--account", metavar="ID", help="id or name, when it serves one tenant only")
        parser.add_argument("--host", default="127.0.0.1", metavar="H")
        parser.add_argument("--port", type=int, default=8021, metavar="P")
        parser.add_argument("--password", default="ClueCon", metavar="W")
        for option, what in (("profile", "SIP profiles"), ("context", "dialplan contexts")):
            parser.add_argument(
                f"--offnet-{option}",
                nargs="+",
                action="extend",
                default=[],
                metavar=option[0].upper(),
                help=f"{what} whose calls come from or go to carriers",
            )
        parser.add_argument(
            "--path",
            nargs="+",
            action="extend",
            default=[],
            metavar="REMOTE=LOCAL",
            help="a folder of the switch, and where it is here",
        )
        parser.add_argument("--time-zone", default="UTC", metavar="Z", help="such as Europe/Berlin")
        parser.add_argument(
            "--cdr-source", default="", metavar="S", help="of an Asterisk: Master.csv, or its table's URL"
        )
        parser.add_argument("--queue-log", default="", metavar="FILE", help="of an Asterisk: its queue_log")

    def handle(self, **options: Any) -> None:
        switch = Switch(
            name=options["name"],
            kind=options["kind"],
            account=find_account(options["account"]),
            host=options["host"],
            port=valid_port(options["port"]),
            password=options["password"],
            offnet_profiles=list(dict.fromkeys(options["offnet_profile"])),
            offnet_contexts=list(dict.fromkeys(options["offnet_context"])),
            path_mapping=dict(map(path_pair, options["path"])),
            time_zone=options["time_zone"],
            cdr_source=options["cdr_source"],
            queue_log=options["queue_log"],
        )
        create(switch)
        self.answer(switch)


def valid_port(port: int) -> int:
    if not 1 <= port <= 65_535:
        raise CommandError(f"A port is between 1 and 65535, not {port}.")
    return port


def path_pair(text: str) -> tuple[str, str]:
    """Read REMOTE=LOCAL: an absolute folder of the switch, and one of this machine."""
    remote, equals, local = text.partition("=")
    ours = str(Path(local).absolute()) if local else ""
    if not equals or not is_folder(remote) or not is_folder(ours):
        raise CommandError(f"{text!r} is not REMOTE=LOCAL, such as /var/lib/freeswitch/recordings=/mnt/pbx.")
    return posixpath.normpath(remote), ours
