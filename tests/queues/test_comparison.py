"""A switch is asked for its lists after a change, and what it cannot tell is said."""

from __future__ import annotations

import json

import pytest

from accounts.models import Switch
from ccportal.listener.clerk import Clerk
from ccportal.listener.comparison import UNREADABLE
from queues.models import Difference, QueueServer
from queues.orders import place, step
from tests import captures
from tests import factories as make
from tests.switch.fake_switch import FakeSwitch, answer_by_default, response_frame

pytestmark = pytest.mark.django_db
LISTS = json.loads((captures.FREESWITCH / "callcenter" / "lists.json").read_text())


@pytest.fixture
def switch() -> Switch:
    return QueueServer.objects.create(switch=make.make_switch()).switch


def answer(line: str) -> bytes:
    for name in ("queue", "agent", "tier"):
        if line.startswith("api json") and f'"{name} list"' in line:
            told = {"status": "success", "response": LISTS[f"{name}s"]}
            return response_frame(json.dumps(told).encode())
    return answer_by_default(line)


def passes(switch: Switch, wire: FakeSwitch, times: int = 1, order: bool = False) -> int:
    """Let a clerk work; return how often the switch was asked for its queues."""
    clerk = Clerk(switch.pk.hex, switch.name, wire.address, pause=0)
    for _ in range(times):
        if order:
            place(switch, [step("remove_agent", "nobody")])
        clerk.step()
    clerk.close()
    lines = [wire.lines.get_nowait() for _ in range(wire.lines.qsize())]
    return sum('"queue list"' in line for line in lines)


def test_a_switch_s_lists_are_compared_now_and_then(switch: Switch) -> None:
    with FakeSwitch(answer) as wire:
        assert passes(switch, wire, times=3) == 1
    assert Difference.objects.filter(kind="queue").count() == len(LISTS["queues"])
    assert QueueServer.objects.get().compared_at is not None


def test_after_a_change_they_are_compared_at_once(switch: Switch) -> None:
    with FakeSwitch(answer) as wire:
        assert passes(switch, wire, times=2, order=True) == 2


def test_a_switch_that_is_given_no_queues_is_not_asked(switch: Switch) -> None:
    QueueServer.objects.update(serves_queues=False)
    with FakeSwitch(answer) as wire:
        assert passes(switch, wire) == 0


def test_what_cannot_be_read_is_said_and_changes_nothing(switch: Switch) -> None:
    with FakeSwitch(answer) as wire:
        passes(switch, wire)
    before = Difference.objects.count()
    with FakeSwitch(lambda line: answer_by_default(line)) as wire:
        passes(switch, wire)
    assert QueueServer.objects.get().complaint == UNREADABLE
    assert Difference.objects.count() == before
