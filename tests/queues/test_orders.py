"""Orders to a switch: placed in order, given once, answered, refused or no longer wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Switch
from ccportal.listener.clerk import LOGS_OUT, NOT_THERE, Clerk
from queues.models import SwitchOrder
from queues.orders import forget_old, place, place_status, step
from switch.errors import UnsafeValue
from switch.esl.connection import Address
from tests import factories as make
from tests.switch.fake_switch import FakeSwitch, answer_by_default, response_frame

pytestmark = pytest.mark.django_db

SERVED = '<configuration><queues><queue name="q@x"/></queues><agents>{}</agents></configuration>'


@pytest.fixture
def switch() -> Switch:
    return make.make_switch()


@pytest.fixture
def wire() -> Iterator[FakeSwitch]:
    with FakeSwitch() as fake:
        yield fake


def work(switch: Switch, address: Address, passes: int = 1) -> None:
    clerk = Clerk(switch.pk.hex, switch.name, address, pause=0)
    for _ in range(passes):
        assert clerk.step() > 0
    clerk.close()


def api_lines(wire: FakeSwitch) -> list[str]:
    lines = [wire.lines.get_nowait() for _ in range(wire.lines.qsize())]
    return [line.removeprefix("api ") for line in lines if line.startswith("api ")]


def answering(answer: str, question: str = "") -> Callable[[str], bytes]:
    def reply(line: str) -> bytes:
        if line.startswith(f"api {question}"):
            return response_frame(answer.encode())
        return answer_by_default(line)

    return reply


def test_orders_are_given_in_the_order_they_were_placed(switch: Switch, wire: FakeSwitch) -> None:
    place(
        switch, [step("add_agent", "1001", "callback"), step("set_agent_number", "1001", "wrap_up_time", 5)]
    )
    place(switch, [step("add_tier", "q@x", "1001", 1, 2)])
    work(switch, wire.address)
    assert api_lines(wire) == [
        "callcenter_config agent add 1001 callback",
        "callcenter_config agent set wrap_up_time 1001 5",
        "callcenter_config tier add q@x 1001 1 2",
    ]
    assert set(SwitchOrder.objects.values_list("state", flat=True)) == {"done"}


def test_an_order_is_given_once(switch: Switch, wire: FakeSwitch) -> None:
    place(switch, [step("remove_agent", "1001")])
    work(switch, wire.address, passes=2)
    assert len(api_lines(wire)) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("+OK\n", "done"),
        ("-ERR Agent already exist!\n", "done"),
        ("-ERR Tier already exist!\n", "done"),
        ("-ERR Agent not found!\n", "failed"),
        ("-USAGE: callcenter_config\n", "failed"),
    ],
)
def test_the_answer_is_kept(switch: Switch, wire: FakeSwitch, answer: str, state: str) -> None:
    wire.answer = answering(answer, "callcenter_config")
    (order,) = place(switch, [step("add_agent", "1001", "callback")])
    work(switch, wire.address)
    order.refresh_from_db()
    assert (order.state, order.answered_at is not None) == (state, True)
    assert order.answer in answer


def test_a_switch_that_is_away_is_told_when_it_is_back(switch: Switch) -> None:
    (order,) = place(switch, [step("remove_agent", "1001")])
    with FakeSwitch() as gone:
        nowhere = gone.address
    work(switch, nowhere)
    order.refresh_from_db()
    assert order.state == "waiting"
    assert "not there" in order.answer
    with FakeSwitch() as wire:
        work(switch, wire.address)
    order.refresh_from_db()
    assert order.state == "done"


def test_what_nobody_wants_any_more_is_not_given(switch: Switch, wire: FakeSwitch) -> None:
    order = place_status(switch, "1001", "On Break")
    SwitchOrder.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    work(switch, wire.address)
    order.refresh_from_db()
    assert (order.state, api_lines(wire)) == ("expired", [])


@pytest.mark.parametrize(
    ("configuration", "answer"),
    [
        ("-ERR can't find the section\n", NOT_THERE),
        ("<configuration><queues/></configuration>", NOT_THERE),
        ("<!DOCTYPE x [<!ENTITY y 'z'>]><configuration/>", NOT_THERE),
        (SERVED.format('<agent name="a" status="Logged Out"/>'), LOGS_OUT),
    ],
    ids=["none", "without the queue", "with entities", "with a status"],
)
@pytest.mark.parametrize("kind", ["load_queue", "reload_queue"])
def test_a_queue_is_never_read_from_what_would_lose_it(
    switch: Switch, wire: FakeSwitch, configuration: str, answer: str, kind: str
) -> None:
    wire.answer = answering(configuration, "xml_locate")
    (order,) = place(switch, [step(kind, "q@x")])
    work(switch, wire.address)
    order.refresh_from_db()
    assert (order.state, order.answer) == ("failed", answer)
    assert not any(line.startswith("callcenter_config") for line in api_lines(wire))


def test_a_queue_is_read_from_what_has_it(switch: Switch, wire: FakeSwitch) -> None:
    wire.answer = answering(SERVED.format('<agent name="a" contact="user/a"/>'), "xml_locate")
    place(switch, [step("reload_queue", "q@x")])
    work(switch, wire.address)
    assert api_lines(wire)[-1] == "callcenter_config queue reload q@x"


@pytest.mark.parametrize("name", ["a b", "a\nb", "a'b", 'a"b', "a\0", "", "a" * 129, "a;b", "${x}"])
def test_nothing_unsafe_is_placed(switch: Switch, name: str) -> None:
    with pytest.raises(UnsafeValue):
        place(switch, [step("remove_agent", "1001"), step("remove_agent", name)])
    assert not SwitchOrder.objects.exists()


def test_an_order_of_unknown_kind_stops_nothing_behind_it(switch: Switch, wire: FakeSwitch) -> None:
    SwitchOrder.objects.create(switch=switch, number=1, kind="dance", arguments=["1001"])
    place(switch, [step("remove_agent", "1001")])
    work(switch, wire.address)
    states = list(SwitchOrder.objects.order_by("number").values_list("state", flat=True))
    assert states == ["failed", "done"]


def test_old_orders_are_forgotten_but_the_count_goes_on(switch: Switch, wire: FakeSwitch) -> None:
    place(switch, [step("remove_agent", "1"), step("remove_agent", "2")])
    work(switch, wire.address)
    SwitchOrder.objects.update(asked_at=timezone.now() - timedelta(days=40))
    assert forget_old(switch.pk) == 1
    (order,) = place(switch, [step("remove_agent", "3")])
    assert order.number == 3
