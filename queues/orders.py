"""Commands that wait for a switch's listener: written with what they are about, given in order, answered.

Whoever changes queues, agents or tiers places orders in the same transaction. The listener gives them one
after the other; what it cannot give in time is no longer given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Account, Switch
from queues.models import ORDERS_WAIT_FOR, SwitchOrder
from switch import callcenter
from switch.commands import AgentStatus, Command, Reply, set_agent_status
from switch.errors import UnsafeValue

STATUS_WAITS_FOR: Final = timedelta(seconds=30)
KEPT_FOR: Final = timedelta(days=30)
MOST_AT_ONCE: Final = 200
LONGEST_ANSWER: Final = 255
AGAIN: Final = ("Agent already exist!", "Tier already exist!")
READS_CONFIGURATION: Final = ("load_queue", "reload_queue")

BUILDERS: Final[dict[str, Callable[..., Command]]] = {
    "load_queue": callcenter.load_queue,
    "reload_queue": callcenter.reload_queue,
    "unload_queue": callcenter.unload_queue,
    "add_agent": callcenter.add_agent,
    "remove_agent": callcenter.remove_agent,
    "set_agent_contact": callcenter.set_agent_contact,
    "set_agent_type": callcenter.set_agent_type,
    "set_agent_state": callcenter.set_agent_state,
    "set_agent_number": callcenter.set_agent_number,
    "set_agent_status": lambda agent, status: set_agent_status(agent, AgentStatus(status)),
    "add_tier": callcenter.add_tier,
    "set_tier": callcenter.set_tier,
    "remove_tier": callcenter.remove_tier,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One command by its name in ``BUILDERS``, with its values."""

    kind: str
    arguments: tuple[str | int, ...]

    @property
    def command(self) -> Command:
        """The command itself; UnsafeValue for what must not be sent."""
        try:
            return BUILDERS[self.kind](*self.arguments)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UnsafeValue):
                raise
            raise UnsafeValue("order", self.kind, str(error)) from error


def step(kind: str, *arguments: str | int) -> Step:
    return Step(kind, arguments)


def step_of(order: SwitchOrder) -> Step:
    return Step(order.kind, tuple(order.arguments))


def place(
    switch: Switch,
    steps: Iterable[Step],
    account: Account | None = None,
    asked_by: str = "",
    patience: timedelta = ORDERS_WAIT_FOR,
) -> list[SwitchOrder]:
    """Have commands given to a switch, in this order, behind those that wait already."""
    steps = list(steps)
    for one in steps:
        one.command  # noqa: B018 - refuses what must not be sent
    if not steps:
        return []
    now = timezone.now()
    with transaction.atomic():
        Switch.objects.select_for_update().get(pk=switch.pk)
        last = last_number(switch)
        orders = [
            SwitchOrder(
                account=account,
                switch=switch,
                number=last + place,
                kind=one.kind,
                arguments=list(one.arguments),
                asked_by=asked_by[:255],
                asked_at=now,
                expires_at=now + patience,
            )
            for place, one in enumerate(steps, 1)
        ]
        return SwitchOrder.objects.bulk_create(orders)


def place_status(
    switch: Switch, agent: str, status: str, account: Account | None = None, asked_by: str = ""
) -> SwitchOrder:
    """Have an agent's status set; nobody wants that later than now."""
    steps = [step("set_agent_status", agent, status)]
    return place(switch, steps, account, asked_by, STATUS_WAITS_FOR)[0]


def last_number(switch: Switch) -> int:
    """The number of a switch's newest order: it rises with every change that the switch is told of."""
    found: int | None = SwitchOrder.objects.filter(switch=switch).aggregate(last=Max("number"))["last"]
    return found or 0


def waiting(switch_id: Any) -> list[SwitchOrder]:
    """The oldest orders that nobody answered, as many as are given in one go."""
    rows = SwitchOrder.objects.filter(switch=switch_id, state=SwitchOrder.State.WAITING)
    return list(rows.order_by("number")[:MOST_AT_ONCE])


def settle(order: SwitchOrder, state: SwitchOrder.State, answer: str = "") -> None:
    """Write what became of an order, unless somebody did already."""
    rows = SwitchOrder.objects.filter(pk=order.pk, state=SwitchOrder.State.WAITING)
    rows.update(state=state, answer=answer[:LONGEST_ANSWER], answered_at=timezone.now())


def note(order: SwitchOrder, trouble: str) -> None:
    """Show why an order still waits."""
    rows = SwitchOrder.objects.filter(pk=order.pk, state=SwitchOrder.State.WAITING)
    rows.update(answer=trouble[:LONGEST_ANSWER])


def settle_with(order: SwitchOrder, reply: Reply) -> None:
    """Write the switch's answer; what is there already was done."""
    done = reply.ok or reply.text in AGAIN
    settle(order, SwitchOrder.State.DONE if done else SwitchOrder.State.FAILED, reply.text.strip())


def forget_old(switch_id: Any) -> int:
    """Delete a switch's orders that were settled long ago; the newest keeps the count."""
    orders = SwitchOrder.objects.filter(switch=switch_id)
    last = orders.aggregate(last=Max("number"))["last"] or 0
    old = orders.filter(asked_at__lt=timezone.now() - KEPT_FOR, number__lt=last)
    return old.exclude(state=SwitchOrder.State.WAITING).delete()[0]
