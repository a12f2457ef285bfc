"""What each switch should have: the managed queues, agents and tiers of the accounts it serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import Account, Switch
from queues.models import Agent, Queue, QueueServer, Tier
from switch.callcenter_conf import Configuration, Values

ALWAYS: Final = (
    "strategy",
    "moh-sound",
    "record-template",
    "time-base-score",
    "max-wait-time",
    "max-wait-time-with-no-agent",
    "max-wait-time-with-no-agent-time-reached",
    "tier-rules-apply",
    "tier-rule-wait-second",
    "tier-rule-wait-multiply-level",
    "tier-rule-no-agent-no-wait",
    "discard-abandoned-after",
    "abandoned-resume-allowed",
)
UNLESS_DEFAULT: Final = (
    "announce-sound",
    "announce-frequency",
    "ring-progressively-delay",
    "agent-no-answer-status",
    "skip-agents-with-external-calls",
)
PARAMETERS: Final = ALWAYS + UNLESS_DEFAULT
AGENT_VALUES: Final = (
    "type",
    "contact",
    "max-no-answer",
    "wrap-up-time",
    "reject-delay-time",
    "busy-delay-time",
    "no-answer-delay-time",
)
TIER_VALUES: Final = ("level", "position")


def field_of(parameter: str) -> str:
    """The model's field for a name of mod_callcenter's."""
    return parameter.replace("-", "_")


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_of(row: Queue | Agent | Tier, names: Iterable[str]) -> Values:
    """The row's values under mod_callcenter's names, as text."""
    return {name: as_text(getattr(row, field_of(name))) for name in names}


def defaults() -> Values:
    return values_of(Queue(), PARAMETERS)


def written(values: Values) -> Values:
    """The parameters that are written: no empty ones, and few that are as they would be without."""
    usual = defaults()
    return {
        name: value
        for name, value in values.items()
        if value and (name in ALWAYS or value != usual.get(name, ""))
    }


def accounts_of(switch: Switch) -> QuerySet[Account]:
    """The accounts whose queues a switch may have: all, or those below its own."""
    return Account.objects.tree_of(switch.account) if switch.account else Account.objects.all()


def wanted(server: QueueServer, account: Account | None = None, queue: str = "") -> Configuration:
    """What a switch should have, of one account, or only one queue with who serves it."""
    whose: Any = [account] if account else accounts_of(server.switch)
    here = Q(switches=None) | Q(switches=server.switch)
    queues = Queue.objects.filter(here, managed=True, account__in=whose).distinct()
    tiers = Tier.objects.filter(queue__managed=True, agent__managed=True, queue__account__in=whose)
    agents = Agent.objects.filter(managed=True, account__in=whose)
    if queue:
        queues, tiers = queues.filter(name=queue), tiers.filter(queue__name=queue)
        agents = agents.filter(tiers__queue__name=queue).distinct()
    found = Configuration(settings=dict(server.settings))
    ours = {row.pk: row for row in queues.order_by("name", "id")}
    for row in ours.values():
        found.queues.setdefault(row.name, values_of(row, PARAMETERS))
    for agent in agents.order_by("name", "id"):
        found.agents.setdefault(agent.name, values_of(agent, AGENT_VALUES))
    for tier in tiers.select_related("agent").order_by("queue", "level", "position", "agent"):
        if tier.queue_id in ours:
            pair = ours[tier.queue_id].name, tier.agent.name
            found.tiers.setdefault(pair, values_of(tier, TIER_VALUES))
    return found


def to_write(configuration: Configuration) -> Configuration:
    """The same with only those parameters that are written."""
    queues = {name: written(values) for name, values in configuration.queues.items()}
    return Configuration(configuration.settings, queues, configuration.agents, configuration.tiers)
