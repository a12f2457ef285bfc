"""Compare a connector with its WSDL."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ccportal.management.creation import find_account
from recordings.connectors.models import Connector
from recordings.connectors.trial import try_out
from recordings.delivery.errors import DeliveryFailed


class Command(BaseCommand):
    help = "Read a connector's WSDL and check every operation's arguments against it; nothing is sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="id or name")
        parser.add_argument("name", metavar="NAME", help="the connector's")

    def handle(self, *args: Any, **options: Any) -> None:
        account = find_account(options["account"])
        connector = Connector.objects.filter(account=account, name=options["name"]).first()
        if connector is None:
            raise CommandError(f"The account has no connector named {options['name']}.")
        try:
            fitting = try_out(connector)
        except DeliveryFailed as failed:
            raise CommandError(failed.reason) from failed
        for line in fitting:
            self.stdout.write(line)
