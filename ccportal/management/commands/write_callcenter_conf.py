"""Write a switch's callcenter.conf.xml, so that it has its queues also while the portal is away."""

from __future__ import annotations

import os
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from queues.models import QueueServer
from queues.wanted import to_write, wanted
from switch.switch_xml import callcenter_lines


class Command(BaseCommand):
    help = "Write the queues, agents and tiers of a switch as its own callcenter.conf.xml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--switch", metavar="NAME", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        servers = QueueServer.objects.select_related("switch__account")
        server = servers.filter(switch__name=options["switch"]).first()
        if server is None:
            raise CommandError(f"No switch named {options['switch']} is given queues; see serve_queues.")
        found = wanted(server)
        if not found.queues:
            raise CommandError("No queue is managed here for this switch: its file is left as it is.")
        try:
            changed = write(options["file"], "\n".join([*callcenter_lines(to_write(found)), ""]))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        counts = f"{len(found.queues)} queues, {len(found.agents)} agents, {len(found.tiers)} tiers"
        self.stdout.write(f"{counts}; {'written' if changed else 'unchanged'}")


def write(path: Path, text: str) -> bool:
    """Write aside and rename, so that the switch never reads half of it; False when nothing changed."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True
