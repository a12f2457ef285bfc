"""What mod_callcenter lists of itself, asked for as JSON: queues, who waits in them, agents, tiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from switch.commands import Command
from switch.errors import UnsafeValue

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_NAME: Final = 255
Row = TypeVar("Row")


class ListRefused(ValueError):
    """The switch gave no list, as one without mod_callcenter does."""


class ListedMember(msgspec.Struct, frozen=True):
    """A caller of a queue; one who gave up or was answered stays in the list for a while."""

    uuid: str
    session_uuid: str = ""
    queue: str = ""
    cid_number: str = ""
    cid_name: str = ""
    joined_epoch: int = 0
    rejoined_epoch: int = 0
    bridge_epoch: int = 0
    serving_agent: str = ""
    state: str = ""


class ListedAgent(msgspec.Struct, frozen=True):
    """An agent; times are whole epoch seconds, 0 for never."""

    name: str
    status: str = ""
    state: str = ""
    wrap_up_time: int = 0
    last_bridge_start: int = 0
    last_bridge_end: int = 0
    last_offered_call: int = 0
    last_status_change: int = 0


class ListedTier(msgspec.Struct, frozen=True):
    """An agent's place in a queue."""

    queue: str
    agent: str


class _ListedQueue(msgspec.Struct, frozen=True):
    name: str


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists of one moment."""

    members: tuple[ListedMember, ...] = ()
    agents: tuple[ListedAgent, ...] = ()
    tiers: tuple[ListedTier, ...] = ()


def list_queues() -> Command:
    return _list("queue list")


def list_members(queue: str) -> Command:
    """Ask who is in a queue."""
    if not queue.isprintable() or len(queue) > LONGEST_NAME:
        raise UnsafeValue("queue", queue, "printable and up to 255 characters")
    return _list("queue list members", queue_name=queue)


def list_agents() -> Command:
    return _list("agent list")


def list_tiers() -> Command:
    """Ask for the tiers of all queues; the switch would ignore the name of one."""
    return _list("tier list")


def read_queues(reply: str) -> list[str]:
    """The names of the queues. Raises ``ListRefused``."""
    return [row.name for row in _rows(reply, _ListedQueue)]


def read_members(reply: str) -> list[ListedMember]:
    """A queue's callers. Raises ``ListRefused``."""
    return _rows(reply, ListedMember)


def read_agents(reply: str) -> list[ListedAgent]:
    """The agents. Raises ``ListRefused``."""
    return _rows(reply, ListedAgent)


def read_tiers(reply: str) -> list[ListedTier]:
    """The tiers. Raises ``ListRefused``."""
    return _rows(reply, ListedTier)


def queues_of(tiers: Sequence[ListedTier]) -> dict[str, tuple[str, ...]]:
    """The queues that each agent serves."""
    found: dict[str, set[str]] = {}
    for tier in tiers:
        found.setdefault(tier.agent, set()).add(tier.queue)
    return {agent: tuple(sorted(queues)) for agent, queues in found.items()}


def _list(arguments: str, **data: str) -> Command:
    asked = {"command": "callcenter_config", "data": {"arguments": arguments, **data}}
    return Command(f"json {msgspec.json.encode(asked).decode()}")


def _rows(reply: str, kind: type[Row]) -> list[Row]:
    try:
        answer: Any = msgspec.json.decode(reply.encode("utf-8", "replace"))
        if answer["status"] != "success":
            raise ListRefused(str(answer.get("message", ""))[:200])
        return msgspec.convert(answer["response"] or [], list[kind], strict=False)  # type: ignore[valid-type]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise ListRefused(reply[:200]) from error
