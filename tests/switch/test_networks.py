"""On-net or off-net, on every captured leg."""

from __future__ import annotations

import pytest

from switch.esl.translate import Translator
from switch.events import LegCreated
from switch.networks import NetworkRules, network_of
from tests import captures

CONFIGURED = NetworkRules(frozenset({"blueivr"}), frozenset({"blueivr"}))


def networks(name: str, rules: NetworkRules) -> list[tuple[str, str]]:
    translate = Translator().translate
    created = [
        event.channel for body in captures.bodies(name) if isinstance(event := translate(body), LegCreated)
    ]
    return [
        (
            leg.direction,
            network_of(leg.name, leg.direction, leg.profile, leg.context, leg.source, leg.variables, rules),
        )
        for leg in created
    ]


@pytest.mark.parametrize("rules", [CONFIGURED, NetworkRules()])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fail_busy", [("inbound", "onnet"), ("outbound", "offnet")]),
        ("fail_caller_cancel", [("inbound", "offnet"), ("outbound", "onnet")]),
        ("onnet_onnet_recorded", [("inbound", "onnet"), ("outbound", "onnet")]),
        ("queue_answered", [("inbound", "offnet"), ("outbound", "onnet")]),
    ],
)
def test_captured_legs(name: str, rules: NetworkRules, expected: list[tuple[str, str]]) -> None:
    assert networks(name, rules) == expected


def test_the_dialplan_has_the_last_word() -> None:
    said = {"resource_type": "offnet-origination", "sip_authorized": "true"}
    assert (
        network_of("sofia/internal/1", "inbound", "internal", "default", "mod_sofia", said, CONFIGURED)
        == "offnet"
    )


def test_unknown_is_a_value() -> None:
    assert network_of("", "inbound", "", "", "", {}, CONFIGURED) == "unknown"
    assert network_of("", "outbound", "", "", "", {}, NetworkRules()) == "unknown"
