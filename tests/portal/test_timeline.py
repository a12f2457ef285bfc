"""Captured calls as their timelines tell them: who talked with whom, who waited, who was passed on."""

from __future__ import annotations

import pytest
from django.utils import timezone

from ccportal.pipeline import apply_bodies
from ccportal.portal.drawing import draw
from ccportal.portal.rows import Names
from ccportal.portal.timeline import Evidence, Span, Timeline
from cdr.models import Call
from tests import captures, factories

pytestmark = pytest.mark.django_db


def timeline(name: str) -> Timeline:
    switch = factories.make_switch(
        factories.make_account(), offnet_profiles=["blueivr"], offnet_contexts=["blueivr"]
    )
    apply_bodies(switch, captures.bodies(name))
    return drawing_of(Call.objects.get())


def drawing_of(call: Call) -> Timeline:
    legs, visits, offers = list(call.legs.all()), list(call.queue_visits.all()), list(call.offers.all())
    return draw(Evidence(call, legs, visits, offers, timezone.now()), Names("KR", {}, {}))


def told(drawn: Timeline) -> list[str]:
    return [happening.what for happening in drawn.happenings]


def in_order(spans: list[Span]) -> list[tuple[str, str]]:
    return [(span.kind, span.label) for span in sorted(spans, key=lambda span: span.left)]


def test_who_is_consulted_talks_with_the_caller_only_once_the_call_was_handed_over() -> None:
    drawn = timeline("attended_transfer")
    assert [row.name for row in drawn.rows] == ["010-1234-0020", "1001", "1001, line 2", "1002"]
    assert in_order(drawn.rows[0].spans) == [
        ("offer", "Ringing"),
        ("talk", "With 1001"),
        ("hold", ""),
        ("talk", "With 1002"),
    ]
    assert {"1001 calls 1002", "1001 transfers the call to 1002"} <= set(told(drawn))
    assert len(drawn.transfers) == 1


def test_a_blind_transfer_rings_in_the_caller_s_ear() -> None:
    drawn = timeline("queue_blind_transfer")
    assert in_order(drawn.rows[0].spans)[-3:] == [
        ("talk", "With 1001"),
        ("offer", ""),
        ("talk", "With 1003"),
    ]
    assert [span.after for span in drawn.rows[1].spans if span.after] == ["Transferred to 1003"]


def test_who_waits_again_was_not_in_a_menu_and_not_transferred() -> None:
    drawn = timeline("queue_requeue")
    assert [kind for kind, _ in in_order(drawn.rows[0].spans)] == ["wait", "talk", "wait", "talk"]
    assert drawn.transfers == []


def test_what_the_switch_calls_every_leg_is_no_name() -> None:
    drawn = timeline("fail_busy")
    assert [row.name for row in drawn.rows] == ["1001", "010-9999-0001"]
    assert not any("Outbound Call" in what for what in told(drawn))


def test_words_stand_over_nothing_else() -> None:
    missed = [span for span in timeline("queue_max_no_answer").rows[1].spans if span.kind == "missed"]
    assert [bool(span.label) for span in missed] == [False, True]


def test_every_capture_is_drawn_within_its_length() -> None:
    apply_bodies(factories.make_switch(factories.make_account()), captures.every_body())
    assert Call.objects.count() > 30
    for call in Call.objects.all():
        drawn = drawing_of(call)
        spans = [span for row in drawn.rows for span in row.spans]
        assert spans
        assert all(0 <= span.left <= span.left + span.width <= 100.001 for span in spans)
        assert all(0 <= happening.offset_ms <= drawn.scale.total_ms for happening in drawn.happenings)
