"""The decision on every case of the table, and against a second implementation that is as naive as can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decide import decide
from policies.json_facts import facts_of, grants_as_json
from policies.settings import DEFAULTS, endpoint_settings

CASES = json.loads((Path(__file__).parents[1] / "data" / "recording_decisions.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    found = grants_as_json(decide(facts_of(case["call"])))
    asked = [
        {key: grant[key] for key in expected} for grant, expected in zip(found, case["expect"], strict=True)
    ]
    assert asked == case["expect"]


PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "format": st.sampled_from(["mp3", "wav"]),
        "time_limit": st.integers(5, 10800),
        "unheard-of": st.integers(),
    },
)
DIRECTION = st.dictionaries(st.sampled_from(["onnet", "offnet", "any", "on-net"]), PARAMS)
DOCUMENT = st.none() | st.dictionaries(st.sampled_from(["inbound", "outbound", "any", "sideways"]), DIRECTION)
ACCOUNT = st.none() | st.fixed_dictionaries({}, optional={"endpoint": DOCUMENT, "account": DOCUMENT})


def naive(layers: list[Any], direction: str, network: str, key: str) -> Any:
    """The rule of section 4, word for word."""
    for layer in layers:
        for place in ((direction, network), ("any", network), (direction, "any"), ("any", "any")):
            cell = ((layer or {}).get(place[0]) or {}).get(place[1]) or {}
            if key in cell:
                return cell[key]
    return DEFAULTS[key]


@given(DOCUMENT, DOCUMENT, ACCOUNT)
def test_effective_settings_follow_the_rule(device: Any, user: Any, account: Any) -> None:
    settings = endpoint_settings(device, user, account)
    layers = [device, user, (account or {}).get("endpoint")]
    for name, cell in settings.cells.items():
        direction, network = name.split(".")
        for key in DEFAULTS:
            assert cell.params[key] == naive(layers, direction, network, key)


@given(st.sampled_from(["onnet", "offnet"]), st.sampled_from(["onnet", "offnet"]), ACCOUNT)
def test_an_account_records_the_a_leg_at_most_once(from_: str, to: str, account: Any) -> None:
    grants = decide(facts_of({"from": from_, "to": to, "account": account})).grants
    document = [(account or {}).get("account")]
    inbound = naive(document, "inbound", from_, "enabled")
    outbound = naive(document, "outbound", to, "enabled")
    cells = [f"inbound.{from_}"] if inbound else [f"outbound.{to}"] if outbound else []
    assert [grant.cell for grant in grants] == cells


def test_a_device_that_sets_one_key_inherits_the_others() -> None:
    device = {"outbound": {"offnet": {"enabled": True, "time_limit": 60}}}
    user = {"outbound": {"offnet": {"format": "wav", "enabled": False}}}
    call = {"from": "onnet", "to": "offnet", "caller": {"device": device, "user": user}}
    (grant,) = decide(facts_of(call)).grants
    assert (grant.params["format"], grant.params["time_limit"]) == ("wav", 60)
    assert grant.because == "Recorded by the device's outbound.offnet, over the user's outbound.offnet."


@pytest.mark.parametrize(
    ("answer", "bridge", "start"),
    [(False, False, "now"), (True, False, "answer"), (False, True, "bridge"), (True, True, "answer")],
)
def test_when_it_starts(answer: bool, bridge: bool, start: str) -> None:
    cell = {"enabled": True, "record_on_answer": answer, "record_on_bridge": bridge}
    call = {"from": "offnet", "to": "onnet", "account": {"account": {"inbound": {"any": cell}}}}
    (grant,) = decide(facts_of(call)).grants
    assert grant.start == start


def test_a_leg_that_is_rung_starts_on_answer_whatever_it_says() -> None:
    cell = {"inbound": {"any": {"enabled": True, "record_on_bridge": True}}}
    call = {"from": "offnet", "to": "onnet", "callees": [{"device": cell}]}
    assert [grant.start for grant in decide(facts_of(call)).grants] == ["answer"]


def test_what_is_not_recorded_says_why() -> None:
    device = {"inbound": {"offnet": {"enabled": False}}}
    user = {"inbound": {"any": {"enabled": True}}}
    call = {"from": "offnet", "to": "onnet", "callees": [{"device": device, "user": user}]}
    because = [refusal.because for refusal in decide(facts_of(call)).refusals]
    account, callee = because
    assert account == "The account: nothing switches inbound.offnet on; nothing switches outbound.onnet on."
    assert callee.startswith("The callee: inbound.offnet is switched off by the device's inbound.offnet,")
    assert callee.endswith("over the user's inbound.any.")


def test_an_unknown_destination_is_waited_for() -> None:
    call = {
        "from": "onnet",
        "to": "unknown",
        "account": {"account": {"outbound": {"any": {"enabled": True}}}},
    }
    decision = decide(facts_of(call))
    assert not decision.grants
    assert [refusal.pending for refusal in decision.refusals] == [True]
