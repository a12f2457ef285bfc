"""What the engine wants done: commands for the switch and records for the journal, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from switch import events as ev
from switch.commands import Command, Reply

CORE = "ccportal"


class Purpose(Enum):
    """What commands are for; ``label`` is how a refusal calls them."""

    ARM = "arm the recording"
    START = "start the recording"
    STOP = "stop the recording"
    MASK = "mask the recording"
    UNMASK = "unmask the recording"
    NOTE = "note something on the leg"
    LIST = "list the live legs"
    LOOK = "look at a leg"

    @property
    def label(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Give:
    """Commands about one leg, given in one go and in this order; ``read_at`` is what made us, monotonic."""

    leg: str
    purpose: Purpose
    commands: tuple[Command, ...]
    path: str = ""
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Tell:
    """A record of ours for the journal."""

    event: ev.Event


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of commands: the switch's replies, or why there are none. ``at`` is monotonic."""

    give: Give
    replies: tuple[Reply, ...]
    at: float
    failure: str = ""

    @property
    def ok(self) -> bool:
        return not self.failure and all(reply.ok for reply in self.replies)

    @property
    def complaint(self) -> str:
        """Why it was not carried out, in the switch's words."""
        return self.failure or next((reply.text for reply in self.replies if not reply.ok), "")


Order = Give | Tell
