"""Nothing that comes late brings back a call that was removed; new calls come in as ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Switch
from ccportal.pipeline import apply_bodies
from cdr.models import Call, Evidence, EvidenceKey, Leg
from recordings.models import Recording
from recordings.retention import remove_calls, retain
from tests import captures
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(keep_calls_days=1)


@pytest.fixture
def switch(account: Account) -> Switch:
    return make_switch(account, offnet_profiles=["blueivr"], offnet_contexts=["blueivr"])


def forget_all(account: Account) -> None:
    Call.objects.update(account=account, started_at=timezone.now() - timedelta(days=9), ended_at=None)
    while remove_calls(account):
        pass
    assert not Call.objects.exists()


def test_replayed_events_bring_nothing_back(switch: Switch, account: Account) -> None:
    for name in captures.names():
        apply_bodies(switch, captures.bodies(name))
    assert Call.objects.count() > 5
    rooms = Recording.objects.filter(call=None).count()
    forget_all(account)
    apply_bodies(switch, captures.every_body())
    for body in captures.every_body()[-40:]:
        apply_bodies(switch, [body])
    assert not Leg.objects.exists()
    assert not Evidence.objects.filter(pk__in=Call.objects.values("pk")).exists()
    assert Recording.objects.filter(call__isnull=False).count() == 0
    assert Recording.objects.filter(call=None, conference_name__gt="").count() == rooms


def test_other_calls_of_the_same_batch_come_in(switch: Switch, account: Account) -> None:
    first, second, *_ = captures.names()
    apply_bodies(switch, captures.bodies(first))
    forget_all(account)
    apply_bodies(switch, captures.bodies(first) + captures.bodies(second))
    together = {leg["uuid"] for leg in captures.index()[second]["legs"]}
    assert set(Leg.objects.values_list("uuid", flat=True)) == together


def test_what_is_forgotten_is_itself_forgotten_one_day(switch: Switch, account: Account) -> None:
    apply_bodies(switch, captures.bodies(captures.names()[0]))
    forget_all(account)
    assert EvidenceKey.objects.exists()
    EvidenceKey.objects.update(forgotten_at=timezone.now() - timedelta(days=500))
    retain()
    assert not EvidenceKey.objects.exists()
