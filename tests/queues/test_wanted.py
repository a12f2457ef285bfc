"""What switches are given: the module's own sample, whose queues, and nothing that breaks the answer."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from accounts.models import Account
from queues.models import Agent, Queue, QueueServer, Tier
from queues.wanted import to_write, wanted
from switch.callcenter_conf import Configuration, read_configuration
from switch.switch_xml import callcenter_lines, document
from tests import captures
from tests import factories as make

SAMPLE = (captures.FREESWITCH / "callcenter" / "sample.conf.xml").read_text()
COMMENTED = re.compile(r"<!--\s*(<(?:agent|tier) [^>]*>)\s*-->")
SAMPLE_QUEUE = {
    "strategy": "longest-idle-agent",
    "moh_sound": "local_stream://moh",
    "time_base_score": "system",
    "max_wait_time_with_no_agent_time_reached": 5,
    "tier_rule_wait_second": 300,
    "tier_rule_wait_multiply_level": True,
    "tier_rule_no_agent_no_wait": False,
}
HOSTILE = [
    "$${default_password}",
    "$$${default_password}",
    '<X-PRE-PROCESS cmd="exec" data="id"/>',
    "x-pre-process",
    "<?xml version='1.0'?>",
    '<include file="/etc/passwd">',
    '"/><agent name="evil" status="Available"/>',
    "--><!--",
    "a\nb\r\tc",
    "${system(id)}",
    "%n%s%41",
    "&amp;&#36;",
    "녹음 '\"",
]


def serve(account: Account | None = None, **fields: Any) -> QueueServer:
    return QueueServer.objects.create(switch=make.make_switch(account), **fields)


def rendered(configuration: Configuration) -> str:
    return document("configuration", callcenter_lines(to_write(configuration)))


def as_values(element: ET.Element) -> Any:
    return element.tag, dict(element.attrib), [as_values(child) for child in element]


@pytest.mark.django_db
def test_the_same_settings_give_the_module_s_own_sample() -> None:
    """But for the hold music, which is a variable there, and for the status, which would log agents out."""
    account = make.make_account()
    queue = Queue.objects.create(account=account, name="support@default", managed=True, **SAMPLE_QUEUE)
    agent = Agent.objects.create(
        account=account,
        name="1000@default",
        managed=True,
        contact="[leg_timeout=10]user/1000@default",
        max_no_answer=3,
        wrap_up_time=10,
        reject_delay_time=10,
        busy_delay_time=60,
    )
    Tier.objects.create(queue=queue, agent=agent)
    sample = ET.fromstring(COMMENTED.sub(r"\1", SAMPLE).replace("$${hold_music}", "local_stream://moh"))
    (theirs,) = sample.iter("agent")
    del theirs.attrib["status"]
    theirs.set("no-answer-delay-time", "0")
    (ours,) = ET.fromstring(rendered(wanted(serve())).encode()).iter("configuration")
    assert as_values(ours) == as_values(sample)


def test_no_agent_is_given_a_status() -> None:
    configuration = Configuration(agents={"a": {"type": "callback", "status": "Logged Out"}})
    assert "status" not in rendered(configuration).lower()


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_breaks_the_answer(value: str) -> None:
    """What is read back is what was written, and no line is one that the switch would take for its own."""
    configuration = Configuration(
        queues={value: {"moh-sound": value}},
        agents={value: {"type": "callback", "contact": value}},
        tiers={(value, value): {"level": value}},
        settings={"dbname": value},
    )
    text = rendered(configuration)
    assert read_configuration(text) == configuration
    lines = text.split("\n")
    assert lines[0].startswith("<?xml")
    for line in lines[1:]:
        assert not re.search(r"\$\$\{|x-pre-process|<\?|<include", line, re.IGNORECASE)
        assert line.count("<") <= 1


def test_what_xml_cannot_say_is_left_out() -> None:
    text = rendered(Configuration(queues={"a\0\ud800\x1b\ufffe": {}}))
    assert list(read_configuration(text).queues) == ["a"]


@pytest.mark.django_db
def test_what_was_only_seen_is_not_served() -> None:
    account = make.make_account()
    queue, agent = make.make_queue(account, "q@x"), make.make_agent(account, "a")
    Tier.objects.create(queue=queue, agent=agent)
    assert wanted(serve()) == Configuration()


@pytest.mark.django_db
def test_a_switch_has_the_queues_of_its_own_accounts() -> None:
    reseller = make.make_account()
    tenant, stranger = make.make_account(parent=reseller), make.make_account()
    for account in (reseller, tenant, stranger):
        Queue.objects.create(account=account, name=f"q@{account.name}".replace(" ", ""), managed=True)
    assert len(wanted(serve()).queues) == 3
    assert len(wanted(serve(reseller)).queues) == 2
    (name,) = wanted(serve(stranger)).queues
    assert name == f"q@{stranger.name}".replace(" ", "")


@pytest.mark.django_db
def test_a_queue_can_be_on_some_switches_only() -> None:
    here, there = serve(), serve()
    queue = Queue.objects.create(account=make.make_account(), name="q@x", managed=True)
    queue.switches.add(here.switch)
    assert list(wanted(here).queues) == ["q@x"]
    assert list(wanted(there).queues) == []


@pytest.mark.django_db
def test_one_queue_comes_with_who_serves_it() -> None:
    account = make.make_account()
    for name in ("a", "b"):
        queue = Queue.objects.create(account=account, name=f"{name}@x", managed=True)
        agent = Agent.objects.create(account=account, name=name, managed=True, contact=f"user/{name}")
        Tier.objects.create(queue=queue, agent=agent, level=2, position=3)
    found = wanted(serve(), queue="b@x")
    assert (list(found.queues), list(found.agents)) == (["b@x"], ["b"])
    assert found.tiers == {("b@x", "b"): {"level": "2", "position": "3"}}


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries: Any) -> None:
    account = make.make_account()
    queues = [Queue.objects.create(account=account, name=f"q{n}@x", managed=True) for n in range(5)]
    for n in range(20):
        agent = Agent.objects.create(account=account, name=f"a{n}", managed=True, contact="user/1")
        Tier.objects.bulk_create([Tier(queue=queue, agent=agent) for queue in queues])
    server = serve()
    with django_assert_max_num_queries(4):
        assert len(wanted(server).tiers) == 100
