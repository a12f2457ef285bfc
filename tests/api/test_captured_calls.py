"""The columns of a call centre, for calls as a real switch told them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cdr.ingest import ingest
from switch.esl.translate import Translator
from tests import captures
from tests.api.conftest import Api
from tests.factories import make_switch

WITH_VISITS = [name for name in captures.names() if captures.index()[name].get("queue_visits")]


def stamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(captures.micro(seconds) / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: float, end: float) -> int:
    return (round((end - start) * 1000) + 500) // 1000


@pytest.mark.parametrize("name", WITH_VISITS)
def test_queue_calls_are_what_the_index_says(api: Api, name: str) -> None:
    translator = Translator()
    events = [event for body in captures.bodies(name) if (event := translator.translate(body))]
    ingest(make_switch(api.account), events)
    told = captures.index()[name]
    rows = {(row["uuid"], row["queue_entered_stamp"]): row for row in api.rows("/queue_calls")}
    assert len(rows) == len(told["queue_visits"])
    for visit in told["queue_visits"]:
        row = rows[visit["session"], stamp(visit["joined"])]
        offers = [offer for offer in told["offers"] if offer["session"] == visit["session"]]
        answered = next((offer["answered"] for offer in offers if offer["agent"] == visit["agent"]), None)
        compare(row, visit, answered)


def compare(row: dict[str, Any], visit: dict[str, Any], answered: float | None) -> None:
    assert row["caller_id_number"] == visit["caller"]
    assert row["queue_name"] == visit["queue"]
    assert (row["agent_name"], row["bleg_uuid"]) == (visit["agent"] or "", visit["agent_leg"] or "")
    assert (row["cause"], row["cancel_reason"]) == (visit["cause"], visit["cancel_reason"] or "NONE")
    assert row["hangup_cause"] == visit["hangup_cause"]
    assert row["end_stamp"] == stamp(visit["left"])
    if visit["agent"] is None:
        assert (row["answer_stamp"], row["duration"], row["answered_number"]) == (None, 0, "")
        assert row["wait_seconds"] == seconds_between(visit["joined"], visit["left"])
    else:
        assert answered is not None
        assert row["answer_stamp"] == stamp(answered)
        assert row["duration"] == seconds_between(answered, visit["left"])
        assert row["wait_seconds"] == seconds_between(visit["joined"], answered)
