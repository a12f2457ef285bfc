"""A captured call of an Asterisk is the call that it was, from whatever told of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdr.assembly import Conversation, assemble
from switch.events import MICROSECONDS
from switch.networks import NetworkRules
from tests import asterisk_captures as captured

RULES = NetworkRules()


@dataclass(frozen=True)
class Truth:
    """What a call was; ``by_cdr`` is what its CDR rows alone can say of the outcome."""

    outcome: str
    dialed: str
    talk: int
    duration: int
    caller: str = "+74951234567"
    by_cdr: str = ""
    queue: str = ""
    agent: str = ""


TRUTHS = {
    "agi_live_hangup": Truth("answered", "190", 0, 3),
    "answer": Truth("answered", "100", 3, 4),
    "blind_transfer": Truth("answered", "161", 6, 9),
    "busy": Truth("busy", "101", 0, 0),
    "cancel": Truth("cancelled", "103", 0, 2, by_cdr="no_answer"),
    "cid_newline_from_network": Truth("answered", "172", 1, 2, "79161234567"),
    "cid_utf8": Truth("answered", "170", 1, 2, "79161234567"),
    "cid_utf8_cut": Truth("answered", "170", 1, 2, "79161234567"),
    "congestion": Truth("congestion", "104", 0, 0),
    "hangup_handler": Truth("answered", "191", 1, 2),
    "noanswer": Truth("no_answer", "102", 0, 4),
    "queue_abandoned": Truth("abandoned", "151", 0, 3, queue="nobody"),
    "queue_answered": Truth("answered", "150", 7, 9, queue="support", agent="Иван Петров"),
    "rec_path_bad": Truth("answered", "181", 1, 2),
    "restart_ignoredial__answer": Truth("answered", "100", 3, 4),
    "restart_ignoredial__busy": Truth("busy", "101", 0, 0),
    "restart_ignoredial__noanswer": Truth("no_answer", "102", 0, 4),
    "restart_ignoredial__queue_answered": Truth(
        "answered", "150", 7, 9, queue="support", agent="Иван Петров"
    ),
}


def test_every_capture_has_a_truth() -> None:
    assert sorted(TRUTHS) == captured.names()


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_all_sources_together_give_the_call_that_it_was(name: str) -> None:
    truth, found = TRUTHS[name], assemble(captured.everything(name), RULES)
    call = found.call
    assert call is not None
    assert (call.outcome, call.root.first_caller_number) == (truth.outcome, truth.caller)
    assert (call.root.destination, call.talk // MICROSECONDS) == (truth.dialed, truth.talk)
    assert (call.root.duration, call.queue, call.agent) == (truth.duration, truth.queue, truth.agent)
    assert call.direction == "inbound"
    assert [take.path.rsplit("/", 1)[-1] for take in found.takes] == [f"{call.root.uuid}.wav"]


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_fastagi_alone_tells_all_but_what_was_dialled(name: str) -> None:
    truth, call = TRUTHS[name], assemble(captured.reports(name), RULES).call
    assert call is not None
    assert (call.outcome, call.root.first_caller_number) == (truth.outcome, truth.caller)
    assert call.talk // MICROSECONDS == (7 if name == "blind_transfer" else truth.talk)
    assert (call.queue, call.agent) == (truth.queue, truth.agent)
    assert abs((call.ended - call.started) // MICROSECONDS - truth.duration) <= 1


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_cdr_rows_alone_tell_what_they_can(name: str) -> None:
    truth, call = TRUTHS[name], assemble(captured.rows(name), RULES).call
    assert call is not None
    assert (call.outcome, call.root.first_caller_number) == (truth.by_cdr or truth.outcome, truth.caller)
    waited = 2 if truth.queue and truth.agent else 0
    assert call.talk // MICROSECONDS in (truth.talk, truth.talk + waited)
    assert (call.root.duration, call.queue) == (truth.duration, truth.queue)


@pytest.mark.parametrize("name", sorted(name for name in TRUTHS if captured.lines(name)))
def test_queue_log_alone_tells_of_the_queue(name: str) -> None:
    truth, call = TRUTHS[name], assemble(captured.lines(name), RULES).call
    assert call is not None
    assert (call.outcome, call.root.first_caller_number) == (truth.outcome, truth.caller)
    assert (call.talk // MICROSECONDS, call.queue, call.agent) == (truth.talk, truth.queue, truth.agent)


@pytest.mark.parametrize("name", sorted(TRUTHS))
@given(seed=st.integers(0, 2**32))
def test_order_and_doubling_change_nothing(name: str, seed: int) -> None:
    events = captured.everything(name)
    mixed = [*events, *events]
    random.Random(seed).shuffle(mixed)
    assert assemble(mixed, RULES) == assemble(events, RULES)


def visit_of(name: str) -> tuple[str, str, list[tuple[str, str, str]]]:
    found: Conversation = assemble(captured.everything(name), RULES)
    (visit,) = found.visits
    return visit.cause, visit.cancel_reason, [(o.agent, o.outcome, o.agent_leg) for o in visit.offers]


def test_an_answered_visit_names_the_agent_and_his_channel() -> None:
    assert visit_of("queue_answered") == ("Terminated", "", [("Иван Петров", "answered", "1795178158.58")])


def test_an_abandoned_visit_names_who_was_asked_in_vain() -> None:
    assert visit_of("queue_abandoned") == ("Cancel", "BREAK_OUT", [("Agent Two", "failed", "")])


def test_two_writers_on_one_file_are_told() -> None:
    (take,) = assemble(captured.everything("blind_transfer"), RULES).takes
    assert take.cause == "TWO_WRITERS"


def test_the_agents_channel_is_one_leg_whoever_told_of_it() -> None:
    legs = assemble(captured.everything("queue_answered"), RULES).legs
    assert list(legs) == ["1795178158.57", "1795178158.58"]
    assert legs["1795178158.58"].channel_name == "IAX2/trunk-15268"
