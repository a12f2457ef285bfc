"""Calls whose end was not heard end by the switch's own list; their real end, told later, wins."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Switch
from ccportal.cdr_files import files_below, import_files
from ccportal.listener.census import end_lost_legs
from ccportal.pipeline import apply_bodies
from cdr.models import Call, Leg, QueueVisit
from tests import captures
from tests.captures import FREESWITCH, micro
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db

LONG_AFTER = 1_795_190_000_000_000


@pytest.fixture
def cut_off() -> Switch:
    """A switch whose connection was lost before the call ended."""
    switch = make_switch(make_account())
    unended = [body for body in captures.bodies("queue_answered") if b'"CHANNEL_HANGUP_COMPLETE"' not in body]
    apply_bodies(switch, unended)
    assert Call.objects.get().outcome == "in_progress"
    return switch


def test_legs_that_the_switch_no_longer_has_are_over(cut_off: Switch) -> None:
    assert end_lost_legs(cut_off, [], LONG_AFTER) == 2
    call = Call.objects.get()
    assert call.outcome == "answered"
    assert call.ended_at
    assert {leg.hangup_cause for leg in Leg.objects.all()} == {"LOST_TRACK"}
    assert end_lost_legs(cut_off, [], LONG_AFTER) == 0


def test_legs_that_it_still_has_stay_up(cut_off: Switch) -> None:
    assert end_lost_legs(cut_off, Leg.objects.values_list("uuid", flat=True), LONG_AFTER) == 0
    assert Call.objects.get().outcome == "in_progress"


def test_a_leg_made_a_moment_ago_is_left_alone(cut_off: Switch) -> None:
    just_after = micro(max(leg.created_at.timestamp() for leg in Leg.objects.all())) + 1_000_000
    assert end_lost_legs(cut_off, [], just_after) == 0


def test_the_real_end_told_later_wins(cut_off: Switch) -> None:
    end_lost_legs(cut_off, [], LONG_AFTER)
    import_files(cut_off, files_below(cut_off, [FREESWITCH / "cdrs" / "json_cdr"]))
    for truth in captures.index()["queue_answered"]["legs"]:
        leg = Leg.objects.get(uuid=truth["uuid"])
        assert leg.ended_at
        assert micro(leg.ended_at.timestamp()) == micro(truth["ended"])
        assert leg.hangup_cause == truth["hangup_cause"]


def test_legs_that_ended_while_nobody_heard_were_over_when_the_switch_was_heard_again(
    cut_off: Switch,
) -> None:
    heard_again = max(leg.created_at for leg in Leg.objects.all()) + dt.timedelta(seconds=20)
    cut_off.gaps.create(started_at=heard_again - dt.timedelta(seconds=15), ended_at=heard_again)
    cut_off.gaps.create(
        started_at=heard_again - dt.timedelta(days=1), ended_at=heard_again - dt.timedelta(hours=23)
    )
    assert end_lost_legs(cut_off, [], LONG_AFTER) == 2
    assert {leg.ended_at for leg in Leg.objects.all()} == {heard_again}


def test_a_gap_before_the_leg_says_nothing_of_its_end(cut_off: Switch) -> None:
    long_before = min(leg.created_at for leg in Leg.objects.all()) - dt.timedelta(hours=1)
    cut_off.gaps.create(started_at=long_before, ended_at=long_before + dt.timedelta(minutes=1))
    end_lost_legs(cut_off, [], LONG_AFTER)
    assert {micro(leg.ended_at.timestamp()) for leg in Leg.objects.all() if leg.ended_at} == {LONG_AFTER}


def test_a_visit_whose_end_was_not_heard_ends_with_the_agent_s_leg() -> None:
    switch = make_switch(make_account())
    ends = (b'"CHANNEL_HANGUP_COMPLETE"', b'"member-queue-end"', b'"bridge-agent-end"')
    heard = [body for body in captures.bodies("queue_answered") if not any(end in body for end in ends)]
    apply_bodies(switch, heard)
    assert QueueVisit.objects.get().left_at is None
    end_lost_legs(switch, [], LONG_AFTER)
    visit = QueueVisit.objects.get()
    assert visit.left_at
    assert micro(visit.left_at.timestamp()) == LONG_AFTER
    assert visit.offers.get().ended_at == visit.left_at
