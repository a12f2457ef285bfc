"""A tenant's queues at work: people waiting, agents in every state, and a day behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from accounts.models import Account, Switch
from queues.live_rows import AgentNow, LiveSwitch, WaitingCaller
from queues.models import Agent, AgentChange, Queue
from tests import factories

AGENTS = (
    ("1001", "Anna Kovač", "Available", "In a queue call", 252),
    ("1002", "Ben Okafor", "Available", "Waiting", 38),
    ("1003", "Mei Tanaka", "On Break", "Waiting", 662),
    ("1004", "Deniz Demir", "Available", "Receiving", 4),
    ("1005", "Jisoo Park", "Available (On Demand)", "Waiting", 21),
    ("1006", "Lukas Weber", "Logged Out", "Waiting", 5400),
)
CALLERS: tuple[tuple[str, str, str, int, list[str]], ...] = (
    ("3010@default", "Baek Hyun-woo", "01033217790", 246, ["1004"]),
    ("3010@default", "", "01033217791", 132, []),
    ("3000@default", "Nam Ga-eul", "0314407718", 48, []),
)


def keep(switch: Switch, now: datetime, **fields: Any) -> LiveSwitch:
    known = {"connected": True, "seen_at": now} | fields
    return LiveSwitch.objects.update_or_create(switch=switch, defaults=known)[0]


def wait(account: Account, switch: Switch, now: datetime, queue: str, *caller: Any) -> WaitingCaller:
    name, number, seconds, ringing = caller
    return WaitingCaller.objects.create(
        account=account,
        switch=switch,
        queue_name=queue,
        member_uuid=f"{number}/{seconds}",
        session_uuid=number,
        caller_name=name,
        caller_number=number,
        joined_at=now - timedelta(seconds=seconds),
        ringing=ringing,
    )


def work(
    account: Account, switch: Switch, now: datetime, name: str, *state: Any, queues: list[str]
) -> AgentNow:
    status, doing, seconds = state
    since = now - timedelta(seconds=seconds)
    in_call = doing == "In a queue call"
    return AgentNow.objects.create(
        account=account,
        switch=switch,
        agent_name=name,
        status=status,
        status_since=since,
        state=doing,
        state_since=since,
        wrap_up_until=now + timedelta(seconds=9) if name == "1005" else None,
        queues=queues,
        caller_name="Seo Jun" if in_call else "",
        caller_number="01058400500" if in_call else "",
    )


def change(
    account: Account, switch: Switch, name: str, at: datetime, kind: str, value: str, by: str = ""
) -> None:
    AgentChange.objects.create(
        account=account, switch=switch, agent_name=name, at=at, kind=kind, value=value, asked_by=by
    )


def live_a_day(account: Account, switch: Switch, name: str, now: datetime) -> None:
    """Six hours of work: a login, calls, a break."""
    begun = now - timedelta(hours=6)
    change(account, switch, name, begun, "status", "Available", "sora@hanbit.example")
    for place in range(14):
        start = begun + timedelta(minutes=3 + 25 * place)
        for minutes, value in ((0, "Receiving"), (0.2, "In a queue call"), (11 + place % 5, "Waiting")):
            change(account, switch, name, start + timedelta(minutes=minutes), "state", value)
    change(account, switch, name, begun + timedelta(minutes=170), "status", "On Break")
    change(account, switch, name, begun + timedelta(minutes=186), "status", "Available")


def make_board(account: Account, now: datetime) -> Switch:
    """Fill a tenant's board; the switch that keeps it."""
    switch = Switch.objects.filter(account=account).first() or factories.make_switch(account, "pbx-live")
    labels = {"3000@default": "Support", "3010@default": "Billing", "3020@default": "Sales"}
    for name, label in labels.items():
        Queue.objects.get_or_create(account=account, name=name, defaults={"label": label})
    keep(switch, now)
    for queue, *caller in CALLERS:
        wait(account, switch, now, queue, *caller)
    for name, label, *state in AGENTS:
        Agent.objects.get_or_create(account=account, name=name, defaults={"label": label})
        queues = ["3000@default", "3010@default"] if name != "1006" else ["3020@default"]
        work(account, switch, now, name, *state, queues=queues)
        if name != "1006":
            live_a_day(account, switch, name, now)
    return switch
