"""Figures are what a count of the rows gives, after whatever was done to the rows."""

from __future__ import annotations

import random

import pytest

from accounts.models import Account, Switch
from ccportal import pipeline
from cdr import recount
from cdr.models import Call, QueueFigures
from cdr.rollups import counted
from tests import captures
from tests import factories as make
from tests.cdr.naive import assert_equal

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make.make_account(time_zone="Asia/Kathmandu")


@pytest.fixture
def switch(account: Account) -> Switch:
    return make.make_switch(account, offnet_profiles=["blueivr"], offnet_contexts=["blueivr"])


def test_every_captured_call_is_counted(account: Account, switch: Switch) -> None:
    pipeline.apply_bodies(switch, captures.every_body())
    assert_equal(account)
    assert QueueFigures.objects.filter(account=account, offered__gt=0).exists()


def test_events_late_doubled_and_in_any_order_are_counted_once(account: Account, switch: Switch) -> None:
    bodies = captures.every_body()
    chance = random.Random(7)
    bodies += chance.sample(bodies, len(bodies) // 5)
    chance.shuffle(bodies)
    for start in range(0, len(bodies), 400):
        pipeline.apply_bodies(switch, bodies[start : start + 400])
    assert_equal(account)


def test_a_removed_call_is_no_longer_counted(account: Account, switch: Switch) -> None:
    pipeline.apply_bodies(switch, captures.every_body())
    ids = list(Call.objects.order_by("pk").values_list("pk", flat=True))
    with counted(ids[::2]):
        Call.objects.filter(pk__in=ids[::2]).delete()
    assert_equal(account)


def test_counting_again_changes_nothing(account: Account, switch: Switch) -> None:
    pipeline.apply_bodies(switch, captures.every_body())
    assert recount.rebuild(account).repaired == 0
    assert_equal(account)
