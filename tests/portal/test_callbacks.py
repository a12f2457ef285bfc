"""Callers to call back: one line a number, until they called again or were reached."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Role
from tests.factories import make_call, make_user, make_visit
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
NUMBER = "01077778888"


def abandon(account: Account, minutes_ago: int) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    call = make_call(account, started_at=at, outcome="abandoned", caller_number=NUMBER, caller_name="")
    left = at + timedelta(seconds=30)
    make_visit(call, joined_at=at, answered_at=None, left_at=left, wait_ms=30_000, agent_name="")


def test_a_number_has_one_line(admin: Client, account: Account) -> None:
    abandon(account, 30)
    abandon(account, 20)
    body = admin.get("/callbacks/").content.decode()
    assert body.count("waited 0:30") == 1
    assert "2 tries" in body


@pytest.mark.parametrize(
    ("settled", "call"),
    [
        (True, {"caller_number": NUMBER}),
        (True, {"direction": "outbound", "caller_number": "1001", "dialed_number": NUMBER}),
        (
            False,
            {"direction": "outbound", "caller_number": "1001", "dialed_number": NUMBER, "outcome": "busy"},
        ),
        (False, {"caller_number": "01011112222"}),
    ],
    ids=["called-again", "reached", "not-reached", "somebody-else"],
)
def test_a_number_goes_when_it_was_spoken_with(
    admin: Client, account: Account, settled: bool, call: dict[str, str]
) -> None:
    abandon(account, 30)
    make_call(account, started_at=timezone.now() - timedelta(minutes=10), **call)
    assert ("waited 0:30" in admin.get("/callbacks/").content.decode()) is not settled


def test_an_answer_before_settles_nothing(admin: Client, account: Account) -> None:
    make_call(account, started_at=timezone.now() - timedelta(minutes=40), caller_number=NUMBER)
    abandon(account, 30)
    assert "waited 0:30" in admin.get("/callbacks/").content.decode()


def test_the_list_is_fetched_as_csv_by_those_who_may_export(
    admin: Client, account: Account, sign_in: SignIn
) -> None:
    abandon(account, 30)
    head, row = list(csv.reader(io.StringIO(admin.get("/callbacks/?format=csv").content.decode())))
    assert (row[head.index("number")], row[head.index("waited_seconds")]) == (NUMBER, "30")
    reviewer = sign_in(make_user(account, Role.REVIEWER))
    assert b"<html" in reviewer.get("/callbacks/?format=csv").content
