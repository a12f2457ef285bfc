"""The admin of queues, agents and tiers tells the switches; differences are mended from their list."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from queues.models import Agent, Difference, Queue, QueueServer, SwitchOrder, Tier
from queues.orders import step_of
from tests import factories as make
from tests.admin_forms import posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(client: Client) -> Account:
    QueueServer.objects.create(switch=make.make_switch())
    account = make.make_account()
    client.force_login(make.make_user(account))
    return account


def save(client: Client, path: str, data: dict[str, Any]) -> None:
    response = client.post(f"/admin/queues/{path}/", data)
    assert response.status_code == 302, response.context["errors"]


def ordered() -> list[str]:
    orders = SwitchOrder.objects.order_by("number")
    return [step_of(order).command.line.removeprefix("callcenter_config ") for order in orders]


def test_what_is_saved_is_pushed(client: Client, account: Account) -> None:
    save(client, "queue/add", posted(Queue(account=account, name="q@x"), account=account.pk, managed="on"))
    queue = Queue.objects.get()
    save(client, f"queue/{queue.pk}/change", posted(queue, strategy="random"))
    agent = Agent(account=account, name="1001", contact="user/1")
    save(client, "agent/add", posted(agent, account=account.pk, managed="on"))
    save(client, "tier/add", {"queue": queue.pk, "agent": Agent.objects.get().pk, "level": 1, "position": 2})
    save(client, f"tier/{Tier.objects.get().pk}/change", {"level": 3, "position": 2})
    save(client, f"queue/{queue.pk}/delete", {"post": "yes"})
    lines = ordered()
    assert lines[:2] == ["queue load q@x", "queue reload q@x"]
    assert lines[2] == "agent add 1001 callback"
    assert lines[-6:] == [
        "tier add q@x 1001 1 2",
        "tier set level q@x 1001 1",
        "tier set position q@x 1001 2",
        "tier set level q@x 1001 3",
        "tier del q@x 1001",
        "queue unload q@x",
    ]


def test_hostile_values_are_not_saved(client: Client, account: Account) -> None:
    queue = Queue(account=account, name="$${default_password}")
    response = client.post("/admin/queues/queue/add/", posted(queue, account=account.pk, managed="on"))
    assert response.status_code == 200
    assert not Queue.objects.exists()
    assert ordered() == []


def test_another_tenant_s_switch_cannot_be_chosen(client: Client, account: Account) -> None:
    theirs = QueueServer.objects.create(switch=make.make_switch(make.make_account()))
    data = posted(Queue(account=account, name="q@x"), account=account.pk, managed="on")
    response = client.post("/admin/queues/queue/add/", data | {"switches": [theirs.switch.pk]})
    assert response.status_code == 200
    assert not Queue.objects.exists()


def mend(client: Client, difference: Difference, action: str) -> None:
    data = {"action": action, "_selected_action": [str(difference.pk)]}
    assert client.post("/admin/queues/difference/", data).status_code == 302


def test_a_difference_is_mended_from_the_list(client: Client, account: Account) -> None:
    agent = Agent.objects.create(account=account, name="1001", managed=True, contact="user/1", wrap_up_time=5)
    difference = Difference.objects.create(
        account=account,
        switch=QueueServer.objects.get().switch,
        kind="agent",
        name="1001",
        ours={"type": "callback", "contact": "user/1", "wrap-up-time": "5"}
        | dict.fromkeys(
            ("max-no-answer", "reject-delay-time", "busy-delay-time", "no-answer-delay-time"), "0"
        ),
        theirs={"type": "callback", "contact": "user/1", "wrap-up-time": "7"}
        | dict.fromkeys(
            ("max-no-answer", "reject-delay-time", "busy-delay-time", "no-answer-delay-time"), "0"
        ),
        seen_at=timezone.now(),
    )
    page = client.get("/admin/queues/difference/").content.decode()
    assert "wrap-up-time=5" in page
    assert "wrap-up-time=7" in page
    mend(client, difference, "give_the_switch_ours")
    assert ordered() == ["agent set wrap_up_time 1001 5"]
    mend(client, difference, "take_the_switch_s")
    agent.refresh_from_db()
    assert agent.wrap_up_time == 7
    assert not Difference.objects.exists()
