"""From the recorder's journal to rows, what programs ask for, and policies that are fresh."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from accounts.keys import issue_key, issue_token
from accounts.models import Device, Switch
from ccportal.cdr_files import files_below, import_files
from ccportal.listener.census import end_lost_legs
from ccportal.pipeline import apply_mixed
from ccportal.recorder.desk import take_requests, tell_outcome, write_outcomes
from cdr.models import Call, Leg
from policies.models import RecordingPolicy
from policies.snapshot import Snapshot, keep_rows, load_rows, present_mark, read_rows
from recordings.intake import TRIES, collect
from recordings.models import Decision, Recording, RecordingRequest, State
from switch import events as ev
from tests import captures
from tests import factories as make

pytestmark = pytest.mark.django_db
MOMENT: dict[str, Any] = {"core": "ccportal", "sequence": 0, "at": 1_795_177_766_000_000}
GRANT = {"scope": "account", "start": "now", "params": {}, "because": "Recorded by the account."}


def apply(switch: Switch, name: str, *ours: ev.Event, ours_first: bool = True) -> None:
    """Apply a captured call without its own recordings, and records of ours."""
    heard = [body for body in captures.bodies(name) if b'"RECORD_' not in body[:400]]
    records = [msgspec.json.encode(event) for event in ours]
    groups: list[Any] = [("control", records), ("events", heard)]
    for batch, group in enumerate(groups if ours_first else groups[::-1], 1):
        apply_mixed(switch, [group], journal="j", batch=batch)


def intended(leg: str, rid: str) -> ev.RecordingIntended:
    return ev.RecordingIntended(
        **MOMENT, leg=leg, path=f"/rec/{rid}.wav", rid=rid, origin="policy", grants=[GRANT]
    )


def a_leg(name: str) -> str:
    return str(captures.index()[name]["legs"][0]["uuid"])


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_file_that_never_began_is_missing_and_says_why(ours_first: bool) -> None:
    switch = make.make_switch(make.make_account())
    leg, rid = answered_leg(), uuid.uuid4().hex
    refusal = ev.RecordingRefused(
        **MOMENT, leg=leg, command="start the recording", reply="Cannot record session!", rid=rid, path="x"
    )
    decided = ev.CallDecided(**MOMENT, leg=leg, grants=[GRANT])
    apply(switch, "queue_answered", intended(leg, rid), decided, refusal, ours_first=ours_first)
    row = Recording.objects.get(pk=uuid.UUID(rid))
    call = Call.objects.get()
    assert (row.state, row.call, row.origin) == (State.FAILED, call, "policy")
    assert row.state_reason == "The switch did not start the recording: Cannot record session!"
    decision = Decision.objects.get()
    assert (decision.call, decision.grants) == (call, [GRANT])
    assert [found["because"] for found in decision.complaints] == [row.state_reason]


def answered_leg() -> str:
    legs = captures.index()["queue_answered"]["legs"]
    return str(next(leg["uuid"] for leg in legs if leg["direction"] == "inbound"))


def test_a_leg_that_nobody_answered_leaves_no_file() -> None:
    switch = make.make_switch(make.make_account())
    apply(switch, "fail_busy", *(intended(str(leg["uuid"]), uuid.uuid4().hex) for leg in unanswered()))
    assert Leg.objects.exists()
    assert not Recording.objects.exists()


def cut_off(switch: Switch, *ours: ev.Event) -> None:
    """Apply the beginning of a call; the switch was not heard from then on, and has the call no more."""
    heard = [body for body in captures.bodies("queue_answered") if b'"CHANNEL_CREATE"' in body[:200]]
    groups: list[Any] = [("control", [msgspec.json.encode(event) for event in ours]), ("events", heard)]
    apply_mixed(switch, groups, journal="j", batch=1)
    end_lost_legs(switch, [], MOMENT["at"] + 600_000_000)


def test_a_file_that_may_have_begun_unheard_is_looked_for_and_stays_whatever_is_told_later() -> None:
    switch = make.make_switch(make.make_account())
    leg, rid = answered_leg(), uuid.uuid4().hex
    cut_off(switch, intended(leg, rid))
    row = Recording.objects.get(pk=uuid.UUID(rid))
    assert (row.state, row.finding) == (State.RECEIVED, "")
    assert [queued.task["args"] for queued in OrmQ.objects.all()] == [([rid],)]
    import_files(switch, files_below(switch, [captures.FREESWITCH / "cdrs" / "json_cdr"]))
    assert Leg.objects.get(uuid=leg).answered_at
    assert Recording.objects.get(pk=row.pk).state == State.RECEIVED


def test_a_leg_that_was_answered_and_ended_in_a_gap_may_have_a_file() -> None:
    switch = make.make_switch(make.make_account())
    began = min(leg["created"] for leg in captures.index()["queue_answered"]["legs"])
    moment = dt.datetime.fromtimestamp(began, dt.UTC)
    switch.gaps.create(started_at=moment, ended_at=moment + dt.timedelta(minutes=1))
    leg, rid = answered_leg(), uuid.uuid4().hex
    apply(switch, "queue_answered", intended(leg, rid))
    row = Recording.objects.get(pk=uuid.UUID(rid))
    assert (row.state, row.started_at) == (State.RECEIVED, Leg.objects.get(uuid=leg).answered_at)


@pytest.mark.parametrize("answered", [False, True])
def test_without_a_file_an_unheard_leg_leaves_a_row_only_if_it_was_answered(
    answered: bool, tmp_path: Path
) -> None:
    switch = make.make_switch(make.make_account(), path_mapping={"/rec": str(tmp_path)})
    leg, rid = answered_leg(), uuid.uuid4().hex
    cut_off(switch, intended(leg, rid))
    Leg.objects.filter(uuid=leg).update(answered_at=timezone.now() if answered else None)
    for _ in range(TRIES):
        collect(uuid.UUID(rid))
    left = Recording.objects.filter(pk=uuid.UUID(rid)).values_list("state", flat=True)
    assert list(left) == ([State.MISSING] if answered else [])


def unanswered() -> list[dict[str, Any]]:
    return [leg for leg in captures.index()["fail_busy"]["legs"] if not leg["answered"]]


def test_silences_are_kept_as_times() -> None:
    switch = make.make_switch(make.make_account())
    leg, rid = answered_leg(), uuid.uuid4().hex
    begin = MOMENT["at"]
    spans = [
        ev.RecordingMasked(
            core="ccportal", sequence=0, at=begin + at, leg=leg, path="p", masked=on, started=begin, rid=rid
        )
        for at, on in ((1_000_000, True), (1_200_000, True), (2_500_000, False), (3_000_000, True))
    ]
    apply(switch, "queue_answered", intended(leg, rid), *spans)
    assert Recording.objects.get(pk=uuid.UUID(rid)).masked == [
        {"from_ms": 1000, "to_ms": 2500},
        {"from_ms": 1200, "to_ms": 2500},
        {"from_ms": 3000, "to_ms": None},
    ]


def test_every_change_leaves_a_mark_and_the_lease_does_not() -> None:
    account = make.make_account(realm="acme.example")
    switch = make.make_switch(account)
    device = make.make_device(account, "1001")
    marks = [present_mark()]
    for change in (
        lambda: Device.objects.filter(pk=device.pk).update(enabled=False),
        lambda: RecordingPolicy.objects.create(account=account, document={}),
        lambda: RecordingPolicy.objects.update(document={"account": {}}),
        lambda: RecordingPolicy.objects.all().delete(),
    ):
        change()
        marks.append(present_mark())
    assert len(set(marks)) == len(marks)
    Switch.objects.filter(pk=switch.pk).update(listener="me")
    assert present_mark() == marks[-1]


def test_the_copy_beside_the_journal_says_the_same(tmp_path: Path) -> None:
    account = make.make_account(realm="acme.example")
    switch = make.make_switch(None, offnet_profiles=["blueivr"], path_mapping={"/b": "/x", "/a/": "/y"})
    make.make_device(account, "1001", owner=make.make_user(account))
    make.make_phone_number(account)
    RecordingPolicy.objects.create(account=account, document={"account": {"any": {"any": {"enabled": True}}}})
    rows = read_rows(switch.pk)
    keep_rows(tmp_path / "copy", rows)
    assert load_rows(tmp_path / "copy") == rows
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    known = Snapshot(rows)
    signs = {"sip_authorized": "true", "sip_auth_realm": "acme.example", "sip_auth_username": "1001"}
    whose = known.whose(ev.Channel("u", "inbound", variables=signs))
    assert (whose.account, known.folder) == (account.pk.hex, "/a")
    assert whose.phone is not None


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No listener is there to answer: do not wait for one."""
    monkeypatch.setattr("ccportal.api.channels.PATIENCE_SECONDS", 0.0)


