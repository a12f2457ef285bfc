"""A replayed switch speaks as a real one does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from ccportal.demo.tenants import TENANTS
from ccportal.management.commands.replay_switch import enter_queues
from switch.errors import CloseReason, ConnectionClosed
from switch.esl.captures import CapturedEvent, load_capture
from switch.esl.connection import Address, backend
from switch.esl.frames import plain_frame, url_encode
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch, Terms, captured_tape
from switch.esl.replay_queues import ReplayQueues
from switch.esl.subscription import WHAT_MATTERS, Subscription
from switch.queue_lists import read_agents
from tests import captures

DATA = Path(captures.__file__).parent / "data" / "freeswitch"


def load(*names: str) -> list[list[CapturedEvent]]:
    return [load_capture(DATA / f"{name}.jsonl.gz") for name in names]


def background(*names: str, speed: float = 0, wait_for: int = 1, forever: bool = False) -> BackgroundSwitch:
    terms = Terms(speed=speed, wait_for=wait_for, forever=forever)
    return BackgroundSwitch(ReplaySwitch(captured_tape(iter(load(*names))), terms))


class Dialogue:
    """A raw client that reads frame by frame."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rwb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def ask(self, line: str) -> tuple[dict[str, str], bytes]:
        self.file.write(line.encode() + b"\n\n")
        self.file.flush()
        return self.read()

    def read(self) -> tuple[dict[str, str], bytes]:
        head: dict[str, str] = {}
        while line := self.file.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            head[name] = value
        return head, self.file.read(int(head.get("Content-Length", 0)))

    def sign_in(self) -> None:
        assert self.read()[0] == {"Content-Type": "auth/request"}
        assert self.ask("auth ClueCon")[0]["Reply-Text"] == "+OK accepted"


@pytest.fixture
def idle() -> Iterator[Dialogue]:
    with background("queue_answered", wait_for=99) as switch:
        dialogue = Dialogue(switch.port)
        dialogue.sign_in()
        yield dialogue
        dialogue.close()


def read_all(port: int, subscription: Subscription, name: str = "native") -> list[bytes]:
    source = backend(name)(Address("127.0.0.1", port))
    source.subscribe(subscription)
    bodies: list[bytes] = []
    with pytest.raises(ConnectionClosed) as end:  # noqa: PT012 - everything before the end is read
        while True:
            bodies += source.recv(10)
    source.close()
    assert end.value.reason is CloseReason.SHUTDOWN
    return bodies


def test_every_body_comes_byte_for_byte() -> None:
    names = [path.name.removesuffix(".jsonl.gz") for path in sorted(DATA.glob("*.jsonl.gz"))]
    with background(*names) as switch:
        assert read_all(switch.port, Subscription(("ALL",))) == [
            event.body for call in load(*names) for event in call
        ]


def test_only_what_was_asked_for_comes() -> None:
    with background("queue_answered", "conference_rec") as switch:
        bodies = [json.loads(body) for body in read_all(switch.port, WHAT_MATTERS)]
    names = {body["Event-Name"] for body in bodies}
    assert names <= {*WHAT_MATTERS.events, "CUSTOM"}
    assert {body.get("Event-Subclass") for body in bodies if body["Event-Name"] == "CUSTOM"} == {
        "callcenter::info",
        "conference::maintenance",
    }


def test_a_word_behind_custom_is_a_subclass(idle: Dialogue) -> None:
    assert idle.ask("event json CUSTOM CHANNEL_BRIDGE")[0]["Reply-Text"] == "+OK event listener enabled json"
    assert idle.ask("event json")[0]["Reply-Text"] == "-ERR no keywords supplied"
    assert idle.ask("noevents")[0]["Reply-Text"] == "+OK no longer listening for events"
    assert idle.ask("noevents")[0]["Reply-Text"] == "-ERR not listening for events"


def test_a_wrong_password_ends_the_connection() -> None:
    with background("fail_busy") as switch:
        dialogue = Dialogue(switch.port)
        dialogue.read()
        assert dialogue.ask("auth wrong")[0]["Reply-Text"] == "-ERR invalid"
        assert dialogue.read()[0]["Content-Type"] == "text/disconnect-notice"
        assert dialogue.file.read() == b""
        dialogue.close()
        assert switch.switch.commands == ["auth"]


