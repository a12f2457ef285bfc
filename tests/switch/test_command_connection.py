from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from switch.commands import Command, arm_recording, set_variables, stop_all_recordings
from switch.errors import CommandLost, CommandTimeout, ConnectFailed, UnsafeValue
from switch.esl.command_connection import CommandConnection
from tests.switch.fake_switch import FakeSwitch, answer_by_default, reply_frame, response_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP = stop_all_recordings("leg-1")


@pytest.fixture
def switch() -> Iterator[FakeSwitch]:
    with FakeSwitch() as fake:
        yield fake


@pytest.fixture
def connection(switch: FakeSwitch) -> Iterator[CommandConnection]:
    with CommandConnection(switch.address) as made:
        yield made


def answer_after_dying(switch: FakeSwitch, deaths: int) -> None:
    """Let the switch hang up instead of the next answers, then answer."""
    left = iter(range(deaths))

    def answer(line: str) -> bytes:
        if line.startswith("api") and next(left, None) is not None:
            switch.hang_up()
        return answer_by_default(line)

    switch.answer = answer


def test_connects_when_needed_and_stays(switch: FakeSwitch, connection: CommandConnection) -> None:
    assert connection.send(STOP).text == "uuid_record leg-1 stop all"
    assert connection.send(STOP).ok
    assert [switch.next_line("a") for _ in range(3)] == [
        "auth ClueCon",
        *["api uuid_record leg-1 stop all"] * 2,
    ]


def test_several_commands_go_in_one_round_trip(switch: FakeSwitch, connection: CommandConnection) -> None:
    commands = [set_variables("leg-1", {"RECORD_STEREO": "true"}), arm_recording("leg-1", "/rec/a.wav", 60)]
    replies = connection.send_all(commands)
    assert [reply.text for reply in replies] == [command.line for command in commands]


def test_a_reply_can_be_an_error(switch: FakeSwitch, connection: CommandConnection) -> None:
    connection.send(STOP)
    switch.answer = lambda _: response_frame(b"-ERR Cannot locate session!\n")
    reply = connection.send(STOP)
    assert (reply.ok, reply.text) == (False, "Cannot locate session!")


def test_an_idle_connection_that_died_is_made_anew(switch: FakeSwitch, connection: CommandConnection) -> None:
    connection.api("status")
    switch.hang_up()
    assert connection.api("status").text == "status"


def test_a_repeatable_command_is_sent_once_more(switch: FakeSwitch, connection: CommandConnection) -> None:
    connection.send(STOP)
    answer_after_dying(switch, 1)
    assert connection.send(STOP).ok


def test_another_is_not(switch: FakeSwitch, connection: CommandConnection) -> None:
    connection.send(STOP)
    answer_after_dying(switch, 1)
    with pytest.raises(CommandLost):
        connection.api("originate user/1000 &park()")
    assert connection.api("status").ok


def test_a_switch_that_dies_twice_is_an_error(switch: FakeSwitch, connection: CommandConnection) -> None:
    answer_after_dying(switch, 2)
    with pytest.raises(CommandLost):
        connection.send(STOP)
    assert connection.send(STOP).ok


def test_a_late_reply_never_answers_the_next_command(
    switch: FakeSwitch, connection: CommandConnection
) -> None:
    connection.api("status")
    switch.answer = lambda line: reply_frame(b"+OK accepted") if line.startswith("auth") else b""
    with pytest.raises(CommandTimeout):
        connection.api("status", 0.05)
    switch.answer = answer_by_default
    assert connection.api("version").text == "version"


def test_no_switch_is_an_error(switch: FakeSwitch) -> None:
    with FakeSwitch() as gone:
        address = gone.address
    with pytest.raises(ConnectFailed):
        CommandConnection(address).send(STOP)


def test_an_unsafe_line_is_refused_and_the_connection_stays(
    switch: FakeSwitch, connection: CommandConnection
) -> None:
    with pytest.raises(UnsafeValue):
        connection.api("status\n\napi fsctl shutdown")
    with pytest.raises(UnsafeValue):
        connection.send_all([STOP, Command("a\rb")])
    assert connection.api("status").ok
    assert "fsctl" not in "".join(switch.lines.queue)


def test_many_threads_each_get_their_own_reply(connection: CommandConnection) -> None:
    wrong: list[str] = []

    def ask(name: str) -> None:
        wrong.extend(name for _ in range(50) if connection.api(name).text != name)

    threads = [threading.Thread(target=ask, args=(f"command{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
