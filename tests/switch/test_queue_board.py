"""The board equals the switch's own lists at each step of the captured calls, whatever was not heard."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switch import events as ev
from switch.esl.captures import CapturedEvent, label_event
from switch.esl.replay_queues import ReplayQueues
from switch.esl.translate import Translator
from switch.queue_board import Board, Caller
from switch.queue_lists import (
    ListedAgent,
    ListedMember,
    ListRefused,
    Lists,
    list_members,
    read_agents,
    read_members,
    read_queues,
    read_tiers,
)
from tests import captures

SCENARIOS = [name for name in captures.names() if name.startswith(("queue_", "agent_", "fs_shutdown"))]
LISTED = Path(captures.FREESWITCH).parent / "freeswitch-control" / "queue_list_members.txt"
ANSWERING = 200_000
translate = Translator().translate


def played(name: str) -> list[CapturedEvent]:
    """A scenario's events about queues and agents."""
    return [
        event for event in map(label_event, captures.bodies(name)) if event.subclass == "callcenter::info"
    ]


def lists_of(switch: ReplayQueues) -> Lists:
    """The switch's lists, asked for and read as from a real one."""

    def ask(what: str, **data: str) -> str:
        return switch.answer_json(
            json.dumps({"command": "callcenter_config", "data": {"arguments": what, **data}})
        )

    queues = read_queues(ask("queue list"))
    members = [row for queue in queues for row in read_members(ask("queue list members", queue_name=queue))]
    return Lists(tuple(members), tuple(read_agents(ask("agent list"))), tuple(read_tiers(ask("tier list"))))


def shown(board: Board) -> tuple[list[Any], list[Any]]:
    callers = [(one.queue, one.member, one.session, one.number, one.ringing) for one in board.callers()]
    return sorted(callers), [(one.name, one.status, one.state) for one in board.agents() if one.status]


def listed(switch: ReplayQueues, board: Board) -> tuple[list[Any], list[Any]]:
    """What the switch's lists say, of agents that were heard of; its default status is no news."""
    callers = [
        (
            row["queue"],
            row["uuid"],
            row["session_uuid"],
            row["cid_number"],
            (row["serving_agent"],) if row["state"] == "Trying" else (),
        )
        for row in switch.members.values()
        if row["state"] in ("Waiting", "Trying")
    ]
    heard = {one.name for one in board.agents() if one.status}
    agents = [
        (name, row["status"], row["state"]) for name, row in sorted(switch.agents.items()) if name in heard
    ]
    return sorted(callers), agents


