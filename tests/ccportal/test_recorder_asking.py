"""What phones and programs ask for: nothing of it becomes part of a command."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccportal.recorder.asking import Asked, params_of
from ccportal.recorder.engine import Engine
from ccportal.recorder.orders import Answered, Give, Tell
from switch import events as ev
from switch.commands import Reply, ReplyKind
from switch.esl.translate import Translator
from tests.ccportal.recording import FOLDER, snapshot

HOSTILE = st.text() | st.sampled_from(
    ["a\r\n\r\napi shutdown", "a\x00b", "'\"", "${system(id)}", "x}{rid=1}", "..%0a", "a;b=c", "9" * 400]
)
NAMES = (
    "method",
    "label",
    "format",
    "time_limit",
    "media_name",
    "record_min_sec",
    "record_sample_rate",
    "url",
)
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


NOTES = tuple(f"uuid_setvar_multi {LEG} {name}=" for name in ("ccportal_asked", "ccportal_masked"))


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
    sent = [line for line in lines(engine) if not line.startswith(NOTES)]
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


MESSAGE = "/var/lib/freeswitch/recordings/message.wav"


def spoken(engine: Engine) -> list[dict[str, Any]]:
    """Let the dialplan's own file begin, and return the grants that are told of it."""
    engine.hear(ev.RecordingStarted(core="c", sequence=5, at=5, channel=channel(), path=MESSAGE), 5.0)
    told = [order.event for order in engine.orders() if isinstance(order, Tell)]
    return [
        grant
        for event in told
        if isinstance(event, ev.RecordingIntended) and event.path == MESSAGE
        for grant in event.grants
    ]


def from_dialplan(**headers: str) -> ev.RecordingAsked:
    body = {
        "Event-Name": "CUSTOM",
        "Event-Subclass": "ccportal::record_call",
        "Core-UUID": "c",
        "Event-Sequence": "3",
        "Event-Date-Timestamp": "1795177766000000",
        "Unique-ID": LEG,
        "Record-Action": "record_caller",
    }
    event = Translator().translate(json.dumps(body | headers).encode())
    assert isinstance(event, ev.RecordingAsked)
    return event


def test_a_caller_s_message_has_what_the_dialplan_asked_for_and_no_url() -> None:
    engine = Engine(snapshot({}))
    engine.hear(leg_created(), 1.0)
    engine.hear(
        from_dialplan(**{"Record-Method": "post", "Record-Format": "wav", "Record-Url": "http://x.example/"}),
        3.0,
    )
    (grant,) = spoken(engine)
    assert (grant["scope"], grant["kind"], grant["leg"]) == ("action", "record_caller", LEG)
    assert grant["params"] == {"enabled": True, "method": "post", "format": "wav", "time_limit": 3600}
    assert grant["because"] == "The caller's message, asked for by the dialplan or a key."


def test_a_program_may_say_where_a_caller_s_message_goes() -> None:
    engine = Engine(snapshot({}))
    engine.hear(leg_created(), 1.0)
    told = params_of({"url": "https://x.example/", "time_limit": 60, "record_on_bridge": True})
    engine.ask(Asked(LEG, "record_caller", told, "a program"), 3.0)
    (grant,) = spoken(engine)
    assert grant["params"] == {
        "enabled": True,
        "method": "put",
        "time_limit": 60,
        "url": "https://x.example/",
    }


@pytest.mark.parametrize("method", ["delete", "PUT", "${system(id)}", "put\r\n"])
def test_another_method_is_none(method: str) -> None:
    engine = Engine(snapshot({}))
    engine.hear(leg_created(), 1.0)
    engine.hear(from_dialplan(**{"Record-Method": method}), 3.0)
    (grant,) = spoken(engine)
    assert grant["params"]["method"] == "put"


def test_asking_for_a_message_serves_one_file_and_commands_nothing() -> None:
    engine = Engine(snapshot({}))
    engine.hear(leg_created(), 1.0)
    engine.hear(from_dialplan(), 3.0)
    assert lines(engine) == []
    assert len(spoken(engine)) == 1
    engine.hear(ev.RecordingStarted(core="c", sequence=6, at=6, channel=channel(), path="/another.wav"), 6.0)
    assert not [order for order in engine.orders() if isinstance(order, Tell)]


def test_a_leg_that_was_gone_before_it_could_be_armed_is_nothing_to_complain_of() -> None:
    engine = Engine(snapshot({"account": {"any": {"any": {"enabled": True}}}}))
    engine.hear(leg_created(), 1.0)
    (give,) = [order for order in engine.orders() if isinstance(order, Give)]
    for text, complaints in (("No such channel!\n-USAGE: <uuid> <var>=<value>", 0), ("Operation failed", 1)):
        engine.done(Answered(give, (Reply(ReplyKind.ERROR, text),), 2.0))
        told = [order.event for order in engine.orders() if isinstance(order, Tell)]
        assert len([event for event in told if isinstance(event, ev.RecordingRefused)]) == complaints
