from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from switch import commands
from switch.commands import AgentStatus, Command, Reply, ReplyKind
from switch.errors import UnsafeValue

if TYPE_CHECKING:
    from collections.abc import Callable

LEG = "4a6b4d3b-d958-4eee-b2bd-7d8dbb1ff62f"
PATH = "/var/lib/freeswitch/recordings/2024/a_1.wav"
ARMED_LINE = re.compile(
    r"uuid_setvar [A-Za-z0-9_-]+ execute_on_answer_ccportal"
    r" record_session /[A-Za-z0-9_./-]+ \+[0-9]+( \{[A-Za-z0-9_]+=[A-Za-z0-9_.-]+\})?"
)
HOSTILE = [
    "a\nb",
    "a\rb",
    "a\0b",
    "a b",
    "\ud800",
    "a'b",
    'a"b',
    "${system(echo PWNED)}",
    "$${default_password}",
    "{rid=1}",
    "a}b",
    "a;b",
    "a,b",
    "a|b",
    "a`b",
    "a\\b",
    "a%0Ab",
    "",
    "녹음",
    "a" * 2000,
]
VALUES = st.one_of(
    st.sampled_from(HOSTILE), st.text(), st.from_regex(r"[A-Za-z0-9_./-]{1,40}", fullmatch=True)
)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (commands.start_recording(LEG, PATH, 3600), f"uuid_record {LEG} start {PATH} 3600"),
        (
            commands.start_recording(LEG, PATH, 3600, {"rid": "r-1", "take": "2"}),
            f"uuid_record {LEG} start {PATH} 3600 {{rid=r-1,take=2}}",
        ),
        (commands.stop_recording(LEG, PATH), f"uuid_record {LEG} stop {PATH}"),
        (commands.stop_all_recordings(LEG), f"uuid_record {LEG} stop all"),
        (commands.mask_recording(LEG, PATH), f"uuid_record {LEG} mask {PATH}"),
        (commands.unmask_recording(LEG, PATH), f"uuid_record {LEG} unmask {PATH}"),
        (commands.mask_recording(LEG, "/rec/a b 녹음.wav"), f"uuid_record {LEG} mask '/rec/a b 녹음.wav'"),
        (
            commands.arm_recording(LEG, PATH, 3600, {"rid": "r-1"}),
            f"uuid_setvar {LEG} execute_on_answer_ccportal record_session {PATH} +3600 {{rid=r-1}}",
        ),
        (commands.disarm_recording(LEG), f"uuid_setvar {LEG} execute_on_answer_ccportal"),
        (
            commands.set_variables(LEG, {"RECORD_STEREO": "true", "record_sample_rate": "16000"}),
            f"uuid_setvar_multi {LEG} RECORD_STEREO=true;record_sample_rate=16000",
        ),
        (
            commands.set_agent_status("1001@default", AgentStatus.ON_DEMAND),
            "callcenter_config agent set status 1001@default 'Available (On Demand)'",
        ),
        (commands.show_channels(), "show channels as json"),
        (commands.dump_channel(LEG), f"uuid_dump {LEG} json"),
        (commands.list_recordings(LEG), f"uuid_buglist {LEG}"),
    ],
)
def test_lines(command: Command, line: str) -> None:
    assert command == Command(line, repeatable=True)


@pytest.mark.parametrize(
    "build",
    [
        lambda value: commands.start_recording(value, PATH),
        lambda value: commands.start_recording(LEG, f"/rec/{value}.wav"),
        lambda value: commands.start_recording(LEG, PATH, tags={"rid": value}),
        lambda value: commands.start_recording(LEG, PATH, tags={value: "1"}),
        lambda value: commands.arm_recording(value, PATH),
        lambda value: commands.arm_recording(LEG, f"/rec/{value}.wav"),
        lambda value: commands.arm_recording(LEG, PATH, tags={"rid": value}),
        lambda value: commands.disarm_recording(value),
        lambda value: commands.set_variables(LEG, {"x": value}),
        lambda value: commands.set_variables(LEG, {value: "x"}),
        lambda value: commands.set_variables(value, {"x": "x"}),
        lambda value: commands.set_agent_status(value, AgentStatus.ON_BREAK),
        lambda value: commands.dump_channel(value),
        lambda value: commands.list_recordings(value),
        lambda value: commands.stop_all_recordings(value),
    ],
)
@pytest.mark.parametrize("value", [value for value in HOSTILE if value])
def test_hostile_values_are_refused(build: Callable[[str], Command], value: str) -> None:
    with pytest.raises(UnsafeValue):
        build(value)


