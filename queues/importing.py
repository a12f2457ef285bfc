"""Takes queues, agents and tiers from a switch's own callcenter.conf.xml, and tells what it could not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Account
from queues.models import Agent, Queue, QueueServer, Tier
from queues.validators import SETTINGS
from queues.wanted import AGENT_VALUES, PARAMETERS, TIER_VALUES, field_of
from switch.callcenter_conf import Configuration, Values

STATUS: Final = "status"
TRUE: Final = ("true", "yes", "on", "enable", "enabled", "active", "allow", "1")


@dataclass
class Taken:
    """How many of each were taken, and what was not and why."""

    queues: int = 0
    agents: int = 0
    tiers: int = 0
    complaints: list[str] = field(default_factory=list)

    def take(self, kind: str, row: Any, values: Values, names: Collection[str]) -> bool:
        """Bring a row to the values that can stand here; False when none of it can."""
        for name in sorted(values.keys() - set(names) - {STATUS}):
            self.complaints.append(f"{kind} {row}: {name} is unknown, left out.")
        for name in names:
            if name in values:
                self._set(kind, row, name, values[name])
        try:
            row.full_clean()
        except ValidationError as error:
            self.complaints.append(f"{kind} {row}: not taken: {' '.join(error.messages)}")
            return False
        row.save()
        return True

    def _set(self, kind: str, row: Any, name: str, text: str) -> None:
        """Set one value, or leave the default and say so."""
        column = row._meta.get_field(field_of(name))
        value = text.lower() in TRUE if column.get_internal_type() == "BooleanField" else text
        try:
            setattr(row, column.attname, column.clean(value, row))
        except ValidationError as error:
            self.complaints.append(
                f"{kind} {row}: {name}={text[:80]!r} is left out: {' '.join(error.messages)}"
            )


def import_configuration(server: QueueServer, account: Account, found: Configuration) -> Taken:
    """Write what was read as managed rows of an account; what the switch has already is not ordered again."""
    taken = Taken()
    with transaction.atomic():
        take_settings(server, found.settings, taken)
        queues = {name: take_queue(account, name, values, taken) for name, values in found.queues.items()}
        agents = {name: take_agent(account, name, values, taken) for name, values in found.agents.items()}
        for (queue_name, agent_name), values in found.tiers.items():
            queue, agent = queues.get(queue_name), agents.get(agent_name)
            if queue is None or agent is None:
                taken.complaints.append(f"tier {queue_name} {agent_name}: its queue or agent was not taken.")
                continue
            tier = Tier.objects.filter(queue=queue, agent=agent).first() or Tier(queue=queue, agent=agent)
            taken.tiers += taken.take("tier", tier, values, TIER_VALUES)
        if any(STATUS in values for values in found.agents.values()):
            taken.complaints.append("agents: their status is left out: a reload would set it.")
    return taken


def take_settings(server: QueueServer, settings: Values, taken: Taken) -> None:
    for name in sorted(settings.keys() - SETTINGS):
        taken.complaints.append(f"settings: {name} is unknown, left out.")
    server.settings = {name: value for name, value in settings.items() if name in SETTINGS}
    try:
        server.full_clean()
    except ValidationError as error:
        taken.complaints.append(f"settings: not taken: {' '.join(error.messages)}")
        return
    server.save(update_fields=["settings"])


def take_queue(account: Account, name: str, values: Values, taken: Taken) -> Queue | None:
    queue = Queue.objects.filter(account=account, name=name).first() or Queue(account=account, name=name)
    queue.managed = True
    if not taken.take("queue", queue, values, PARAMETERS):
        return None
    taken.queues += 1
    return queue


def take_agent(account: Account, name: str, values: Values, taken: Taken) -> Agent | None:
    agent = Agent.objects.filter(account=account, name=name).first() or Agent(account=account, name=name)
    agent.managed = True
    agent_defaults(agent, values.keys())
    if not taken.take("agent", agent, values, AGENT_VALUES):
        return None
    taken.agents += 1
    return agent


def agent_defaults(agent: Agent, named: Iterable[str]) -> None:
    """What the file does not name is the module's own default, 0, for an agent that was not set up here."""
    if agent._state.adding:
        for name in set(AGENT_VALUES[2:]) - set(named):
            setattr(agent, field_of(name), 0)