def asking(
    client: Client, call_id: str, data: dict[str, Any], role: str = "admin", ended: bool = False
) -> Any:
    call = make.make_call(make.make_account(), ended_at=None)
    make.make_leg(call, uuid="leg-1", ended_at=call.started_at if ended else None)
    assert call.account is not None
    token = issue_token(api_key=issue_key(call.account, role=role)[0])
    return client.post(
        f"/v2/accounts/{call.account.pk.hex}/channels/{call_id}",
        {"data": data},
        content_type="application/json",
        headers={"X-Auth-Token": token},
    )


ASK = {"module": "record_call", "action": "mask"}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("call_id", "data", "ended", "status"),
    [
        ("leg-1", ASK, False, 200),
        ("leg-1", {"module": "record_call", "label": "a ${system(id)}", "time_limit": 60}, False, 200),
        ("leg-1", ASK | {"action": "dance"}, False, 400),
        ("leg-1", {"module": "record_caller", "method": "delete"}, False, 400),
        ("leg-1", ASK | {"sideways": 1}, False, 400),
        ("leg-1", ASK | {"label": "a\nb"}, False, 400),
        ("leg-1", {"action": "mask"}, False, 400),
        ("leg-1", {"module": "record_call", "url": "http://localhost/"}, False, 400),
        ("leg-1", ASK, True, 404),
        ("leg-2", ASK, False, 404),
    ],
)
def test_a_program_asks_for_a_live_leg(
    client: Client, call_id: str, data: dict[str, Any], ended: bool, status: int
) -> None:
    answer = asking(client, call_id, data, ended=ended)
    assert answer.status_code == status, answer.content
    assert RecordingRequest.objects.count() == (status == 200)
    for request in RecordingRequest.objects.all():
        taken = take_requests(request.switch_id)
        assert [(asked.leg, asked.action) for asked in taken] == [("leg-1", data.get("action", "start"))]
        assert take_requests(request.switch_id) == []


