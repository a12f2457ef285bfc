"""Figures of queues and agents over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Account
from cdr.recount import rebuild
from tests.api.conftest import Api
from tests.factories import NOON, make_call, make_offer, make_queue, make_visit

MARCH = {"created_from": "2026-03-01T00:00:00Z", "created_to": "2026-03-31T23:59:59Z"}


def visit_at(account: Account, at: datetime, queue: str = "3000@default") -> None:
    visit = make_visit(make_call(account, started_at=at), queue, joined_at=at)
    make_offer(visit)


def test_a_row_is_a_queue_in_a_stretch_of_time(api: Api) -> None:
    make_queue(api.account, "3000@default", label="Support")
    visit_at(api.account, NOON)
    rebuild(api.account)
    [row] = api.rows("/stats/queues", by="quarter_hour", **MARCH)
    assert (row["queue"], row["label"]) == ("3000@default", "Support")
    assert (row["start"], row["end"]) == ("2026-03-02T12:00:00.000Z", "2026-03-02T12:15:00.000Z")
    assert (row["offered"], row["answered"], row["service_level"], row["asa_seconds"]) == (1, 1, 1.0, 10.0)


@pytest.mark.parametrize(
    ("by", "rows"), [("quarter_hour", 100), ("hour", 25), ("day", 1), ("week", 1), ("month", 1)]
)
def test_the_day_on_which_the_clock_goes_back_has_25_hours(api: Api, by: str, rows: int) -> None:
    Account.objects.filter(pk=api.account.pk).update(time_zone="Europe/Berlin")
    api.account.refresh_from_db()
    midnight = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    for quarter in range(100):
        visit_at(api.account, midnight + quarter * timedelta(minutes=15))
    rebuild(api.account)
    day = {"created_from": "2026-10-24T22:00:00Z", "created_to": "2026-10-25T22:59:59Z"}
    found = api.rows("/stats/queues", by=by, **day)
    assert len(found) == rows
    assert sum(row["offered"] for row in found) == 100


def test_days_are_right_before_they_are_added_up_and_after_the_zone_changed(api: Api) -> None:
    visit_at(api.account, datetime(2026, 3, 2, 23, 50, tzinfo=UTC))
    rebuild(api.account)
    Account.objects.filter(pk=api.account.pk).update(time_zone="Asia/Kathmandu")
    starts = {"2026-03-02T18:15:00.000Z"}
    assert {row["start"] for row in api.rows("/stats/queues", by="day", **MARCH)} == starts
    api.account.refresh_from_db()
    rebuild(api.account)
    assert {row["start"] for row in api.rows("/stats/queues", by="day", **MARCH)} == starts


def test_agents_have_their_time(api: Api) -> None:
    visit_at(api.account, NOON)
    rebuild(api.account)
    [row] = api.rows("/stats/agents", by="month", agent="1001", **MARCH)
    assert (row["offered"], row["answered"], row["talk_seconds"], row["occupancy"]) == (1, 1, 50.0, None)


@pytest.mark.parametrize(
    "query",
    [{"by": "year"}, {"filter_queue": "x"}, {"agent": "1001"}, MARCH | {"created_from": "2030-01-01"}],
)
def test_what_is_not_known_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api.own("/stats/queues", **query).status_code == 400
