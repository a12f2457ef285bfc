"""From a change of queues, agents and tiers to the commands that bring each switch to it.

Compared is what a switch should have before and after the change. Nothing here sets an agent's status,
and ``agent reload`` is never used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from accounts.models import Account
from queues.models import Agent, Queue, QueueServer
from queues.orders import Step, place, step
from queues.wanted import wanted, written
from switch.callcenter_conf import Configuration, Values

AGENT_NUMBERS: Final = (
    "max-no-answer",
    "wrap-up-time",
    "reject-delay-time",
    "busy-delay-time",
    "no-answer-delay-time",
)


@dataclass(frozen=True)
class Released:
    """Names that are no longer managed, or not yet: a switch keeps what it has of them."""

    queues: Collection[str] = ()
    agents: Collection[str] = ()


@contextmanager
def pushed(account: Account, asked_by: str = "") -> Iterator[None]:
    """Have the switches told of whatever changes in the account's queues, agents and tiers in here."""
    with transaction.atomic():
        before = {server.pk: wanted(server, account) for server in QueueServer.objects.serving(account)}
        seen = released(account)
        yield
        for server in QueueServer.objects.serving(account).filter(pk__in=before):
            steps = steps_between(before[server.pk], wanted(server, account), seen, released(account))
            place(server.switch, steps, account, asked_by)


def released(account: Account) -> Released:
    """The account's queues and agents that were only seen."""
    queues = Queue.objects.filter(account=account, managed=False).values_list("name", flat=True)
    agents = Agent.objects.filter(account=account, managed=False).values_list("name", flat=True)
    return Released(frozenset(queues), frozenset(agents))


def steps_between(
    before: Configuration, after: Configuration, seen: Released | None = None, kept: Released | None = None
) -> list[Step]:
    """The commands that lead from one configuration to another; ``seen`` is there already, ``kept`` stays."""
    seen, kept = seen or Released(), kept or Released()
    return [
        *agent_steps(before, after),
        *queue_steps(before, after, seen),
        *tier_steps(before, after),
        *leaving_steps(before, after, kept),
    ]


def agent_steps(before: Configuration, after: Configuration) -> Iterator[Step]:
    for name, values in after.agents.items():
        known = before.agents.get(name)
        if known is None:
            yield step("add_agent", name, values["type"])
        yield from agent_values(name, known or {}, values)


def agent_values(name: str, known: Values, values: Values) -> Iterator[Step]:
    """Set what is not as it should be; what is there from earlier may have anything."""
    if known.get("type") != values["type"]:
        yield step("set_agent_type", name, values["type"])
    if known.get("contact") != values["contact"]:
        yield step("set_agent_contact", name, values["contact"])
    for key in AGENT_NUMBERS:
        if known.get(key) != values[key]:
            yield step("set_agent_number", name, key.replace("-", "_"), int(values[key]))


def queue_steps(before: Configuration, after: Configuration, seen: Released) -> Iterator[Step]:
    """A queue that the switch has is read anew, which disturbs no caller and no agent."""
    for name, values in after.queues.items():
        known = before.queues.get(name)
        if known is None:
            yield step("reload_queue" if name in seen.queues else "load_queue", name)
        elif written(known) != written(values):
            yield step("reload_queue", name)


def tier_steps(before: Configuration, after: Configuration) -> Iterator[Step]:
    for (queue, agent), values in after.tiers.items():
        known = before.tiers.get((queue, agent), {})
        if not known:
            yield step("add_tier", queue, agent, int(values["level"]), int(values["position"]))
        for key in ("level", "position"):
            if known.get(key) != values[key]:
                yield step("set_tier", queue, agent, key, int(values[key]))


def leaving_steps(before: Configuration, after: Configuration, kept: Released) -> Iterator[Step]:
    for queue, agent in sorted(before.tiers.keys() - after.tiers.keys()):
        if queue not in kept.queues and agent not in kept.agents:
            yield step("remove_tier", queue, agent)
    for name in sorted(before.agents.keys() - after.agents.keys() - set(kept.agents)):
        yield step("remove_agent", name)
    for name in sorted(before.queues.keys() - after.queues.keys() - set(kept.queues)):
        yield step("unload_queue", name)
