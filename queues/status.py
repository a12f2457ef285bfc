"""Having an agent logged in or out, or sent on a break: asked of every switch that has the agent."""

from __future__ import annotations

from typing import Final

from accounts.access import Action
from accounts.audit import record
from accounts.tenancy import Actor
from queues.live import rise
from queues.live_rows import AgentNow
from queues.models import Agent, SwitchOrder
from queues.orders import place_status
from switch.commands import AgentStatus

STATUSES: Final = {
    "login": AgentStatus.AVAILABLE,
    "on_demand": AgentStatus.ON_DEMAND,
    "logout": AgentStatus.LOGGED_OUT,
    "pause": AgentStatus.ON_BREAK,
    "resume": AgentStatus.AVAILABLE,
}


class NoSwitch(Exception):
    """No switch has told of this agent, so that nobody could be asked."""


def may_set(actor: Actor | None, agent: Agent) -> bool:
    """Whether the actor, who sees the agent, may set its status: those who lead do, and agents their own."""
    if actor is None:
        return False
    own = agent.name in actor.agent_names or (agent.user_id is not None and agent.user_id == actor.user_id)
    return actor.may(Action.SET_AGENT_STATUS) or (own and actor.may(Action.SET_OWN_STATUS))


def ask(agent: Agent, wanted: str, actor: Actor) -> list[SwitchOrder]:
    """Place the order, and keep who asked; ``wanted`` is a word of ``STATUSES``."""
    status = STATUSES[wanted]
    rows = AgentNow.objects.filter(agent_name=agent.name, account=agent.account_id).select_related("switch")
    orders = [place_status(row.switch, agent.name, status.value, agent.account, actor.label) for row in rows]
    if not orders:
        raise NoSwitch(agent.name)
    record(actor, f"agent.{wanted}", agent)
    rise([agent.account_id])
    return orders
