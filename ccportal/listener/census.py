"""Now and then the switch is asked which legs it has, so that a call whose end was not heard ends as well."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec
from django.utils import timezone

from accounts.models import Switch
from ccportal.listener.parameters import Parameters
from ccportal.pipeline import Heard, apply_events
from cdr.reconcile import has_old_legs, lost_legs
from switch.commands import show_channels
from switch.errors import SwitchError
from switch.esl.command_connection import CommandConnection

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
SOON_SECONDS = 2.0


class Listed(msgspec.Struct):
    uuid: str


class ChannelList(msgspec.Struct):
    row_count: int
    rows: list[Listed] = []


@dataclass
class Census:
    """Compares the legs that are up here with the switch's list: every minute, and soon after a gap."""

    due_at: float = field(default_factory=lambda: time.monotonic() + EVERY_SECONDS)

    def take_soon(self) -> None:
        """Some may have ended while the switch was not heard."""
        self.due_at = min(self.due_at, time.monotonic() + SOON_SECONDS)

    def take(self, switch: Switch) -> int:
        """End the legs that the switch no longer has; how many. Run it when the journal is applied."""
        if time.monotonic() < self.due_at:
            return 0
        self.due_at = time.monotonic() + EVERY_SECONDS
        if not has_old_legs(switch, timezone.now()):
            return 0
        try:
            at, listed = time.time_ns() // 1000, channels_of(switch)
        except (SwitchError, msgspec.MsgspecError) as error:
            log.info("switch %s: no list of channels: %s", switch.name, type(error).__name__)
            return 0
        return end_lost_legs(switch, listed, at)


def end_lost_legs(switch: Switch, listed: Collection[str], at: int) -> int:
    lost = lost_legs(switch, listed, at)
    if lost:
        log.warning("switch %s: %d legs ended unheard", switch.name, len(lost))
        apply_events(switch, Heard(calls=list(lost)))
    return len(lost)


def channels_of(switch: Switch) -> list[str]:
    """The uuids of the legs that the switch has. Raises ``SwitchError`` or ``MsgspecError``."""
    with CommandConnection(Parameters.of(switch).address) as connection:
        reply = connection.send(show_channels())
    return [row.uuid for row in msgspec.json.decode(reply.text.encode(), type=ChannelList).rows]