def state_defaulted(pair: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    """An agent of whom no state was heard yet is in the one that all begin with."""
    return pair[0], [(name, status, state or "Waiting") for name, status, state in pair[1]]


def hear(board: Board, event: CapturedEvent) -> ev.Event | None:
    told = translate(event.body)
    if told is not None:
        board.hear(told)
    return told


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_board_is_what_the_switch_lists_at_every_step(name: str) -> None:
    switch, board = ReplayQueues(), Board()
    for event in played(name):
        switch.follow(event)
        hear(board, event)
        assert state_defaulted(shown(board)) == listed(switch, board)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("cut", [(0.0, 0.5), (0.25, 0.75), (0.5, 1.0)], ids=["first", "middle", "last"])
def test_a_board_that_did_not_hear_half_of_it_is_right_from_the_first_lists_on(
    name: str, cut: tuple[float, float]
) -> None:
    switch, board = ReplayQueues(), Board()
    events = played(name)
    begin, end = (int(len(events) * part) for part in cut)
    for number, event in enumerate(events):
        switch.follow(event)
        if not begin <= number < end:
            hear(board, event)
        if number == end - 1:
            board.correct(lists_of(switch), event.at)
        if not begin <= number < end - 1:
            assert state_defaulted(shown(board)) == listed(switch, board)


def truth(name: str) -> tuple[list[tuple[int, int, str, str]], dict[tuple[str, str], list[tuple[int, str]]]]:
    """What a scenario was: waits (from, to, queue, member), and each agent's values from moments on."""
    told = captures.index()[name]
    waits = []
    for visit in told["queue_visits"]:
        answers = [
            captures.micro(offer["answered"])
            for offer in told["offers"]
            if offer["session"] == visit["session"]
            and offer["queue"] == visit["queue"]
            and offer.get("answered")
        ]
        until = min([*answers, captures.micro(visit["left"])])
        waits.append((captures.micro(visit["joined"]), until, visit["queue"], visit["member"]))
    values: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for change in told["agent_changes"]:
        kind = "status" if "status" in change else "state"
        values.setdefault((change["agent"], kind), []).append((captures.micro(change["at"]), change[kind]))
    return waits, values


def moments(name: str) -> Iterator[int]:
    """Moments between what happened, none while an answer is under way."""
    waits, values = truth(name)
    at = sorted({moment for begin, end, *_ in waits for moment in (begin, end)}
                | {moment for some in values.values() for moment, _ in some})  # fmt: skip
    for before, after in zip(at, [*at[1:], at[-1] + 1_000_000], strict=True):
        if after - before > 2 * ANSWERING:
            yield before + ANSWERING


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_board_is_what_the_call_was(name: str) -> None:
    waits, values = truth(name)
    board, events = Board(), played(name)
    for moment in moments(name):
        while events and events[0].at <= moment:
            hear(board, events.pop(0))
        assert {(one.queue, one.member) for one in board.callers()} == {
            (queue, member) for begin, end, queue, member in waits if begin <= moment < end
        }
        agents = {one.name: one for one in board.agents()}
        for (agent, kind), changes in values.items():
            past = [(at, value) for at, value in changes if at <= moment]
            if past:
                known = agents[agent]
                assert (known.status if kind == "status" else known.state) == past[-1][1]


@pytest.mark.parametrize("name", SCENARIOS)
def test_late_and_doubled_events_make_the_same_board(name: str) -> None:
    events = [told for event in played(name) if (told := translate(event.body))]
    orderly, shuffled = Board(), Board()
    for event in events:
        orderly.hear(event)
    mixed = events * 2
    random.Random(name).shuffle(mixed)
    for event in mixed:
        shuffled.hear(event)
    assert shuffled.callers() == orderly.callers()
    assert [(one.name, one.status, one.state) for one in shuffled.agents()] == [
        (one.name, one.status, one.state) for one in orderly.agents()
    ]


def joined(member: str = "m1", at: int = 5_000_000, **more: Any) -> ev.QueueJoined:
    return ev.QueueJoined(
        core="c", sequence=more.pop("sequence", 1), at=at, queue="3000@default", member=member, session="s1",
        caller_number="01058400500", **more,
    )  # fmt: skip


def gave_up() -> ev.QueueLeft:
    return ev.QueueLeft(
        core="c", sequence=2, at=6_000_000, queue="3000@default", member="m1", session="s1", cause="Cancel"
    )


def test_a_caller_told_of_just_before_the_list_has_them_stays() -> None:
    board, event = Board(), joined()
    board.hear(event)
    board.correct(Lists(), 5_001_000, heard_since=[event])
    assert [one.member for one in board.callers()] == ["m1"]


def test_who_left_while_the_lists_were_asked_for_does_not_come_back() -> None:
    board = Board()
    board.hear(joined())
    board.hear(gave_up())
    board.correct(Lists(members=(ListedMember("m1", "s1", "3000@default", state="Waiting"),)), 6_000_001)
    assert board.callers() == []


def test_an_old_event_told_twice_does_not_bring_back_who_is_missing() -> None:
    board = Board()
    board.hear(joined())
    board.correct(Lists(), 60_000_000)
    board.hear(joined())
    assert board.callers() == []


def test_a_caller_of_the_list_waits_since_the_second_they_joined() -> None:
    board = Board()
    row = ListedMember("m1", "s1", "3000@default", "0105", "Kim", joined_epoch=7, state="Waiting")
    board.correct(Lists(members=(row,)), 9_000_000)
    assert board.callers() == [Caller("3000@default", "m1", "s1", "0105", "Kim", 7_000_000)]


def test_a_status_that_only_the_list_tells_is_a_missed_change() -> None:
    board = Board()
    board.hear(
        ev.AgentChanged(core="c", sequence=1, at=5_000_000, agent="1001", kind="status", value="Available")
    )
    missed = board.correct(
        Lists(agents=(ListedAgent("1001", "Logged Out", "Waiting", last_status_change=8),)), 9_000_000
    )
    assert [(one.agent, one.kind, one.value, one.at) for one in missed] == [
        ("1001", "status", "Logged Out", 8_000_000)
    ]
    assert board.agents()[0].status_since == 8_000_000


def test_wrap_up_lasts_as_long_as_the_agent_has_it() -> None:
    board = Board()
    board.correct(Lists(agents=(ListedAgent("1001", "Available", "Waiting", wrap_up_time=10),)), 1_000_000)
    for number, state in enumerate(("Receiving", "In a queue call", "Waiting"), 2):
        at = number * 1_000_000
        board.hear(ev.AgentChanged(core="c", sequence=number, at=at, agent="1001", kind="state", value=state))
    assert board.agents()[0].wrap_up_until == 14_000_000


def test_passages_of_long_ago_are_forgotten() -> None:
    board = Board()
    board.hear(joined())
    board.hear(gave_up())
    board.hear(joined("m2", 600_000_000))
    board.tidy()
    assert list(board._passages) == [("m2", "s1")]


def test_a_captured_list_has_one_who_waits_and_one_who_talks() -> None:
    header, *rows = [line.split("|") for line in LISTED.read_text().splitlines()[:-1]]
    told = [dict(zip(header, row, strict=True)) for row in rows]
    reply = json.dumps({"status": "success", "response": told})
    board = Board()
    board.correct(Lists(members=tuple(read_members(reply))), 1795182130_000_000)
    assert [(one.number, one.joined) for one in board.callers()] == [("01077778888", 1795182123_000_000)]
    agent = ListedAgent("1001", "Available", "In a queue call", last_bridge_start=1795182120)
    board.correct(Lists(tuple(read_members(reply)), (agent,)), 1795182130_000_000)
    assert [(one.name, one.number) for one in board.agents()] == [("1001", "01058400500")]


@pytest.mark.parametrize("reply", ["-ERR json Command not found!", '{"status":"error"}', "{}", "[1]", ""])
def test_what_is_no_list_is_refused(reply: str) -> None:
    with pytest.raises(ListRefused):
        read_members(reply)


def test_a_queue_is_named_in_the_command_as_one_line_of_json() -> None:
    line = list_members('3000@default"\u00e9').line
    assert msgspec.json.decode(line.removeprefix("json "))["data"]["queue_name"] == '3000@default"\u00e9'