def test_commands_before_signing_in_are_refused() -> None:
    with background("fail_busy") as switch:
        dialogue = Dialogue(switch.port)
        dialogue.read()
        assert dialogue.ask("event json ALL")[0]["Reply-Text"] == "-ERR invalid"
        dialogue.close()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("uuid_record none start /a.wav", "-ERR Cannot locate session!\n"),
        ("uuid_record none", "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"),
        ("uuid_setvar none a b", "-ERR No such channel!\n"),
        ("show channels as json", '{"row_count":0}'),
        ("nonsense at all", "-ERR nonsense Command not found!\n"),
    ],
)
def test_api_answers_without_a_call(idle: Dialogue, command: str, reply: str) -> None:
    head, body = idle.ask(f"api {command}")
    assert head["Content-Type"] == "api/response"
    assert body.decode() == reply


def test_live_legs_can_be_recorded() -> None:
    created = [event for event in load("queue_answered")[0] if event.name == "CHANNEL_CREATE"]
    tape = iter([Played(0, event) for event in created])
    with BackgroundSwitch(ReplaySwitch(tape, Terms(speed=0, forever=True))) as switch:
        dialogue = Dialogue(switch.port)
        dialogue.sign_in()
        dialogue.ask("event json CHANNEL_CREATE")
        uuids = [json.loads(dialogue.read()[1])["Unique-ID"] for _ in created]
        assert {
            row["uuid"] for row in json.loads(dialogue.ask("api show channels as json")[1])["rows"]
        } == set(uuids)

        def ask(words: str) -> bytes:
            return dialogue.ask(f"api uuid_record {uuids[0]} {words}")[1]

        assert ask("start /a.wav") == ask("start /a.wav") == ask("mask /a.wav") == b"+OK Success\n"
        assert ask("mask /b.wav") == b"-ERR Cannot mask recording session!\n"
        assert ask("start /b.WAV") == b"-ERR Cannot record session!\n"
        assert b"/a.wav" in dialogue.ask(f"api uuid_buglist {uuids[0]}")[1]
        assert ask("stop all") == b"+OK Success\n"
        assert ask("stop all") == b"-ERR Cannot stop record session!\n"
        dialogue.close()


def test_a_background_command_answers_with_an_event(idle: Dialogue) -> None:
    idle.ask("event json BACKGROUND_JOB")
    head, _ = idle.ask("bgapi uuid_setvar none a b")
    body = json.loads(idle.read()[1])
    assert head["Job-UUID"] == body["Job-UUID"]
    assert body["_body"] == "-ERR No such channel!\n"


def test_playing_waits_for_every_client() -> None:
    with background("fail_busy", wait_for=2) as switch:
        first = Dialogue(switch.port)
        first.sign_in()
        first.ask("event json ALL")
        assert switch.switch.played == 0
        assert len(read_all(switch.port, Subscription(("ALL",)))) == len(load("fail_busy")[0])
        first.close()


def test_plain_events_are_percent_encoded() -> None:
    event = next(event for event in load("queue_answered")[0] if b"DP_MATCH" in event.body)
    head, _, body = plain_frame(event.body).partition(b"\n\n")
    lines = dict(line.split(": ", 1) for line in body.decode().rstrip("\n").split("\n"))
    assert head == b"Content-Length: %d\nContent-Type: text/event-plain" % len(body)
    assert unquote(lines["variable_DP_MATCH"]) == "ARRAY::07070067777|:07070067777"
    assert unquote(lines["Event-Date-GMT"]) == json.loads(event.body)["Event-Date-GMT"]
    assert url_encode(b"a%20b c") == b"a%20b%20c"


def test_the_live_switch_lists_the_demonstration_s_queues_and_agents() -> None:
    queues = ReplayQueues()
    enter_queues(queues)
    rows = read_agents(
        queues.answer_json('{"command":"callcenter_config","data":{"arguments":"agent list"}}')
    )
    assert {row.status for row in rows} == {"Available", "On Break"}
    queue = TENANTS[0].queues[0]
    serving = {agent for name, agent in queues.tiers if name == queue.name}
    assert serving == {agent.extension for agent in TENANTS[0].team_of(queue)}
