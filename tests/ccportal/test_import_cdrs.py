"""CDR files alone give the calls they can; beside the events they change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Switch
from ccportal.cdr_files import files_below, import_files
from ccportal.pipeline import apply_bodies
from cdr.models import AgentOffer, Call, Leg, QueueVisit
from tests import captures
from tests.captures import FREESWITCH, micro
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db

CDRS = FREESWITCH / "cdrs"
JSON, XML, CSV = CDRS / "json_cdr", CDRS / "xml_cdr", CDRS / "cdr-csv"
LEG_FIELDS = (
    "uuid",
    "direction",
    "created_at",
    "answered_at",
    "ended_at",
    "hangup_cause",
    "billsec",
    "duration",
)
VISIT_FIELDS = ("member_uuid", "queue_name", "agent_name", "agent_leg_uuid", "answered_number", "cause")


@pytest.fixture
def switch() -> Switch:
    return make_switch(make_account(), name="pbx", offnet_profiles=["blueivr"], offnet_contexts=["blueivr"])


def imported(switch: Switch, *paths: Path) -> None:
    done = import_files(switch, files_below(switch, paths))
    assert not done.refused


def truths(kind: str) -> list[dict[str, Any]]:
    """What the calls were whose files are there; the switch that was stopped wrote none."""
    return [found for name, call in captures.index().items() if name != "fs_shutdown" for found in call[kind]]


def test_json_files_alone_give_every_leg(switch: Switch) -> None:
    imported(switch, JSON)
    legs = {leg.uuid: leg for leg in Leg.objects.all()}
    for truth in truths("legs"):
        leg = legs[truth["uuid"]]
        assert leg.direction == truth["direction"]
        assert micro(leg.created_at.timestamp()) == micro(truth["created"])
        assert (micro(leg.answered_at.timestamp()) if leg.answered_at else 0) == micro(truth["answered"])
        assert leg.ended_at
        assert micro(leg.ended_at.timestamp()) == micro(truth["ended"])
        assert leg.final_destination_number == truth["destination_number"]
        assert (leg.hangup_cause, leg.billsec) == (truth["hangup_cause"], truth["billsec"])


def test_json_files_alone_tell_which_legs_belong_together(switch: Switch) -> None:
    imported(switch, JSON)
    together = sorted(sorted(call.legs.values_list("uuid", flat=True)) for call in Call.objects.all())
    assert together == sorted(sorted(c) for c in truths("conversations"))


def test_json_files_alone_tell_the_last_passage_to_the_second(switch: Switch) -> None:
    imported(switch, JSON)
    for truth in truths("queue_visits"):
        visit = QueueVisit.objects.filter(member_uuid=truth["member"], session_uuid=truth["session"]).first()
        assert visit, truth
        assert abs(visit.joined_at.timestamp() - truth["joined"]) < 1.1
        assert visit.left_at
        assert abs(visit.left_at.timestamp() - truth["left"]) < 1.1
        assert (visit.agent_name, visit.queue_name) == (truth["agent"] or "", truth["queue"])
        assert visit.cause == truth["cause"]
    assert AgentOffer.objects.filter(outcome="answered").count() == 11


@pytest.mark.parametrize("first", ["events", "files"])
def test_beside_the_events_the_files_change_nothing(switch: Switch, first: str) -> None:
    if first == "files":
        imported(switch, JSON, XML, CSV)
    apply_bodies(switch, captures.every_body())
    if first == "events":
        before = snapshot()
        imported(switch, JSON, XML, CSV)
        assert snapshot() == before
    else:
        merged = snapshot()
        Call.objects.all().delete()
        apply_bodies(Switch.objects.get(), captures.every_body())
        assert snapshot() == merged


def snapshot() -> list[list[tuple[Any, ...]]]:
    return [
        sorted(Leg.objects.values_list(*LEG_FIELDS, "destination_number", "final_destination_number")),
        sorted(
            QueueVisit.objects.values_list(*VISIT_FIELDS, "joined_at", "left_at", "wait_ms", "duration_ms")
        ),
        sorted(
            AgentOffer.objects.values_list("agent_name", "outcome", "offered_at", "answered_at", "ended_at")
        ),
        sorted(
            Call.objects.values_list("leg_uuid", "direction", "outcome", "talk_ms", "wait_ms", "leg_count")
        ),
    ]


def test_xml_files_say_what_json_files_say(switch: Switch) -> None:
    imported(switch, XML)
    uuids = {path.name.removeprefix("a_").removesuffix(".cdr.xml") for path in XML.iterdir()}
    from_xml = {leg.uuid: leg for leg in Leg.objects.all()}
    assert set(from_xml) == uuids
    values = sorted(Leg.objects.values_list(*LEG_FIELDS, "destination_number"))
    Call.objects.all().delete()
    imported(switch, *[path for path in JSON.iterdir() if path.name.removeprefix("a_")[:36] in uuids])
    assert sorted(Leg.objects.values_list(*LEG_FIELDS, "destination_number")) == values


def test_csv_lines_are_legs_in_whole_seconds(switch: Switch) -> None:
    imported(switch, CSV)
    truth = {leg["uuid"]: leg for leg in truths("legs")}
    legs = [leg for leg in Leg.objects.all() if leg.uuid in truth]
    assert len(legs) > 70
    for leg in legs:
        assert int(leg.created_at.timestamp()) == int(truth[leg.uuid]["created"])
        assert (leg.hangup_cause, leg.billsec) == (
            truth[leg.uuid]["hangup_cause"],
            truth[leg.uuid]["billsec"],
        )


def test_a_bad_file_is_named_and_the_others_are_in(
    switch: Switch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.cdr.json").write_bytes(b'{"variables": {')
    (tmp_path / "bomb.cdr.xml").write_bytes(b'<!DOCTYPE x [<!ENTITY a "b">]><cdr>&a;</cdr>')
    (tmp_path / "short.csv").write_bytes(b'"a","b"\n')
    good = next(path for path in JSON.iterdir() if "0f6c073e" in path.name)
    (tmp_path / good.name).write_bytes(good.read_bytes())
    with pytest.raises(CommandError, match="3 records could not be read"):
        call_command("import_cdrs", str(tmp_path), switch="pbx")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"files": 4, "legs": 1, "conversations": 1, "refused": 3}
    assert all(name in said.err for name in ("broken.cdr.json", "bomb.cdr.xml", "short.csv"))
    assert Leg.objects.count() == 1


def test_a_switch_that_is_not_there_is_said(switch: Switch) -> None:
    with pytest.raises(CommandError, match="no switch named 'other'"):
        call_command("import_cdrs", str(JSON), switch="other")
