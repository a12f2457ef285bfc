"""The facts of live calls, from the channels of a real switch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.live_facts import LiveCall, LiveCalls, facts_in_words
from switch import events as ev
from switch.esl.translate import Translator
from tests import captures
from tests.ccportal.recording import snapshot

CREATED = Path(__file__).parent.parent / "data" / "freeswitch" / "channel_create.json"
SIGNS: dict[str, list[dict[str, str]]] = json.loads(CREATED.read_text())


def body_of(signs: dict[str, str]) -> bytes:
    """A whole event from the signs of a captured one; ``v_`` stands for a variable."""
    named = {
        name.replace("v_", "variable_", 1) if name.startswith("v_") else name: signs[name] for name in signs
    }
    moment = {"Core-UUID": "core", "Event-Sequence": "1", "Event-Date-Timestamp": "1795181775110870"}
    return json.dumps({"Event-Name": "CHANNEL_CREATE", **moment, **named}).encode()


def uuids(name: str) -> list[str]:
    """The ids of a group's legs: the sample names the first, the others are told apart by their place."""
    legs = SIGNS[name]
    first = legs[0].get("Channel-Call-UUID", f"{name}-0")
    return [first, *(f"{name}-{place}" for place in range(1, len(legs)))]


def call_of(name: str) -> LiveCall:
    calls, known = LiveCalls(), snapshot({})
    call = LiveCall()
    loopback_b = SIGNS[name][1].get("v_other_loopback_leg_uuid", "") if len(SIGNS[name]) > 1 else ""
    for uuid, signs in zip(uuids(name), SIGNS[name], strict=True):
        own = loopback_b if signs["Channel-Name"].endswith("-b") else uuid
        event = Translator().translate(body_of(signs | {"Unique-ID": own}))
        assert isinstance(event, ev.LegCreated)
        call = calls.created(event.channel, known)
    return call


@pytest.mark.parametrize(
    ("name", "from_", "to", "caller", "callees"),
    [
        ("on-on", "onnet", "onnet", "Phone 1002", ["Phone 1001"]),
        ("on-off", "onnet", "offnet", "Phone 1002", ["unknown"]),
        ("off-on", "offnet", "onnet", "unknown", ["Phone 1001"]),
        ("off-off bridge", "offnet", "offnet", "unknown", ["unknown"]),
        ("off-off transfer", "offnet", "offnet", "unknown", ["unknown"]),
        ("off-off loopback", "offnet", "offnet", "unknown", ["unknown"]),
        ("queue", "offnet", "onnet", "unknown", ["Phone 1001"]),
        ("esl originate user", "onnet", "unknown", "unknown", ["Phone 1001"]),
        ("esl orig gw", "onnet", "offnet", "unknown", ["unknown"]),
    ],
)
def test_the_facts_of_a_captured_call(
    name: str, from_: str, to: str, caller: str, callees: list[str]
) -> None:
    facts = facts_in_words(call_of(name), snapshot({}))
    assert (facts["from"], facts["to"], facts["caller"]) == (from_, to, caller)
    assert [callee["phone"] for callee in facts["callees"]] == callees
    assert facts["forwarder"] == "unknown"


def test_the_dialplan_may_say_who_forwarded() -> None:
    calls, known = LiveCalls(), snapshot({})
    for uuid, signs in zip(uuids("off-off bridge"), SIGNS["off-off bridge"], strict=True):
        said = (
            {"variable_ccportal_forwarded_by": "1003@127.0.0.1"} if uuid != uuids("off-off bridge")[0] else {}
        )
        event = Translator().translate(body_of(signs | {"Unique-ID": uuid} | said))
        assert isinstance(event, ev.LegCreated)
        call = calls.created(event.channel, known)
    assert facts_in_words(call, known)["forwarder"] == "Phone 1003"


@pytest.mark.parametrize("name", captures.names())
def test_the_order_of_the_legs_does_not_matter(name: str) -> None:
    events = [
        event
        for body in captures.bodies(name)
        if isinstance(event := Translator().translate(body), ev.LegCreated)
    ]
    forwards, backwards = LiveCalls(), LiveCalls()
    for order, calls in ((events, forwards), (events[::-1], backwards)):
        for event in order:
            calls.created(event.channel, snapshot({}))
    groups = [{frozenset(call.legs) for call in calls.by_leg.values()} for calls in (forwards, backwards)]
    assert groups[0] == groups[1]
