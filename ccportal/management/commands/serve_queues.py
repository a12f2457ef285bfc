"""Have a FreeSWITCH ask this portal for its queues, and print what it needs for that, once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Switch, SwitchKind
from ccportal.management.creation import sentence
from queues.keys import issue_secret
from queues.models import QueueServer
from switch.switch_xml import element

BINDINGS = ("configuration", "directory")


class Command(BaseCommand):
    help = "Give a switch a new secret and print its xml_curl.conf.xml; the old secret ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--switch", metavar="NAME", required=True)
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", help="where the switch finds the portal"
        )
        parser.add_argument(
            "--directory", action="store_true", help="the switch may also ask for the phones of its accounts"
        )
        parser.add_argument("--context", default="default", help="dialplan context of those phones")

    def handle(self, *args: Any, **options: Any) -> None:
        switch = Switch.objects.filter(name=options["switch"], kind=SwitchKind.FREESWITCH).first()
        if switch is None:
            raise CommandError(f"There is no FreeSWITCH named {options['switch']}.")
        if ":" in switch.name:
            raise CommandError("Basic authentication allows no colon in the switch's name: change it first.")
        server = QueueServer.objects.filter(switch=switch).first() or QueueServer(switch=switch)
        server.serves_queues = True
        server.serves_directory = options["directory"]
        server.context = options["context"]
        try:
            server.full_clean()
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        server.save()
        self.stdout.write("\n".join(binding(server, options["url"], issue_secret(server))))


def binding(server: QueueServer, url: str, secret: str) -> list[str]:
    """The switch's ``autoload_configs/xml_curl.conf.xml``."""
    bound = "|".join(BINDINGS if server.serves_directory else BINDINGS[:1])
    parameters = {
        "gateway-credentials": f"{server.switch.name}:{secret}",
        "auth-scheme": "basic",
        "timeout": "2",
        "response-max-bytes": "33554432",
    }
    return [
        '<configuration name="xml_curl.conf" description="cURL XML Gateway">',
        "<bindings>",
        '<binding name="ccportal">',
        element("param", {"name": "gateway-url", "value": f"{url.rstrip('/')}/xml/", "bindings": bound}),
        *(element("param", {"name": name, "value": value}) for name, value in parameters.items()),
        "</binding>",
        "</bindings>",
        "</configuration>",
    ]
