"""What the recorder says to a switch that plays captured calls: recorded ones, others, and lost races."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ccportal.recorder.asking import Asked
from ccportal.recorder.takes import recording_id, recording_path
from switch import events as ev
from tests.ccportal.recording import (
    FOLDER,
    SWITCH,
    Scene,
    beside,
    calm,
    eventually,
    play,
    playing,
    snapshot,
)

ON, OFF = {"enabled": True}, {"enabled": False}
CALLS = {
    "onnet.onnet": "onnet_onnet_recorded",
    "onnet.offnet": "onnet_offnet",
    "offnet.onnet": "offnet_onnet_mask",
}
RECORDED_BY = {
    "inbound.onnet": ("onnet.onnet", "onnet.offnet"),
    "inbound.offnet": ("offnet.onnet",),
    "outbound.onnet": ("onnet.onnet", "offnet.onnet"),
    "outbound.offnet": ("onnet.offnet",),
}
MATRIX = [
    (cell, call, call in recorded)
    for cell, recorded in RECORDED_BY.items()
    for call in ("onnet.onnet", "onnet.offnet", "offnet.onnet")
]


def cell(name: str, **params: object) -> dict[str, Any]:
    direction, network = name.split(".")
    return {direction: {network: ON | params}}


def a_leg(scene: Scene) -> str:
    return str(scene.events("CHANNEL_CREATE")[0]["Unique-ID"])


def b_leg(scene: Scene) -> str:
    return str(scene.events("CHANNEL_CREATE")[1]["Unique-ID"])


def path_of(leg: str, number: int = 1) -> str:
    return recording_path(FOLDER, recording_id(SWITCH, leg, number))


@pytest.mark.parametrize(("name", "call", "recorded"), MATRIX)
def test_each_cell_of_the_account_records_its_calls_and_no_others(
    name: str, call: str, recorded: bool, tmp_path: Path
) -> None:
    scene = play(calm(CALLS[call]), snapshot({"account": cell(name)}), tmp_path, speed=6)
    leg = a_leg(scene)
    rid = recording_id(SWITCH, leg, 1)
    armed = f"uuid_setvar {leg} execute_on_answer_ccportal record_session {path_of(leg)} +10800 {{rid={rid},"
    assert any(line.startswith(armed) for line in scene.commands) is recorded
    assert [(event["Unique-ID"], event["Record-File-Path"]) for event in scene.ours] == (
        [(leg, path_of(leg))] if recorded else []
    )
    assert scene.switch.live.pre_answered == []
    (decided,) = scene.records(ev.CallDecided)[-1:]
    assert bool(decided.grants) is recorded
    assert f"{decided.facts['from']}.{decided.facts['to']}" == call


@pytest.mark.parametrize(
    ("document", "leg"),
    [
        ({"phone1001": cell("outbound.onnet")}, a_leg),
        ({"user1001": cell("outbound.onnet")}, a_leg),
        ({"phone1002": cell("inbound.onnet")}, b_leg),
        ({"user1002": cell("inbound.onnet"), "phone1002": {}}, b_leg),
        ({"user1002": cell("inbound.onnet"), "phone1002": {"inbound": {"onnet": OFF}}}, None),
        ({"phone1001": cell("outbound.offnet"), "phone1002": cell("inbound.offnet")}, None),
        ({"phone1003": cell("inbound.onnet")}, None),
    ],
)
def test_an_endpoint_records_its_own_leg(
    document: Mapping[str, dict[str, Any]], leg: Any, tmp_path: Path
) -> None:
    scene = play(calm("onnet_onnet_recorded"), snapshot(**document), tmp_path, speed=6)
    assert [event["Unique-ID"] for event in scene.ours] == ([leg(scene)] if leg else [])


def test_the_leg_is_told_how_to_record_before_it_is_armed(tmp_path: Path) -> None:
    policy = {"account": cell("inbound.onnet", record_sample_rate=8000, time_limit=60)}
    endpoint = {"phone1001": cell("outbound.onnet", time_limit=90)}
    scene = play(calm("onnet_onnet_recorded"), snapshot(policy, **endpoint), tmp_path, speed=6)
    assert scene.commands[0] == (
        f"uuid_setvar_multi {a_leg(scene)} RECORD_STEREO=true;record_sample_rate=8000;"
        "recording_follow_transfer=true;ccportal_take=1"
    )
    assert " +90 " in scene.commands[-1]
    assert len(scene.ours) == 1
    assert [grant["scope"] for grant in scene.records(ev.RecordingIntended)[-1].grants] == [
        "account",
        "caller",
    ]


def test_the_dialplan_s_settings_for_its_own_recordings_do_not_change_ours(tmp_path: Path) -> None:
    policy = {"account": cell("inbound.onnet", record_sample_rate=8000)}
    scene = play(calm("onnet_onnet_recorded"), snapshot(policy), tmp_path, speed=6)
    braces = scene.commands[-1].partition("{")[2].rstrip("}").split(",")
    assert {
        "RECORD_STEREO=true",
        "record_sample_rate=8000",
        "RECORD_MIN_SEC=0",
        "RECORD_READ_ONLY=false",
        "RECORD_FINAL_TIMEOUT_MS=0",
        "RECORD_TOGGLE_ON_REPEAT=false",
    } <= set(braces)


@pytest.mark.parametrize(
    ("document", "follows"),
    [
        ({"account": {"account": cell("inbound.onnet")}}, "true"),
        ({"phone1001": cell("outbound.onnet")}, "false"),
        ({"phone1002": cell("inbound.onnet")}, "false"),
        ({"account": {"account": cell("inbound.onnet")}, "phone1001": cell("outbound.onnet")}, "true"),
    ],
)
def test_what_a_phone_wants_recorded_does_not_follow_a_call_that_it_passes_on(
    document: dict[str, Any], follows: str, tmp_path: Path
) -> None:
    scene = play(calm("onnet_onnet_recorded"), snapshot(**document), tmp_path, speed=6)
    told = [line.partition("recording_follow_transfer=")[2].split(";")[0] for line in scene.commands]
    assert [value for value in told if value][-1] == follows


def test_what_somebody_asks_for_on_a_phone_s_recording_follows_the_call(tmp_path: Path) -> None:
    with playing(calm("onnet_onnet_recorded"), snapshot(phone1002=cell("inbound.onnet")), tmp_path) as scene:
        eventually(lambda: len(scene.ours) == 1)
        scene.recorder.ask(Asked(b_leg(scene), "start"))
        following = f"uuid_setvar_multi {b_leg(scene)} recording_follow_transfer=true"
        eventually(lambda: following in scene.commands)


def test_the_intent_is_in_the_journal_before_the_switch_is_told(tmp_path: Path) -> None:
    scene = play(
        calm("onnet_onnet_recorded"), snapshot({"account": cell("inbound.onnet")}), tmp_path, speed=6
    )
    intended = scene.records(ev.RecordingIntended)[0]
    assert (intended.path, intended.origin) == (path_of(a_leg(scene)), "policy")
    began = scene.ours[0]
    assert intended.grants[0]["because"] == "Recorded by the account's account.inbound.onnet."
    assert began["Recording-Variable-rid"] == intended.rid


def test_an_answer_that_was_read_before_the_reply_is_started_at_once(tmp_path: Path) -> None:
    policies = snapshot({"account": cell("inbound.offnet")})
    scene = play(calm("queue_answered"), policies, tmp_path, speed=6, reply_delay=0.05)
    leg = a_leg(scene)
    start = f"uuid_record {leg} start {path_of(leg)} 10800 {{rid={recording_id(SWITCH, leg, 1)},"
    assert [line.split()[0] for line in scene.commands] == ["uuid_setvar_multi", "uuid_setvar", "uuid_record"]
    assert scene.commands[-1].startswith(start)
    assert [event["Record-File-Path"] for event in scene.ours] == [path_of(leg)]


def test_a_queues_agent_is_a_callee(tmp_path: Path) -> None:
    scene = play(calm("queue_answered"), snapshot(phone1001=cell("inbound.offnet")), tmp_path, speed=6)
    assert [event["Unique-ID"] for event in scene.ours] == [b_leg(scene)]
    decided = scene.records(ev.CallDecided)[-1]
    assert decided.facts["callees"] == [{"leg": b_leg(scene), "phone": "Phone 1001", "queue": "agent"}]


def test_where_a_queue_call_goes_is_known_with_its_first_agent(tmp_path: Path) -> None:
    scene = play(calm("queue_answered"), snapshot({"account": cell("outbound.onnet")}), tmp_path, speed=6)
    assert [line.split()[0] for line in scene.commands] == ["uuid_setvar_multi", "uuid_record"]
    assert [event["Unique-ID"] for event in scene.ours] == [a_leg(scene)]


def test_a_recording_on_bridge_begins_with_the_bridge(tmp_path: Path) -> None:
    policy = {"account": cell("inbound.onnet", record_on_bridge=True)}
    scene = play(calm("onnet_onnet_recorded"), snapshot(policy), tmp_path, speed=6)
    assert [line.split()[0] for line in scene.commands] == ["uuid_setvar_multi", "uuid_record"]
    assert scene.switch.live.pre_answered == []
    assert len(scene.ours) == 1


def test_a_call_that_nobody_answers_leaves_no_recording(tmp_path: Path) -> None:
    everything = {"account": {"any": {"any": ON}}, "endpoint": {"any": {"any": ON}}}
    scene = play(calm("fail_busy"), snapshot(everything), tmp_path, speed=6)
    assert scene.commands
    assert scene.ours == []
    assert not any(line.startswith("uuid_record") for line in scene.commands)


@pytest.mark.parametrize("action", ["mask", "unmask", "stop", "start"])
def test_actions_reach_every_take_of_the_conversation(action: str, tmp_path: Path) -> None:
    policies = snapshot({"account": {"any": {"any": ON}}, "endpoint": {"any": {"any": ON}}})
    events = calm("onnet_onnet_recorded")
    with playing(events, policies, tmp_path, speed=2) as scene:
        eventually(lambda: len(scene.ours) == 2)
        leg = a_leg(scene)
        before = len(scene.commands)
        scene.recorder.ask(Asked(leg, "mask"))
        eventually(lambda: len(scene.records(ev.RecordingMasked)) == 2)
        scene.recorder.ask(Asked(leg, action, {"time_limit": 3600}))
        eventually(lambda: scene.switch.played == len(events))
    lines = sorted(line for line in scene.commands[before:] if line.startswith("uuid_record"))
    silenced = [f"uuid_record {leg} mask {path_of(leg)}" for leg in (a_leg(scene), b_leg(scene))]
    again = [f"uuid_record {leg} {action} {path_of(leg)}" for leg in (a_leg(scene), b_leg(scene))]
    assert lines == sorted(silenced + (again if action in ("mask", "unmask") else []))
    assert len(scene.ours) == 2


def test_an_action_records_a_leg_and_ends_it(tmp_path: Path) -> None:
    events = calm("onnet_onnet_recorded")
    with playing(events, snapshot({}), tmp_path, speed=1) as scene:
        eventually(lambda: len(scene.events("CHANNEL_BRIDGE")) == 1)
        leg = a_leg(scene)
        for number in (1, 2):
            scene.recorder.ask(Asked(leg, "start", {"time_limit": 60, "label": "x"}, by="a program"))
            eventually(lambda number=number: len(scene.ours) == number)  # type: ignore[misc]
            scene.recorder.ask(Asked(leg, "stop"))
            eventually(lambda number=number: len(scene.events("RECORD_STOP")) == number)  # type: ignore[misc]
        scene.recorder.ask(Asked(leg, "stop"))
        scene.recorder.ask(Asked("no-such-leg", "start"))
        scene.recorder.ask(Asked(leg, "dance"))
    assert [event["Record-File-Path"] for event in scene.ours] == [path_of(leg, 1), path_of(leg, 2)]
    assert [line.split()[2] for line in scene.commands if line.startswith("uuid_record")] == [
        "start",
        "stop",
    ] * 2
    ended = scene.records(ev.RecordingIntended)[-1]
    assert ended.origin == "action"
    assert ended.grants[0]["ended"] > 0


def test_a_second_recorder_asks_for_the_same_file(tmp_path: Path) -> None:
    policies = snapshot({"account": cell("inbound.offnet")})
    events = calm("queue_answered")
    with playing(events, policies, tmp_path, speed=2) as scene:
        eventually(lambda: len(scene.ours) == 1)
        with beside(scene, policies, tmp_path) as second:
            eventually(lambda: scene.switch.played == len(events))
        assert second.dropped == 0
    assert len({event["Record-File-Path"] for event in scene.events("RECORD_START")}) == 1


def test_what_was_not_heard_is_asked_from_the_switch(tmp_path: Path) -> None:
    """The one that records connects in the middle of the call, and again when the call is being recorded."""
    policies = snapshot({"account": cell("inbound.onnet")})
    with playing(calm("onnet_onnet_recorded"), snapshot({}), tmp_path) as scene:
        eventually(lambda: len(scene.events("CHANNEL_BRIDGE")) == 1)
        for _ in range(2):
            with beside(scene, policies, tmp_path):
                eventually(lambda: len(scene.ours) == 1)
    assert [line.split()[0] for line in scene.commands] == ["uuid_setvar_multi", "uuid_record"]
    assert [event["Record-File-Path"] for event in scene.ours] == [path_of(a_leg(scene))]
