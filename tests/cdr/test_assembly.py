"""Every captured call, assembled from its events alone, is what INDEX.json says it was."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from cdr.assembly import Conversation, assemble
from cdr.assembly.legs import assemble_legs
from cdr.conversations import Groups, keys_of
from switch import events as ev
from switch.esl.translate import Translator
from switch.events import Event
from switch.networks import NetworkRules
from tests import captures
from tests.captures import micro

RULES = NetworkRules(frozenset({"blueivr"}), frozenset({"blueivr"}))


def conversations(name: str, *, shuffled: int = 0) -> list[Conversation]:
    translator = Translator()
    events = [event for body in captures.bodies(name) if (event := translator.translate(body))]
    if shuffled:
        random.Random(shuffled).shuffle(events)
    groups, heard = Groups(), defaultdict(list)
    for event in events:
        if key := groups.join(keys_of(event)):
            heard[key].append(event)
    joined: dict[str, list[Event]] = defaultdict(list)
    for key, some in heard.items():
        joined[groups.find(key)] += some
    return [assemble(some, RULES) for some in joined.values()]


@pytest.mark.parametrize("name", captures.names())
def test_legs_belong_together_as_they_did(name: str) -> None:
    found = [sorted(conversation.legs) for conversation in conversations(name) if conversation.legs]
    assert sorted(found) == sorted(captures.index()[name]["conversations"])


@pytest.mark.parametrize("name", captures.names())
def test_legs_are_as_they_were(name: str) -> None:
    found = {uuid: leg for conversation in conversations(name) for uuid, leg in conversation.legs.items()}
    for leg in captures.index()[name]["legs"]:
        mine = found.pop(leg["uuid"])
        assert (mine.direction, mine.channel_name) == (leg["direction"], leg["channel"])
        assert (mine.caller_number, mine.final_destination) == (
            leg["caller_id_number"],
            leg["destination_number"],
        )
        assert mine.created == micro(leg["created"])
        assert mine.answered == micro(leg["answered"])
        assert mine.ended == micro(leg["ended"])
        assert (mine.cause, mine.billsec, mine.duration) == (
            leg["hangup_cause"],
            leg["billsec"],
            leg["duration"],
        )
    assert not found


@pytest.mark.parametrize("name", captures.names())
def test_visits_are_as_they_were(name: str) -> None:
    found = [
        (
            visit.queue,
            visit.session,
            visit.member,
            visit.caller_number,
            visit.joined,
            visit.left,
            visit.joined_epoch,
            visit.left_epoch,
            visit.cause,
            visit.cancel_reason,
            visit.answer.agent if visit.answer else "",
            visit.answer.agent_leg if visit.answer else "",
        )
        for conversation in conversations(name)
        for visit in conversation.visits
    ]
    expected = [
        (
            visit["queue"],
            visit["session"],
            visit["member"],
            visit["caller"],
            micro(visit["joined"]),
            micro(visit["left"]),
            visit["joined_epoch"],
            visit["left_epoch"],
            visit["cause"],
            visit["cancel_reason"] or "",
            visit["agent"] or "",
            visit["agent_leg"] or "",
        )
        for visit in captures.index()[name]["queue_visits"]
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", captures.names())
def test_offers_are_as_they_were(name: str) -> None:
    found = [
        (visit.session, offer.agent, offer.offered, offer.outcome, offer.answered, offer.cause, offer.ended)
        for conversation in conversations(name)
        for visit in conversation.visits
        for offer in visit.offers
    ]
    expected = [
        (
            offer["session"],
            offer["agent"],
            micro(offer["offered"]),
            offer["outcome"],
            micro(offer.get("answered")),
            offer.get("hangup_cause") or "",
            micro(offer.get("ended") or offer.get("aborted")),
        )
        for offer in captures.index()[name]["offers"]
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", captures.names())
def test_takes_are_as_they_were(name: str) -> None:
    found = [
        (
            take.leg,
            take.conference,
            take.path,
            take.started_at,
            take.stopped_at,
            take.milliseconds,
            take.cause,
        )
        for conversation in conversations(name)
        for take in conversation.takes
    ]
    expected = [
        (
            take["leg"] or "",
            take.get("conference") or "",
            take["path"],
            micro(take["started"]),
            micro(take["stopped"]),
            take["ms"],
            take.get("completion_cause") or "",
        )
        for take in captures.index()[name]["recordings"]
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", captures.names())
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_events_does_not_matter(name: str, seed: int) -> None:
    def by_first_leg(conversation: Conversation) -> list[str]:
        return sorted(conversation.legs)

    in_order = sorted(conversations(name), key=by_first_leg)
    assert sorted(conversations(name, shuffled=seed), key=by_first_leg) == in_order


@pytest.mark.parametrize(
    ("name", "direction", "outcome"),
    [
        ("queue_answered", "inbound", "answered"),
        ("queue_abandoned", "inbound", "abandoned"),
        ("queue_timeout", "inbound", "timed_out"),
        ("queue_no_agent_timeout", "inbound", "no_agent"),
        ("onnet_offnet", "outbound", "answered"),
        ("onnet_onnet_recorded", "internal", "answered"),
        ("fail_busy", "outbound", "busy"),
        ("fail_caller_cancel", "inbound", "cancelled"),
        ("fail_no_route", "inbound", "failed"),
        ("attended_transfer", "inbound", "answered"),
        ("queue_loopback", "internal", "answered"),
    ],
)
def test_a_call_in_one_line(name: str, direction: str, outcome: str) -> None:
    (call,) = [conversation.call for conversation in conversations(name) if conversation.call]
    assert (call.direction, call.outcome) == (direction, outcome)


def test_holds_are_not_talk() -> None:
    (call,) = [conversation.call for conversation in conversations("queue_hold") if conversation.call]
    assert (round(call.hold / 1e6, 1), round(call.talk / 1e6, 1)) == (3.3, 3.8)


def test_a_path_recorded_twice_is_two_takes_and_the_first_file_is_gone() -> None:
    (conversation,) = conversations("uuid_record_restart")
    again = [take for take in conversation.takes if "/re_" in take.path]
    assert [(take.number, take.overwritten) for take in again] == [(1, True), (2, False)]


def test_a_recording_asked_by_the_queue_says_so() -> None:
    (conversation,) = conversations("queue_requeue")
    assert [(take.origin, take.queue, take.agent) for take in conversation.takes] == [
        ("dialplan", "3000@default", "1001"),
        ("queue", "3001@default", "1002"),
    ]


@pytest.mark.parametrize(
    ("direction", "first", "later", "kept"),
    [
        ("outbound", {"sip_gateway_name": "GW"}, {"dialed_user": "1003"}, None),
        ("outbound", {"dialed_user": "1002"}, {"dialed_user": "1003"}, "1002"),
        ("inbound", {"user_name": "1001"}, {"dialed_user": "1003"}, "1003"),
        ("outbound", {}, {"dialed_user": "1003"}, "1003"),
    ],
)
def test_a_rung_leg_stays_that_of_whom_it_rang(
    direction: str, first: dict[str, str], later: dict[str, str], kept: str | None
) -> None:
    """A transfer rings somebody else for the leg, and the switch writes their name on it."""
    channels = [ev.Channel("leg", direction, "sofia/x/y", variables=told) for told in (first, first | later)]
    created = ev.LegCreated(core="c", sequence=1, at=1, channel=channels[0])
    ended = ev.LegEnded(core="c", sequence=2, at=2, channel=channels[1], cause="NORMAL_CLEARING")
    assert assemble_legs([created, ended], RULES)["leg"].variables.get("dialed_user") == kept
