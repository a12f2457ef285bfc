"""Asks a switch now and then what it has of queues, agents and tiers, and keeps where that differs."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from queues.drift import as_listed, compare
from queues.models import QueueServer
from queues.orders import forget_old
from switch.callcenter import LISTS, list_as_json
from switch.errors import SwitchError
from switch.esl.command_connection import CommandConnection

log = logging.getLogger(__name__)

COMPARE_SECONDS: Final = 60.0
TIDY_SECONDS: Final = 3600.0
REPLY_SECONDS: Final = 20.0
UNREADABLE: Final = "The switch's lists could not be read: is mod_callcenter loaded?"


class Comparison:
    """One switch compared once a minute, and soon after it was told of a change."""

    def __init__(self, switch_id: uuid.UUID, name: str, commands: CommandConnection) -> None:
        self._switch_id = switch_id
        self._name = name
        self._commands = commands
        self._due = 0.0
        self._tidy_due = 0.0

    def step(self, *, changed: bool = False) -> bool:
        """Compare if it is time; a switch that is away is compared when it is back."""
        now = time.monotonic()
        if not changed and now < self._due:
            return False
        self._due = now + COMPARE_SECONDS
        if now >= self._tidy_due:
            self._tidy_due = now + TIDY_SECONDS
            forget_old(self._switch_id)
        server = QueueServer.objects.filter(switch=self._switch_id, serves_queues=True)
        for found in server.select_related("switch__account"):
            self._compare(found)
        return True

    def _compare(self, server: QueueServer) -> None:
        try:
            lists = [rows_in(reply.text) for reply in self._commands.send_all(QUESTIONS, REPLY_SECONDS)]
        except SwitchError as error:
            log.info("switch %s: not compared: %s", self._name, error)
            complain(server, f"The switch is not there: {error}")
            return
        if any(rows is None for rows in lists):
            complain(server, UNREADABLE)
            return
        queues, agents, tiers = (rows or [] for rows in lists)
        compare(server, as_listed(queues, agents, tiers))


QUESTIONS: Final = [list_as_json(what) for what in LISTS]


def rows_in(answer: str) -> list[Mapping[str, Any]] | None:
    """The rows of a list in JSON; None when it is none."""
    try:
        told = json.loads(answer)
    except ValueError:
        return None
    rows = told.get("response") if isinstance(told, dict) and told.get("status") == "success" else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def complain(server: QueueServer, complaint: str) -> None:
    QueueServer.objects.filter(pk=server.pk).update(complaint=complaint[:255])
