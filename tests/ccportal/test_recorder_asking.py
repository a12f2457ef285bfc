"""What phones and programs ask for: nothing of it becomes part of a command."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccportal.recorder.asking import Asked, params_of
from ccportal.recorder.engine import Engine
from ccportal.recorder.orders import Give
from switch import events as ev
from tests.ccportal.recording import FOLDER, snapshot

HOSTILE = st.text() | st.sampled_from(
    ["a\r\n\r\napi shutdown", "a\x00b", "'\"", "${system(id)}", "x}{rid=1}", "..%0a", "a;b=c", "9" * 400]
)
NAMES = ("label", "format", "time_limit", "media_name", "record_min_sec", "record_sample_rate", "url")
LEG = "5738252e-64f4-4756-a494-835769898198"
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+={};, ")


def channel(uuid: str = LEG, **variables: str) -> ev.Channel:
    return ev.Channel(
        uuid, "inbound", "sofia/blueivr/x", "blueivr", "blueivr", "mod_sofia", variables=variables
    )


def leg_created(uuid: str = LEG) -> ev.LegCreated:
    return ev.LegCreated(core="c", sequence=1, at=1, channel=channel(uuid))


def leg_answered(uuid: str = LEG) -> ev.LegAnswered:
    return ev.LegAnswered(core="c", sequence=2, at=2, channel=channel(uuid))


def lines(engine: Engine) -> list[str]:
    gives = (order for order in engine.orders() if isinstance(order, Give))
    return [command.line for give in gives for command in give.commands]


@given(st.dictionaries(st.sampled_from(NAMES), HOSTILE | st.integers()), st.booleans())
def test_no_header_reaches_the_wire(told: dict[str, Any], answered: bool) -> None:
    engine = Engine(snapshot({}))
    engine.hear(leg_created(), 1.0)
    if answered:
        engine.hear(leg_answered(), 2.0)
    parameters = {name: str(value) for name, value in told.items()}
    engine.hear(
        ev.RecordingAsked(
            core="c", sequence=3, at=3, channel=channel(), action="start", parameters=parameters
        ),
        3.0,
    )
    engine.ask(Asked(LEG, "mask", params_of(told)), 4.0)
    sent = lines(engine)
    assert len(sent) == 2
    assert SAFE.issuperset("".join(sent))
    assert all(f"{FOLDER}/ccportal/" in line or "RECORD_STEREO" in line for line in sent)
    for name in ("label", "media_name", "url"):
        text = parameters.get(name, "")
        assert len(text) < 3 or "$" not in text or not any(text in line for line in sent)


@given(HOSTILE)
def test_a_leg_with_a_strange_name_is_refused_and_not_commanded(uuid: str) -> None:
    engine = Engine(snapshot({"account": {"any": {"any": {"enabled": True}}}}))
    engine.hear(leg_created(uuid or "-"), 1.0)
    assert SAFE.issuperset("".join(lines(engine)))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({}, {"time_limit": 3600}),
        ({"time_limit": "60", "label": " a\nb "}, {"time_limit": 60, "label": "a b"}),
        ({"time_limit": "4"}, {"time_limit": 3600}),
        ({"time_limit": "10801", "format": "exe"}, {"time_limit": 3600}),
        (
            {"format": "wav", "record_sample_rate": 8000},
            {"time_limit": 3600, "format": "wav", "record_sample_rate": 8000},
        ),
        ({"time_limit": True, "record_on_answer": "yes"}, {"time_limit": 3600}),
        ({"record_on_bridge": "true"}, {"time_limit": 3600, "record_on_bridge": True}),
    ],
)
def test_parameters_are_kept_within_their_bounds(told: dict[str, object], kept: dict[str, object]) -> None:
    assert params_of(told) == kept
