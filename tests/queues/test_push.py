"""From a change to the commands that bring a switch to it."""

from __future__ import annotations

import pytest

from accounts.models import Account
from queues.models import Agent, Queue, QueueServer, SwitchOrder, Tier
from queues.orders import step_of
from queues.push import pushed
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    QueueServer.objects.create(switch=make.make_switch())
    return make.make_account()


@pytest.fixture
def queue(account: Account) -> Queue:
    return Queue.objects.create(account=account, name="q@x", managed=True)


@pytest.fixture
def agent(account: Account) -> Agent:
    return Agent.objects.create(account=account, name="1001", managed=True, contact="user/1001")


def ordered() -> list[str]:
    """The lines that wait for a switch, without the module's name."""
    orders = SwitchOrder.objects.order_by("number")
    return [step_of(order).command.line.removeprefix("callcenter_config ") for order in orders]


def test_a_new_queue_is_loaded(account: Account) -> None:
    with pushed(account):
        Queue.objects.create(account=account, name="q@x", managed=True)
    assert ordered() == ["queue load q@x"]


def test_a_queue_that_the_switch_had_is_read_anew(account: Account) -> None:
    queue = Queue.objects.create(account=account, name="q@x")
    with pushed(account):
        queue.managed = True
        queue.save()
    assert ordered() == ["queue reload q@x"]


def test_a_changed_parameter_is_read_anew_once(account: Account, queue: Queue) -> None:
    with pushed(account):
        queue.strategy, queue.max_wait_time = "ring-all", 60
        queue.save()
    assert ordered() == ["queue reload q@x"]


def test_what_the_switch_does_not_know_of_is_no_order(account: Account, queue: Queue) -> None:
    with pushed(account):
        queue.label, queue.record = "Sales", True
        queue.save()
    assert ordered() == []


def test_a_new_agent_is_added_and_set(account: Account) -> None:
    with pushed(account, "someone"):
        Agent.objects.create(account=account, name="1001", managed=True, contact="user/1001", wrap_up_time=7)
    assert ordered() == [
        "agent add 1001 callback",
        "agent set type 1001 callback",
        "agent set contact 1001 user/1001",
        "agent set max_no_answer 1001 3",
        "agent set wrap_up_time 1001 7",
        "agent set reject_delay_time 1001 10",
        "agent set busy_delay_time 1001 60",
        "agent set no_answer_delay_time 1001 0",
    ]
    assert set(SwitchOrder.objects.values_list("asked_by", "account")) == {("someone", account.pk)}


def test_only_what_changed_of_an_agent_is_set(account: Account, agent: Agent) -> None:
    with pushed(account):
        agent.wrap_up_time, agent.contact = 30, "[leg_timeout=9]user/1001"
        agent.save()
    assert ordered() == ["agent set contact 1001 [leg_timeout=9]user/1001", "agent set wrap_up_time 1001 30"]


def test_tiers_are_added_set_and_removed(account: Account, queue: Queue, agent: Agent) -> None:
    with pushed(account):
        tier = Tier.objects.create(queue=queue, agent=agent, level=2)
    with pushed(account):
        tier.position = 5
        tier.save()
    with pushed(account):
        tier.delete()
    assert ordered() == [
        "tier add q@x 1001 2 1",
        "tier set level q@x 1001 2",
        "tier set position q@x 1001 1",
        "tier set position q@x 1001 5",
        "tier del q@x 1001",
    ]


def test_what_is_deleted_leaves_the_switch(account: Account, queue: Queue, agent: Agent) -> None:
    Tier.objects.create(queue=queue, agent=agent)
    with pushed(account):
        queue.delete()
        agent.delete()
    assert ordered() == ["tier del q@x 1001", "agent del 1001", "queue unload q@x"]


def test_what_is_let_go_stays_on_the_switch(account: Account, queue: Queue, agent: Agent) -> None:
    Tier.objects.create(queue=queue, agent=agent)
    with pushed(account):
        Queue.objects.update(managed=False)
        Agent.objects.update(managed=False)
    assert ordered() == []


def test_a_renamed_queue_is_another(account: Account, queue: Queue) -> None:
    with pushed(account):
        queue.name = "new@x"
        queue.save()
    assert ordered() == ["queue load new@x", "queue unload q@x"]


def test_a_queue_moves_to_another_switch(account: Account, queue: Queue) -> None:
    other = QueueServer.objects.create(switch=make.make_switch(name="zz"))
    with pushed(account):
        queue.switches.add(other.switch)
    assert ordered() == ["queue unload q@x"]
    assert SwitchOrder.objects.get().switch != other.switch


def test_what_was_rolled_back_is_not_ordered(account: Account) -> None:
    def fail() -> None:
        with pushed(account):
            Queue.objects.create(account=account, name="q@x", managed=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ordered() == []


def test_status_is_never_touched(account: Account, queue: Queue, agent: Agent) -> None:
    with pushed(account):
        Agent.objects.update(type="uuid-standby", desired_status="On Break")
        Tier.objects.create(queue=queue, agent=agent)
        Queue.objects.update(strategy="random")
    assert not [line for line in ordered() if "status" in line or "agent reload" in line]
