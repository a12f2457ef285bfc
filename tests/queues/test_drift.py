"""Where a switch differs from what it should have, as its own lists tell; and both ways to mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Account
from queues.drift import as_listed, compare, give_ours, take_theirs
from queues.models import Agent, Difference, Queue, QueueServer, SwitchOrder, Tier
from queues.orders import step_of
from tests import captures
from tests import factories as make

pytestmark = pytest.mark.django_db
LISTS = json.loads((captures.FREESWITCH / "callcenter" / "lists.json").read_text())


@pytest.fixture
def server() -> QueueServer:
    return QueueServer.objects.create(switch=make.make_switch())


@pytest.fixture
def account(server: QueueServer) -> Account:
    return make.make_account()


def listed(**more: list[dict[str, Any]]) -> Any:
    rows = {name: [*LISTS[name], *more.get(name, [])] for name in ("queues", "agents", "tiers")}
    return as_listed(**rows)


def take_all(server: QueueServer, account: Account) -> None:
    """Make everything of the switch ours: queues and agents first, then the tiers between them."""
    for _ in range(2):
        compare(server, listed())
        for difference in Difference.objects.all():
            difference.account = account
            take_theirs(difference)


def found() -> list[str]:
    return [str(difference) for difference in Difference.objects.order_by("kind", "name", "agent_name")]


def ordered() -> list[str]:
    orders = SwitchOrder.objects.order_by("number")
    return [step_of(order).command.line.removeprefix("callcenter_config ") for order in orders]


def test_what_was_taken_over_is_equal(server: QueueServer, account: Account) -> None:
    take_all(server, account)
    assert compare(server, listed()) == 0
    assert Queue.objects.get(name="3000@default").strategy == LISTS["queues"][0]["strategy"]
    assert Agent.objects.filter(managed=True).count() == len(LISTS["agents"])
    assert Tier.objects.count() == len(LISTS["tiers"])
    assert ordered() == []


def test_what_nobody_manages_is_shown_to_be_taken(server: QueueServer) -> None:
    compare(server, listed())
    assert set(Difference.objects.values_list("kind", flat=True)) == {"queue", "agent"}
    assert not Difference.objects.exclude(account=None).exists()
    assert {difference.ours for difference in Difference.objects.all()} == {None}


def test_nobody_s_things_cannot_be_taken(server: QueueServer) -> None:
    compare(server, listed())
    with pytest.raises(ValidationError):
        take_theirs(Difference.objects.all()[0])


@pytest.mark.parametrize(
    ("change", "difference", "orders"),
    [
        (
            lambda: Queue.objects.filter(name="3000@default").update(max_wait_time=77),
            "queue 3000@default",
            ["queue reload 3000@default"],
        ),
        (
            lambda: Agent.objects.filter(name="1001").update(wrap_up_time=55),
            "agent 1001",
            ["agent set wrap_up_time 1001 55"],
        ),
        (
            lambda: Tier.objects.filter(queue__name="3000@default", agent__name="1001").update(level=9),
            "tier 3000@default 1001",
            ["tier set level 3000@default 1001 9"],
        ),
        (
            lambda: Tier.objects.filter(queue__name="3000@default", agent__name="1001").delete(),
            "tier 3000@default 1001",
            ["tier del 3000@default 1001"],
        ),
    ],
    ids=["queue", "agent", "tier", "tier gone"],
)
def test_a_difference_is_mended_either_way(
    server: QueueServer, account: Account, change: Any, difference: str, orders: list[str]
) -> None:
    take_all(server, account)
    change()
    compare(server, listed())
    assert found() == [difference]
    row = Difference.objects.get()
    assert give_ours(row)
    assert ordered() == orders
    take_theirs(row)
    assert compare(server, listed()) == 0


def test_what_the_switch_lost_is_given_again(server: QueueServer, account: Account) -> None:
    Queue.objects.create(account=account, name="new@x", managed=True)
    compare(server, as_listed([], [], []))
    (row,) = Difference.objects.all()
    assert (row.account, row.theirs) == (account, None)
    give_ours(row)
    assert ordered() == ["queue load new@x"]


def test_a_difference_that_is_gone_is_forgotten_and_one_that_stays_keeps_its_id(
    server: QueueServer, account: Account
) -> None:
    Queue.objects.create(account=account, name="a@x", managed=True)
    gone = Queue.objects.create(account=account, name="b@x", managed=True)
    compare(server, as_listed([], [], []))
    before = Difference.objects.get(name="a@x").pk
    gone.delete()
    assert compare(server, as_listed([], [], [])) == 1
    assert Difference.objects.get().pk == before


def test_hostile_values_of_a_switch_are_not_taken(server: QueueServer, account: Account) -> None:
    hostile = {"name": "evil", "type": "callback", "contact": "[api_on_answer=system id]user/1"}
    make.make_agent(account, "evil")
    compare(server, listed(agents=[hostile]))
    with pytest.raises(ValidationError):
        take_theirs(Difference.objects.get(name="evil"))
    assert not Agent.objects.get(name="evil").managed
