"""What is done and what is left to do before a first call shows, as the account's rows tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, Device, PhoneNumber, Switch
from ccportal.portal.clock import ago
from ccportal.portal.page import address_of
from ccportal.portal.switches import serving
from policies.models import RecordingPolicy
from queues.models import Queue

STILL_CONNECTED = timedelta(minutes=2)
LATER = (
    ("People", "admin:accounts_user_changelist"),
    ("Queues", "admin:queues_queue_changelist"),
    ("Agents", "admin:queues_agent_changelist"),
)
Rows = Callable[[Any], QuerySet[Any]]


@dataclass(frozen=True)
class Step:
    """One thing to do; ``told`` is what there is of it, ``url`` where it is done by who may do it."""

    key: str
    title: str
    why: str
    told: str = ""
    action: str = ""
    again: str = ""
    url: str | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.told)


@dataclass(frozen=True)
class FirstSteps:
    """The steps in order; ``mark`` changes when one of them is done."""

    steps: list[Step]

    @property
    def mark(self) -> str:
        return "-".join(step.key for step in self.steps if step.is_done) or "none"

    @property
    def next(self) -> Step | None:
        """The first that is left and can be done here."""
        return next((step for step in self.steps if step.url and not step.is_done), None)

    @property
    def later(self) -> list[tuple[str, str | None]]:
        return [(title, address_of(name)) for title, name in LATER]


def first_steps(account: Account, rows: Rows, visible: Rows, operates: bool) -> FirstSteps:
    """Look at what the account has; ``operates`` is whether who asks may connect switches."""
    return FirstSteps(
        [
            policy_step(account, rows),
            device_step(rows),
            number_step(rows),
            switch_step(account, visible, operates),
        ]
    )


def policy_step(account: Account, rows: Rows) -> Step:
    decided = rows(RecordingPolicy).exclude(document={}).exists()
    by_queue = rows(Queue).filter(record=True).exists()
    return Step(
        "policy",
        "Choose what is recorded",
        "Nothing is recorded until you say so: all calls, those with the outside, or those of some phones.",
        "Chosen" if decided else "Chosen for a queue" if by_queue else "",
        "Choose",
        "Change",
        address_of("admin:policies_account", key=account.pk.hex),
    )


def device_step(rows: Rows) -> Step:
    return Step(
        "device",
        "Add a phone",
        "By the name it registers with at the switch, such as 1001: so its calls are known as yours.",
        some(rows(Device).order_by("created_at", "pk").values_list("name", flat=True)[:3]),
        "Add a device",
        "Add another",
        address_of("admin:accounts_device_add"),
    )


def number_step(rows: Rows) -> Step:
    return Step(
        "number",
        "Add your phone numbers",
        "Calls from outside to one of these are yours. Others wait in quarantine, unseen.",
        some(rows(PhoneNumber).order_by("created_at", "pk").values_list("number", flat=True)[:3]),
        "Add a number",
        "Add another",
        address_of("admin:accounts_phonenumber_add"),
    )


def some(names: QuerySet[Any, Any]) -> str:
    """The first two of them, and whether there are more."""
    found = list(names)
    return ", ".join(found[:2]) + (" and more" if len(found) > 2 else "")


def switch_step(account: Account, visible: Rows, operates: bool) -> Step:
    now = timezone.now()
    return Step(
        "switch",
        "Connect a switch",
        "Say where it is and how to talk to it."
        if operates
        else "The operator of this system connects it. If it takes long, ask them.",
        switch_heard(account, visible, now),
        "Add a switch",
        "Add another",
        address_of("admin:accounts_switch_add") if operates else None,
    )


def switch_heard(account: Account, visible: Rows, now: datetime) -> str:
    """Which switch of the account's was heard last; of one that serves others too, only that it is there."""
    own = serving(visible(Switch), account).filter(enabled=True, last_heard_at__isnull=False)
    if heard := own.order_by("-last_heard_at").first():
        return f"{heard.name}, heard {ago(heard.last_heard_at or now, now)}"
    shared = Switch.objects.filter(account=None, enabled=True, last_heard_at__gt=now - STILL_CONNECTED)
    return "A shared switch is connected" if shared.exists() else ""
