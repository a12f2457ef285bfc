"""What documents may say, and how it is told what they may not."""

from __future__ import annotations

from typing import Any

import pytest

from policies.schema import ACCOUNT_SCHEMA, ENDPOINT_SCHEMA, unsafe_urls, validate

GOOD = {
    "enabled": True,
    "format": "wav",
    "record_min_sec": 5,
    "record_on_answer": False,
    "record_on_bridge": True,
    "record_sample_rate": 16000,
    "time_limit": 60,
    "url": "https://store.example/in?x=1",
}


def cell(**params: Any) -> dict[str, Any]:
    return {"inbound": {"offnet": params}}


@pytest.mark.parametrize("direction", ["inbound", "outbound", "any"])
@pytest.mark.parametrize("network", ["onnet", "offnet", "any"])
def test_good_documents_stay_as_they_are(direction: str, network: str) -> None:
    document = {direction: {network: GOOD}}
    assert validate(document, ENDPOINT_SCHEMA) == (document, {})
    wrapped = {"account": document, "endpoint": document}
    assert validate(wrapped, ACCOUNT_SCHEMA) == (wrapped, {})


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ({"enabled": "true"}, {"enabled": True}),
        ({"enabled": "false"}, {"enabled": False}),
        ({"time_limit": "60"}, {"time_limit": 60}),
        ({"format": "mp3"}, {"format": "mp3"}),
    ],
)
def test_texts_are_taken_for_what_they_say(written: Any, stored: Any) -> None:
    assert validate(cell(**written), ENDPOINT_SCHEMA) == (cell(**stored), {})


@pytest.mark.parametrize(
    ("params", "rule", "facts"),
    [
        ({"enabled": 1}, "type", {"target": "boolean", "value": 1}),
        ({"enabled": "yes"}, "type", {"target": "boolean", "value": "yes"}),
        ({"enabled": "on"}, "type", {"value": "on"}),
        ({"enabled": "True"}, "type", {"value": "True"}),
        ({"enabled": None}, "type", {"value": None}),
        ({"time_limit": True}, "type", {"target": "integer", "value": True}),
        ({"time_limit": 60.0}, "type", {"value": 60.0}),
        ({"time_limit": "60.5"}, "type", {"value": "60.5"}),
        ({"time_limit": "٦٠"}, "type", {"value": "٦٠"}),
        ({"time_limit": 20000}, "maximum", {"target": 10800, "value": 20000}),
        ({"time_limit": 4}, "minimum", {"target": 5, "value": 4}),
        ({"record_min_sec": -1}, "minimum", {"target": 0, "value": -1}),
        ({"format": "ogg"}, "enum", {"target": ["mp3", "wav"], "value": "ogg"}),
        ({"format": "mp3\n"}, "enum", {"value": "mp3\n"}),
        ({"url": "gopher://store.example"}, "format", {"value": "gopher://store.example"}),
        ({"url": "http://store.example/\r\nX: y"}, "format", {}),
        ({"url": 7}, "type", {"target": "string", "value": 7}),
        ({"volume": 3}, "additionalProperties", {"value": 3}),
    ],
)
def test_rules_that_are_broken(params: Any, rule: str, facts: Any) -> None:
    _, problems = validate(cell(**params), ENDPOINT_SCHEMA)
    (name,) = params
    told = problems[f"call_recording.inbound.offnet.{name}"][rule]
    assert list(problems) == [f"call_recording.inbound.offnet.{name}"]
    assert {key: told[key] for key in facts} == facts
    assert told["message"]


@pytest.mark.parametrize(
    ("document", "schema", "path"),
    [
        ({"sideways": {}}, ENDPOINT_SCHEMA, "sideways"),
        ({"inbound": {"on-net": {}}}, ENDPOINT_SCHEMA, "inbound.on-net"),
        ({"account": {"inbound": {}}}, ENDPOINT_SCHEMA, "account"),
        ({"inbound": {}}, ACCOUNT_SCHEMA, "inbound"),
        ({"endpoint": {"inbound": {"any": {"x": 1}}}}, ACCOUNT_SCHEMA, "endpoint.inbound.any.x"),
    ],
)
def test_unknown_keys_at_each_level(document: Any, schema: Any, path: str) -> None:
    _, problems = validate(document, schema)
    assert list(problems) == [f"call_recording.{path}"]
    assert list(problems[f"call_recording.{path}"]) == ["additionalProperties"]


def test_every_broken_rule_is_told_at_once() -> None:
    document = {"inbound": {"onnet": {"enabled": 1, "time_limit": 1}}, "sideways": 1}
    _, problems = validate(document, ENDPOINT_SCHEMA)
    assert set(problems) == {
        "call_recording.inbound.onnet.enabled",
        "call_recording.inbound.onnet.time_limit",
        "call_recording.sideways",
    }


def test_urls_into_the_own_network_are_told_where_they_stand() -> None:
    document = {"endpoint": {"any": {"any": {"url": "http://169.254.169.254/latest"}}}}
    problems = unsafe_urls(document)
    assert list(problems) == ["call_recording.endpoint.any.any.url"]
    assert list(problems["call_recording.endpoint.any.any.url"]) == ["format"]
    assert unsafe_urls({"any": {"any": {"url": "http://93.184.215.14/"}}}) == {}


def test_a_name_without_an_address_is_looked_up_again_before_delivery() -> None:
    assert unsafe_urls(cell(url="https://nothing.invalid/")) == {}