def test_reviewers_may_not_ask(client: Client) -> None:
    assert asking(client, "leg-1", ASK, role="reviewer").status_code in (403, 404)
    assert not RecordingRequest.objects.exists()


@pytest.mark.usefixtures("hurried")
def test_a_program_has_a_caller_s_message_delivered(client: Client) -> None:
    told = {"method": "post", "url": "https://93.184.216.34/", "time_limit": 60}
    answer = asking(client, "leg-1", {"module": "record_caller"} | told).json()["data"]
    (asked,) = take_requests(RecordingRequest.objects.get().switch_id)
    assert (asked.action, asked.params, asked.id) == ("record_caller", told, answer["request"])
    assert (answer["module"], answer["found"]) == ("record_caller", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("found", "status"), [(True, 200), (False, 404)])
def test_a_program_is_told_whether_the_leg_was_there(client: Client, found: bool, status: int) -> None:
    """A thread is the listener: it takes the request and says what the recorder found."""
    over = threading.Event()

    def listen() -> None:
        outcomes: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        try:
            while not over.wait(0.01):
                for switch in Switch.objects.all():
                    for asked in take_requests(switch.pk):
                        tell_outcome(outcomes, asked, found)
                write_outcomes(outcomes)
        finally:
            connection.close()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        answer = asking(client, "leg-1", ASK)
    finally:
        over.set()
        listener.join(10)
    assert answer.status_code == status
    assert RecordingRequest.objects.get().found is found
    if found:
        assert answer.json()["data"]["found"] is True


@pytest.mark.django_db
def test_what_the_next_listener_does_not_know_of_a_grant_stays() -> None:
    switch = make.make_switch(make.make_account())
    leg, rid, scope = answered_leg(), uuid.uuid4().hex, itemgetter("scope")
    asked = GRANT | {"scope": "action", "because": "Asked for by a program.", "params": {"label": "x"}}
    bare = {name: value for name, value in asked.items() if name != "params"}
    told = ev.RecordingIntended(
        **MOMENT, leg=leg, path=f"/rec/{rid}.wav", rid=rid, origin="policy", grants=[GRANT, asked]
    )
    again = msgspec.structs.replace(told, origin="", grants=[bare | {"params": {}, "ended": 5}, GRANT])
    decided = [ev.CallDecided(**MOMENT, leg=leg, grants=grants) for grants in ([GRANT, asked], [GRANT])]
    for _ in range(2):
        apply(switch, "queue_answered", told, again, *decided)
        row = Recording.objects.get(pk=uuid.UUID(rid))
        assert row.origin == "policy"
        assert sorted(row.grants, key=scope) == [GRANT, asked | {"ended": 5}]
        assert sorted(Decision.objects.get().grants, key=scope) == [GRANT, asked]
