"""What mod_callcenter is told and asked, built so that no value can become another word of the command."""

from __future__ import annotations

import json
from string import ascii_letters, digits
from typing import Final

from switch.commands import AGENT, LONGEST_WORD, Command, checked
from switch.errors import UnsafeValue

CONTACT: Final = frozenset(ascii_letters + digits + "_.+-@/:=,|[]{}*#%")
LONGEST_CONTACT: Final = 1000
AGENT_TYPES: Final = ("callback", "uuid-standby")
AGENT_STATES: Final = ("Waiting", "Receiving", "In a queue call", "Idle", "Reserved")
AGENT_NUMBERS: Final = (
    "max_no_answer",
    "wrap_up_time",
    "reject_delay_time",
    "busy_delay_time",
    "no_answer_delay_time",
    "ready_time",
)
TIER_NUMBERS: Final = ("level", "position")
LARGEST: Final = 2_147_483_647
LISTS: Final = ("queue list", "agent list", "tier list")


def load_queue(queue: str) -> Command:
    """Have a queue read from the configuration, with the agents and tiers that stand there."""
    return tell("queue load", queue_name(queue))


def reload_queue(queue: str) -> Command:
    """Have a queue's parameters read anew: a queue that the configuration has not is gone after this."""
    return tell("queue reload", queue_name(queue))


def unload_queue(queue: str) -> Command:
    """Take a queue away; callers that wait in it go on waiting."""
    return tell("queue unload", queue_name(queue))


def add_agent(agent: str, agent_type: str = "callback") -> Command:
    """Enter an agent, logged out."""
    return tell("agent add", agent_name(agent), one_of("type", agent_type, AGENT_TYPES))


def remove_agent(agent: str) -> Command:
    """Remove an agent with all tiers."""
    return tell("agent del", agent_name(agent))


def set_agent_contact(agent: str, contact: str) -> Command:
    """Set whom to ring for an agent."""
    return tell("agent set contact", agent_name(agent), checked("contact", contact, CONTACT, LONGEST_CONTACT))


def set_agent_type(agent: str, agent_type: str) -> Command:
    """Set how an agent is reached."""
    return tell("agent set type", agent_name(agent), one_of("type", agent_type, AGENT_TYPES))


def set_agent_state(agent: str, state: str) -> Command:
    """Set the state of an agent, as after one that hangs."""
    return tell("agent set state", agent_name(agent), f"'{one_of('state', state, AGENT_STATES)}'")


def set_agent_number(agent: str, parameter: str, value: int) -> Command:
    """Set a delay (seconds), a limit (calls) or the time from which an agent is ready (epoch)."""
    parameter = one_of("parameter", parameter, AGENT_NUMBERS)
    return tell(f"agent set {parameter}", agent_name(agent), number(parameter, value))


def add_tier(queue: str, agent: str, level: int = 1, position: int = 1) -> Command:
    """Put an agent into a queue."""
    places = number("level", level), number("position", position)
    return tell("tier add", queue_name(queue), agent_name(agent), *places)


def set_tier(queue: str, agent: str, parameter: str, value: int) -> Command:
    """Set an agent's level or position in a queue."""
    parameter = one_of("parameter", parameter, TIER_NUMBERS)
    words = queue_name(queue), agent_name(agent), number(parameter, value)
    return tell(f"tier set {parameter}", *words)


def remove_tier(queue: str, agent: str) -> Command:
    """Take an agent out of a queue."""
    return tell("tier del", queue_name(queue), agent_name(agent))


def list_as_json(what: str, queue: str = "") -> Command:
    """Ask for `queue list`, `agent list` or `tier list`, or with a queue for what is in it."""
    if what not in LISTS and what not in ("queue list members", "queue list agents", "queue list tiers"):
        raise UnsafeValue("list", what, f"only {', '.join(LISTS)} and the lists of a queue are known")
    data = {"arguments": what} | ({"queue_name": queue_name(queue)} if queue else {})
    return Command(f"json {json.dumps({'command': 'callcenter_config', 'data': data})}")


def locate_configuration(name: str = "callcenter.conf") -> Command:
    """Ask for a configuration as the switch itself would read it now, from wherever."""
    return Command(
        f"xml_locate configuration configuration name {checked('file', name, AGENT, LONGEST_WORD)}"
    )


def tell(words: str, *values: str) -> Command:
    return Command(" ".join(["callcenter_config", words, *values]))


def queue_name(value: str) -> str:
    """Return a queue's name (`name@domain`)."""
    return checked("queue", value, AGENT, LONGEST_WORD)


def agent_name(value: str) -> str:
    """Return an agent's name (`name@domain`)."""
    return checked("agent", value, AGENT, LONGEST_WORD)


def one_of(what: str, value: str, known: tuple[str, ...]) -> str:
    """Return a word that mod_callcenter knows."""
    if value not in known:
        raise UnsafeValue(what, value, f"it is none of {', '.join(known)}")
    return value


def number(what: str, value: int) -> str:
    """Return a whole number; the switch would store 0 for anything else without a word."""
    if not 0 <= int(value) <= LARGEST:
        raise UnsafeValue(what, str(value), f"from 0 to {LARGEST} are allowed")
    return str(int(value))
