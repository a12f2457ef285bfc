"""CDRs, conversations and their legs."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from cdr.models import CallAlias, CallDirection
from tests.api.conftest import Api, Refused, api_of
from tests.factories import (
    NOON,
    make_account,
    make_agent,
    make_call,
    make_device,
    make_leg,
    make_offer,
    make_queue,
    make_recording,
    make_tag,
    make_team,
    make_user,
    make_visit,
)

ROW = (
    "id, call_id, interaction_id, direction, call_direction_for_people, caller_id_number, "
    "caller_id_name, callee_id_number, callee_id_name, to, from, dialed_number, duration_seconds, "
    "billing_seconds, timestamp, unix_timestamp, iso_8601, hangup_cause, other_leg_call_id, "
    "owner_id, authorizing_id, bridge_id, queue_name, agent_name, media_recordings, media_server, "
    "contact_name"
)


def test_row_has_the_fields_of_a_leg(api: Api) -> None:
    owner, device = make_user(api.account), make_device(api.account)
    call = make_call(api.account, direction=CallDirection.INTERNAL, queue_name="3000@default", agent_name="7")
    leg = make_leg(
        call,
        callee_number="1002",
        callee_name="Bo",
        final_destination_number="1003",
        other_leg_uuid="b-leg",
        user=owner,
        device=device,
        duration=65,
        billsec=59,
    )
    recording = make_recording(call)
    [row] = api.rows("/cdrs")
    assert list(row) == ROW.split(", ")
    assert row == {
        "id": leg.pk.hex,
        "call_id": call.leg_uuid,
        "interaction_id": call.pk.hex,
        "direction": "inbound",
        "call_direction_for_people": "internal",
        "caller_id_number": "01055551234",
        "caller_id_name": "Ada Caller",
        "callee_id_number": "1002",
        "callee_id_name": "Bo",
        "to": "1003",
        "from": "01055551234",
        "dialed_number": "07070063000",
        "duration_seconds": 65,
        "billing_seconds": 59,
        "timestamp": "63939672000",
        "unix_timestamp": "1772452800",
        "iso_8601": "2026-03-02T12:00:00.000Z",
        "hangup_cause": "NORMAL_CLEARING",
        "other_leg_call_id": "b-leg",
        "owner_id": owner.pk.hex,
        "authorizing_id": device.pk.hex,
        "bridge_id": call.leg_uuid,
        "queue_name": "3000@default",
        "agent_name": "7",
        "media_recordings": [recording.pk.hex],
        "media_server": call.switch.name,
        "contact_name": "",
    }


def test_recordings_of_a_row_are_those_of_its_leg(api: Api) -> None:
    call = make_call(api.account)
    a_leg, b_leg = make_leg(call), make_leg(call, created_at=NOON + timedelta(seconds=1))
    recording = make_recording(call, leg_uuid=b_leg.uuid)
    rows = {row["id"]: row["media_recordings"] for row in api.rows("/cdrs")}
    assert rows == {a_leg.pk.hex: [], b_leg.pk.hex: [recording.pk.hex]}
    [conversation] = api.rows("/cdrs/interaction")
    assert conversation["media_recordings"] == [recording.pk.hex]


def test_single_cdr_is_the_full_document(api: Api) -> None:
    call = make_call(api.account)
    leg = make_leg(call, custom={"campaign": "spring"}, variables={"resource_type": "offnet"})
    recording = make_recording(call, grants=[{"reason": "account.any"}])
    [row] = api.rows("/cdrs")
    document = api.own(f"/cdrs/{leg.pk.hex}").json()["data"]
    assert document | row == document
    assert document["custom_channel_vars"] == {
        "campaign": "spring",
        "resource_type": "offnet",
        "media_recording_id": recording.pk.hex,
    }
    assert document["grants"] == [{"reason": "account.any"}]
    assert document["answered"] == "2026-03-02T12:00:05.000Z"


def test_row_of_a_running_call_has_no_length(api: Api) -> None:
    make_leg(make_call(api.account), duration=None, billsec=None, ended_at=None, hangup_cause="")
    [row] = api.rows("/cdrs")
    assert (row["duration_seconds"], row["billing_seconds"], row["hangup_cause"]) == (None, None, "")


def test_interaction_is_one_row_a_conversation(api: Api) -> None:
    call = make_call(api.account, wait_ms=2_499, talk_ms=2_500, hold_ms=500)
    make_leg(call)
    make_leg(call)
    [row] = api.rows("/cdrs/interaction")
    assert row["interaction_id"] == row["id"] == call.pk.hex
    assert (row["wait_seconds"], row["talk_seconds"], row["hold_seconds"]) == (2, 3, 1)
    assert (row["outcome"], row["leg_count"]) == ("answered", 2)


def test_legs_are_full_documents_oldest_first(api: Api) -> None:
    call = make_call(api.account)
    late = make_leg(call, created_at=NOON + timedelta(seconds=3))
    early = make_leg(call)
    make_leg(make_call(api.account))
    data = api.own(f"/cdrs/legs/{call.pk.hex}").json()["data"]
    assert [leg["id"] for leg in data] == [early.pk.hex, late.pk.hex]
    assert data[0] == api.own(f"/cdrs/{early.pk.hex}").json()["data"]


def test_legs_are_found_by_every_id_of_the_conversation(api: Api) -> None:
    call = make_call(api.account)
    leg = make_leg(call)
    other = make_leg(call, uuid="1795178270.42")
    alias = CallAlias.objects.create(pk=uuid.uuid4(), call=call)
    for name in (call.pk.hex, leg.pk.hex, other.pk.hex, leg.uuid, other.uuid, alias.pk.hex):
        assert len(api.own(f"/cdrs/legs/{name}").json()["data"]) == 2, name


def test_legs_of_another_tenant_are_not_found_by_any_id(api: Api, outsider: Api, refused: Refused) -> None:
    call = make_call(api.account)
    leg = make_leg(call)
    alias = CallAlias.objects.create(pk=uuid.uuid4(), call=call)
    for name in (call.pk.hex, leg.pk.hex, leg.uuid, alias.pk.hex):
        refused(outsider.own(f"/cdrs/legs/{name}"), 404, "bad_identifier")


def test_rows_are_of_the_account_in_the_path_only(api: Api) -> None:
    child = make_account(parent=api.account)
    own, below = make_leg(make_call(api.account)), make_leg(make_call(child))
    make_leg(make_call(None))
    assert [row["id"] for row in api.rows("/cdrs")] == [own.pk.hex]
    rows = api.get(f"accounts/{child.pk.hex}/cdrs").json()["data"]
    assert [row["id"] for row in rows] == [below.pk.hex]
    assert api.own(f"/cdrs/{below.pk.hex}").status_code == 404


def test_cdrs_of_a_user(api: Api, outsider: Api, refused: Refused) -> None:
    owner = make_user(api.account)
    call = make_call(api.account)
    make_leg(call)
    own = make_leg(call, user=owner)
    assert [row["id"] for row in api.rows(f"/users/{owner.pk.hex}/cdrs")] == [own.pk.hex]
    assert api.rows(f"/users/{api.user.pk.hex}/cdrs") == []
    refused(api.own(f"/users/{outsider.user.pk.hex}/cdrs"), 404, "bad_identifier")
    refused(api.own(f"/users/{uuid.uuid4().hex}/cdrs"), 404, "bad_identifier")


@pytest.mark.parametrize(
    "identifier", ["0" * 32, "x", "0" * 31, "{0}-", "%00", "..", "{0}x", "é", "' OR 1=1 --"]
)
def test_malformed_ids_are_404(api: Api, refused: Refused, identifier: str) -> None:
    leg = make_leg(make_call(api.account))
    name = identifier.format(leg.pk.hex)
    for path in (f"/cdrs/{name}", f"/cdrs/legs/{name}", f"/recordings/{name}", f"/users/{name}/cdrs"):
        refused(api.own(path), 404, "bad_identifier")


def test_team_sees_its_own_calls_only(api: Api, refused: Refused) -> None:
    queue = make_queue(api.account, "3000@default")
    supervisor = make_user(api.account, "supervisor", teams=[make_team(api.account, queues=[queue])])
    seen, hidden = make_call(api.account), make_call(api.account)
    make_visit(seen, "3000@default")
    make_visit(hidden, "4000@default")
    own, foreign = make_leg(seen), make_leg(hidden)
    narrowed = api_of(supervisor)
    assert [row["id"] for row in narrowed.rows("/cdrs")] == [own.pk.hex]
    assert [row["id"] for row in narrowed.rows("/cdrs/interaction")] == [seen.pk.hex]
    assert len(narrowed.rows("/queue_calls")) == 1
    refused(narrowed.own(f"/cdrs/{foreign.pk.hex}"), 404, "bad_identifier")
    refused(narrowed.own(f"/cdrs/legs/{foreign.uuid}"), 404, "bad_identifier")


def test_agent_sees_own_visits_only(api: Api) -> None:
    user = make_user(api.account, "agent", agent_name="1001")
    make_agent(api.account, "1001", user=user)
    make_visit(make_call(api.account), agent_name="1001")
    make_visit(make_call(api.account), agent_name="1002")
    assert [row["agent_name"] for row in api_of(user).rows("/queue_calls")] == ["1001"]


def test_an_agent_is_found_who_had_the_call_after_another(api: Api) -> None:
    call = make_call(api.account)
    make_leg(call)
    visit = make_visit(call, agent_name="1001")
    make_offer(visit, "1001")
    make_offer(visit, "1002")
    make_offer(visit, "1003", answered_at=None, outcome="failed")
    make_leg(make_call(api.account, agent_name="1002"))
    for path in ("/cdrs", "/cdrs/interaction"):
        found = {name: len(api.rows(path, filter_agent_name=name)) for name in ("1001", "1002", "1003")}
        assert found == {"1001": 1, "1002": 2, "1003": 0}


def test_conversations_are_found_by_a_tag(api: Api) -> None:
    call = make_call(api.account)
    make_call(api.account)
    make_tag(call, "=vip")
    [row] = api.rows("/cdrs/interaction", filter_tags="=vip")
    assert (row["id"], row["tags"]) == (call.pk.hex, ["=vip"])
    assert len(api.rows("/cdrs/interaction", has_key="tags")) == 1
