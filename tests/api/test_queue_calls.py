"""The columns of a call centre: one row per visit to a queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cdr.models import OfferOutcome
from tests.api.conftest import Api, Refused
from tests.factories import (
    NOON,
    make_agent,
    make_call,
    make_offer,
    make_queue,
    make_recording,
    make_visit,
)

COLUMNS = (
    "caller_id_number, destination_number, queue_name, agent_name, answered_number, "
    "system_entered_stamp, queue_entered_stamp, ring_stamp, answer_stamp, end_stamp, wait_seconds, "
    "duration, billsec, hangup_cause, cause, cancel_reason, uuid, bleg_uuid, recording_ids, offers, "
    "contact_name"
)
NOBODY: dict[str, Any] = {
    "agent_name": "",
    "agent_leg_uuid": "",
    "answered_number": "",
    "answered_at": None,
    "cause": "Cancel",
    "duration_ms": 0,
}


def test_answered_visit_has_exactly_these_columns(api: Api) -> None:
    call = make_call(api.account)
    visit = make_visit(call, billsec=55, wait_ms=10_500, duration_ms=50_499)
    offer = make_offer(visit)
    recording = make_recording(call)
    [row] = api.rows("/queue_calls")
    assert list(row) == COLUMNS.split(", ")
    assert row == {
        "caller_id_number": "01055551234",
        "destination_number": "07070063000",
        "queue_name": "3000@default",
        "agent_name": "1001",
        "answered_number": "1001",
        "system_entered_stamp": "2026-03-02T12:00:00.000Z",
        "queue_entered_stamp": "2026-03-02T12:00:01.000Z",
        "ring_stamp": "2026-03-02T12:00:05.000Z",
        "answer_stamp": "2026-03-02T12:00:11.000Z",
        "end_stamp": "2026-03-02T12:01:01.000Z",
        "wait_seconds": 11,
        "duration": 50,
        "billsec": 55,
        "hangup_cause": "NORMAL_CLEARING",
        "cause": "Terminated",
        "cancel_reason": "NONE",
        "uuid": call.leg_uuid,
        "bleg_uuid": visit.agent_leg_uuid,
        "recording_ids": [recording.pk.hex],
        "offers": [
            {
                "agent_name": "1001",
                "uuid": offer.agent_leg_uuid,
                "outcome": "answered",
                "hangup_cause": "",
                "offered_stamp": "2026-03-02T12:00:05.000Z",
                "answer_stamp": "2026-03-02T12:00:11.000Z",
                "end_stamp": "2026-03-02T12:01:01.000Z",
                "ring_seconds": 6,
                "talk_seconds": 50,
            }
        ],
        "contact_name": "",
    }


def test_abandoned_visit_has_waited_and_talked_to_nobody(api: Api) -> None:
    make_visit(make_call(api.account), **NOBODY, cancel_reason="BREAK_OUT", ring_at=None, wait_ms=5_040)
    [row] = api.rows("/queue_calls")
    assert (row["answer_stamp"], row["ring_stamp"], row["duration"], row["wait_seconds"]) == (
        None,
        None,
        0,
        5,
    )
    assert (row["cause"], row["cancel_reason"]) == ("Cancel", "BREAK_OUT")
    assert (row["agent_name"], row["bleg_uuid"], row["offers"]) == ("", "", [])


def test_cancel_reason_none_is_found(api: Api) -> None:
    make_visit(make_call(api.account))
    make_visit(make_call(api.account), **NOBODY, cancel_reason="TIMEOUT")
    assert [row["cause"] for row in api.rows("/queue_calls", filter_cancel_reason="NONE")] == ["Terminated"]
    assert [row["cause"] for row in api.rows("/queue_calls", filter_cancel_reason="TIMEOUT")] == ["Cancel"]


def test_caller_sent_back_makes_a_new_visit(api: Api) -> None:
    call = make_call(api.account)
    make_visit(call)
    make_visit(call, joined_at=NOON + timedelta(seconds=90))
    rows = api.rows("/queue_calls")
    assert [row["uuid"] for row in rows] == [call.leg_uuid, call.leg_uuid]


def test_several_agents_in_turn_are_offers_of_one_visit(api: Api) -> None:
    visit = make_visit(make_call(api.account))
    make_offer(visit, "1002", offered_at=NOON + timedelta(seconds=30))
    make_offer(visit, "1001", offered_at=NOON + timedelta(seconds=10))
    [row] = api.rows("/queue_calls")
    assert [offer["agent_name"] for offer in row["offers"]] == ["1001", "1002"]


def test_queue_calls_of_an_agent(api: Api, outsider: Api, refused: Refused) -> None:
    first, second = make_agent(api.account, "1001"), make_agent(api.account, "1002")
    passed_on = make_visit(make_call(api.account))
    make_offer(passed_on, "1001")
    make_offer(passed_on, "1002")
    missed = make_visit(make_call(api.account), **NOBODY)
    make_offer(missed, "1001", outcome=OfferOutcome.FAILED)
    for agent in (first, second):
        [row] = api.rows(f"/agents/{agent.pk.hex}/queue_calls")
        assert row["bleg_uuid"] == passed_on.agent_leg_uuid
    foreign = make_agent(outsider.account, "1001")
    refused(api.own(f"/agents/{foreign.pk.hex}/queue_calls"), 404, "bad_identifier")


def test_queue_with_the_same_name_elsewhere_stays_apart(api: Api, outsider: Api) -> None:
    for tenant in (api, outsider):
        make_queue(tenant.account, "3000@default")
        make_visit(make_call(tenant.account), "3000@default")
    assert len(api.rows("/queue_calls", filter_queue_name="3000@default")) == 1


def test_a_visit_is_found_by_every_agent_who_answered_it(api: Api) -> None:
    visit = make_visit(make_call(api.account), agent_name="1001")
    make_offer(visit, "1001")
    make_offer(visit, "1002")
    make_offer(visit, "1003", outcome=OfferOutcome.FAILED)
    found = {name: len(api.rows("/queue_calls", filter_agent_name=name)) for name in ("1001", "1002", "1003")}
    assert found == {"1001": 1, "1002": 1, "1003": 0}
    assert api.rows("/queue_calls", filter_not_agent_name="1002") == []
    assert len(api.rows("/queue_calls", filter_agent_name='["1002","1009"]')) == 1
