"""Captured calls through the pipeline give the rows they were: in any order, doubled, cut in two."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from accounts.models import Switch
from ccportal.pipeline import apply_bodies
from cdr import rows as row_maker
from cdr.models import AgentOffer, Call, CallAlias, EventCount, Evidence, EvidenceKey, Leg, QueueVisit
from queues.models import Agent, AgentChange, Queue
from recordings.models import Recording
from reviews.models import Comment
from tests import captures
from tests.captures import micro
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db


@pytest.fixture
def switch() -> Switch:
    return make_switch(make_account(), offnet_profiles=["blueivr"], offnet_contexts=["blueivr"])


def rows() -> dict[str, Any]:
    """All that ingest wrote, without the ids that depend on what was heard first."""
    volatile = {"id", "call_id", "visit_id", "state_at"}
    found: dict[str, Any] = {}
    for model in (Call, Leg, QueueVisit, AgentOffer, Recording, AgentChange):
        listed = [
            {name: value for name, value in row.items() if name not in volatile}
            for row in model.objects.values()
        ]
        found[model.__name__] = sorted(listed, key=repr)
    found["together"] = sorted(
        sorted(call.legs.values_list("uuid", flat=True)) for call in Call.objects.all()
    )
    return found


def expected_legs() -> dict[str, dict[str, Any]]:
    return {leg["uuid"]: leg for call in captures.index().values() for leg in call["legs"]}


@pytest.mark.parametrize("way", ["in order", "shuffled", "doubled", "one by one"])
def test_all_captures_at_once(switch: Switch, way: str) -> None:
    bodies = captures.every_body()
    if way == "shuffled":
        random.Random(7).shuffle(bodies)
    if way == "doubled":
        bodies = bodies + bodies
    if way == "one by one":
        for name in captures.names():
            apply_bodies(switch, captures.bodies(name))
    else:
        apply_bodies(switch, bodies)
    legs = expected_legs()
    assert set(Leg.objects.values_list("uuid", flat=True)) == set(legs)
    together = sorted(sorted(call.legs.values_list("uuid", flat=True)) for call in Call.objects.all())
    assert together == sorted(
        sorted(conversation) for call in captures.index().values() for conversation in call["conversations"]
    )
    for leg in Leg.objects.all():
        assert micro(leg.created_at.timestamp()) == micro(legs[leg.uuid]["created"])
        assert leg.final_destination_number == legs[leg.uuid]["destination_number"]
    assert Recording.objects.count() == sum(len(call["recordings"]) for call in captures.index().values())
    assert AgentChange.objects.exclude(kind="contact").count() == sum(
        len(call["agent_changes"]) for call in captures.index().values()
    )


@pytest.mark.parametrize("name", captures.names())
def test_cut_in_two_and_fed_in_either_order(switch: Switch, name: str) -> None:
    bodies = list(captures.bodies(name))
    apply_bodies(switch, bodies)
    whole = rows()
    chance = random.Random(name)
    for _ in range(3):
        clear()
        cut = chance.randrange(len(bodies))
        halves = [bodies[:cut], bodies[cut:]]
        chance.shuffle(halves)
        for half in halves:
            apply_bodies(switch, half)
        assert rows() == whole


@pytest.mark.parametrize("name", ["queue_requeue", "attended_transfer", "queue_max_no_answer"])
def test_event_by_event_backwards(switch: Switch, name: str) -> None:
    apply_bodies(switch, captures.bodies(name))
    whole = rows()
    clear()
    for body in reversed(captures.bodies(name)):
        apply_bodies(switch, [body])
    assert rows() == whole


def clear() -> None:
    for model in (Recording, Call, Evidence, EvidenceKey, AgentChange):
        model.objects.all().delete()


@pytest.mark.parametrize(
    "name", [name for name in captures.names() if captures.index()[name]["queue_visits"]]
)
def test_queue_visits(switch: Switch, name: str) -> None:
    apply_bodies(switch, captures.bodies(name))
    legs = expected_legs()
    for truth in captures.index()[name]["queue_visits"]:
        visit = QueueVisit.objects.get(member_uuid=truth["member"], session_uuid=truth["session"])
        member, agent = legs[truth["session"]], legs.get(truth["agent_leg"])
        assert visit.queue_name == truth["queue"]
        assert visit.caller_number == truth["caller"]
        assert visit.agent_name == (truth["agent"] or "")
        assert visit.agent_leg_uuid == (truth["agent_leg"] or "")
        assert visit.answered_number == (agent["destination_number"] if agent else "")
        assert (visit.cause, visit.cancel_reason) == (truth["cause"], truth["cancel_reason"] or "")
        assert (visit.hangup_cause, visit.billsec) == (member["hangup_cause"], member["billsec"])
        assert visit.entered_system_at
        assert micro(visit.entered_system_at.timestamp()) == micro(member["created"])
        assert micro(visit.joined_at.timestamp()) == micro(truth["joined"])
        assert visit.left_at
        assert micro(visit.left_at.timestamp()) == micro(truth["left"])
        offers = [o for o in captures.index()[name]["offers"] if o["session"] == truth["session"]]
        offers = [o for o in offers if o["queue"] == truth["queue"]]
        answer = next((o for o in offers if o["outcome"] == "answered"), None)
        until = micro(answer["answered"]) if answer else micro(truth["left"])
        assert visit.wait_ms == (until - micro(truth["joined"])) // 1000
        assert visit.duration_ms == ((micro(truth["left"]) - until) // 1000 if answer else 0)
        rung = answer or (offers[0] if offers else None)
        assert (micro(visit.ring_at.timestamp()) if visit.ring_at else 0) == (
            micro(rung["offered"]) if rung else 0
        )


def test_where_the_call_was_going_is_the_first_destination(switch: Switch) -> None:
    apply_bodies(switch, captures.bodies("queue_blind_transfer"))
    call, visit = Call.objects.get(), QueueVisit.objects.get()
    assert call.dialed_number == visit.destination_number == "07070067777"
    leg = Leg.objects.get(uuid=call.leg_uuid)
    assert (leg.destination_number, leg.final_destination_number) == ("07070067777", "1003")


def test_two_conversations_that_turn_out_to_be_one_keep_both_ids(switch: Switch) -> None:
    bodies = captures.bodies("attended_transfer")
    apply_bodies(switch, [body for body in bodies if b'"CHANNEL_CREATE"' in body])
    before = {call.pk: call.started_at for call in Call.objects.all()}
    assert len(before) == 2
    apply_bodies(switch, bodies)
    call = Call.objects.get()
    assert call.pk == min(before, key=lambda pk: before[pk])
    assert {alias.pk: alias.call_id for alias in CallAlias.objects.all()} == {
        pk: call.pk for pk in before if pk != call.pk
    }


def test_comments_stay_beside_the_moments_they_are_about_when_calls_prove_to_be_one(switch: Switch) -> None:
    bodies = captures.bodies("attended_transfer")
    apply_bodies(switch, [body for body in bodies if b'"CHANNEL_CREATE"' in body])
    moments = {call.started_at for call in Call.objects.all()}
    for call in Call.objects.all():
        Comment.objects.create(call=call, author_name="Rita", text="Hello", at=call.started_at)
    apply_bodies(switch, bodies)
    assert {comment.at for comment in Call.objects.get().comments.all()} == moments
    assert len(moments) == 2


def test_queues_and_agents_are_entered(switch: Switch) -> None:
    apply_bodies(switch, captures.bodies("queue_busy_then_second"))
    assert set(Queue.objects.values_list("account", "name")) == {(switch.account_id, "3000@default")}
    assert set(Agent.objects.values_list("name", flat=True)) == {"1001", "1002"}


def test_a_call_of_nobody_is_quarantined_and_stays_where_it_is_assigned(switch: Switch) -> None:
    Switch.objects.update(account=None)
    switch.refresh_from_db()
    bodies = captures.bodies("queue_answered")
    apply_bodies(switch, bodies[:60])
    assert Call.objects.get().account is None
    account = make_account()
    Call.objects.update(account=account, assigned=True)
    apply_bodies(switch, bodies)
    assert {row.account for model in (Call, Leg, QueueVisit, AgentOffer) for row in model.objects.all()} == {
        account
    }


def test_a_journaled_batch_is_applied_once(switch: Switch) -> None:
    bodies = captures.bodies("queue_answered")
    assert not apply_bodies(switch, bodies, journal="j", batch=5).skipped
    assert apply_bodies(switch, bodies, journal="j", batch=5).skipped
    assert apply_bodies(switch, bodies, journal="j", batch=4).skipped
    assert not apply_bodies(switch, bodies, journal="another", batch=1).skipped


def test_the_number_of_queries_does_not_grow_with_the_batch(
    switch: Switch, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(95):
        apply_bodies(switch, captures.every_body())


def test_nonsense_is_counted_and_the_call_behind_it_is_whole(switch: Switch) -> None:
    nonsense = [b"{", b"[]", b'{"Event-Name": "CHANNEL_CREATE"}', b"\xff\xfe", b'{"a":' * 5000, b""]
    strange = (
        b'{"Event-Name":"TEA_TIME","Core-UUID":"c","Event-Sequence":"1",'
        b'"Event-Date-Timestamp":"1795177764484956"}'
    )
    applied = apply_bodies(switch, [*nonsense, strange, *captures.bodies("queue_answered")])
    assert applied.malformed == len(nonsense)
    assert Leg.objects.count() == 2
    assert dict(EventCount.objects.values_list("name", "count")) == {
        "MalformedEvent": len(nonsense),
        "TEA_TIME": 1,
    }


HOSTILE = "\"'<script>alert(1)</script>\r\n=cmd()|\x00\u202e김철수 ${system(id)} " + "x" * 4000


def test_the_worst_caller_name_is_kept_as_text(switch: Switch) -> None:
    bodies = []
    for body in captures.bodies("queue_answered"):
        event = json.loads(body)
        for header in ("Caller-Caller-ID-Name", "CC-Member-CID-Name"):
            if header in event:
                event[header] = HOSTILE
        bodies.append(json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    apply_bodies(switch, bodies)
    name = Call.objects.get().caller_name
    assert name.startswith("\"'<script>alert(1)</script>\r\n=cmd()|\ufffd\u202e김철수")
    assert len(name) == 255
    assert QueueVisit.objects.get().agent_name == "1001"


def test_a_row_the_database_refuses_does_not_stop_the_others(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One conversation's rows break a constraint: it is counted, the other is written."""
    real = row_maker._call_row

    def refuse(*args: Any) -> Any:
        row = real(*args)
        return (*row[:2], None, *row[3:]) if "0f6c073e" in row[4] else row

    monkeypatch.setattr(row_maker, "_call_row", refuse)
    apply_bodies(switch, [*captures.bodies("queue_abandoned"), *captures.bodies("fail_busy")])
    assert [call.leg_uuid[:8] for call in Call.objects.all()] == ["f172b872"]
    assert EventCount.objects.get(kind="malformed").name == "IntegrityError"


def test_channel_variables_an_account_asks_for_are_kept(switch: Switch) -> None:
    assert switch.account
    switch.account.custom_variables = ["sip_from_display", "max_forwards"]
    switch.account.save()
    apply_bodies(switch, captures.bodies("queue_abandoned"))
    leg = Leg.objects.get()
    assert leg.custom == {"sip_from_display": "01012340001", "max_forwards": "70"}
    assert "sip_from_display" not in leg.variables