@pytest.mark.parametrize(
    "build", [commands.stop_recording, commands.mask_recording, commands.unmask_recording]
)
@pytest.mark.parametrize(
    "path",
    [
        "{/a.wav",
        "{a=b}/a.wav",
        "/a{b.wav",
        "/a\nb.wav",
        "/a\0.wav",
        "/a'b.wav",
        '/a"b.wav',
        "/${uuid}.wav",
        "relative.wav",
        "",
        "/a.wav ",
        "/a\\nb.wav",
        "/\ud800.wav",
        "/a|b.wav",
        "/" + "a" * 1000,
        "/a\u2028b.wav",
    ],
)
def test_hostile_paths_of_others_are_refused(build: Callable[[str, str], Command], path: str) -> None:
    with pytest.raises(UnsafeValue):
        build(LEG, path)


@pytest.mark.parametrize(
    "path",
    [
        "{/a.wav",
        "a.wav",
        "/a/../b.wav",
        "/a",
        "/a.",
        "/.wav",
        "/a.WAV",
        f"/{'a' * 300}.wav",
        "/a b.wav",
        "/a.wav/",
    ],
)
def test_our_own_paths_are_plain(path: str) -> None:
    with pytest.raises(UnsafeValue):
        commands.start_recording(LEG, path)
    with pytest.raises(UnsafeValue):
        commands.arm_recording(LEG, path)


@pytest.mark.parametrize(
    "name", ["execute_on_answer", "EXECUTE_ON_answer_x", "api_on_answer", "api_hangup_hook"]
)
def test_a_variable_that_the_switch_would_run_is_refused(name: str) -> None:
    with pytest.raises(UnsafeValue):
        commands.set_variables(LEG, {name: "x"})


@pytest.mark.parametrize("limit", [0, -1, 10**9])
def test_a_limit_has_bounds(limit: int) -> None:
    with pytest.raises(UnsafeValue):
        commands.start_recording(LEG, PATH, limit)


@pytest.mark.parametrize("number", [0, 65])
def test_the_number_of_variables_has_bounds(number: int) -> None:
    with pytest.raises(UnsafeValue):
        commands.set_variables(LEG, {f"v{place}": "x" for place in range(number)})


def test_a_leg_is_not_an_option() -> None:
    with pytest.raises(UnsafeValue):
        commands.dump_channel("-bleg")


def test_an_error_shows_what_was_wrong_without_control_characters() -> None:
    with pytest.raises(UnsafeValue) as caught:
        commands.dump_channel("a\nb\x1b[31m")
    assert str(caught.value).isprintable()
    assert caught.value.permanent


@given(leg=VALUES, path=VALUES, name=VALUES, value=VALUES)
@example(leg=LEG, path=PATH, name="rid", value="r-1")
def test_an_armed_line_has_nothing_to_expand(leg: str, path: str, name: str, value: str) -> None:
    try:
        command = commands.arm_recording(leg, path, 60, {name: value})
    except UnsafeValue:
        return
    assert ARMED_LINE.fullmatch(command.line)


@given(leg=VALUES, path=VALUES)
@example(leg=LEG, path="/a b.wav")
def test_a_line_about_a_known_path_is_one_argument(leg: str, path: str) -> None:
    try:
        line = commands.mask_recording(leg, path).line
    except UnsafeValue:
        return
    assert line.isprintable()
    assert line.encode()
    assert line in {f"uuid_record {leg} mask {path}", f"uuid_record {leg} mask '{path}'"}
    assert (" " in path) == line.endswith("'")
    assert not set("'\"\\{}`$|") & set(leg + path)


@given(st.dictionaries(VALUES, VALUES, max_size=5))
@example({"RECORD_STEREO": "true", "record_sample_rate": "16000"})
def test_a_line_of_variables_has_one_pair_each(variables: dict[str, str]) -> None:
    try:
        line = commands.set_variables(LEG, variables).line
    except UnsafeValue:
        return
    pairs = line.removeprefix(f"uuid_setvar_multi {LEG} ").split(";")
    assert dict(pair.split("=", 1) for pair in pairs) == variables


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("+OK Success\n", Reply(ReplyKind.OK, "Success")),
        ("+OK\n", Reply(ReplyKind.OK, "")),
        ("-ERR No such channel!\n", Reply(ReplyKind.ERROR, "No such channel!")),
        ("-USAGE: <uuid> [start|stop]\n", Reply(ReplyKind.USAGE, "<uuid> [start|stop]")),
        ('{"row_count":0}', Reply(ReplyKind.DATA, '{"row_count":0}')),
        ("", Reply(ReplyKind.DATA, "")),
    ],
)
def test_replies(answer: str, reply: Reply) -> None:
    assert Reply.parse(answer) == reply
    assert reply.ok == (reply.kind in {ReplyKind.OK, ReplyKind.DATA})
