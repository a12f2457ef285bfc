"""The list of files that no recording knows, and what is decided about one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Role, Switch
from recordings.models import Orphan, OrphanState, Recording, State
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def switch(account: Account) -> Switch:
    return factories.make_switch(account)


def orphan(switch: Switch, name: str = "lost.wav", **fields: Any) -> Orphan:
    defaults: dict[str, Any] = {
        "account": switch.account,
        "path": f"/var/lib/freeswitch/recordings/{name}",
        "size": 1000,
        "modified_at": timezone.now() - timedelta(hours=2),
        "state": OrphanState.WAITING,
    }
    return Orphan.objects.create(switch=switch, **defaults | fields)


def test_the_list_shows_what_waits_in_pages(
    admin: Client, switch: Switch, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(60):
        orphan(switch, f"{number:03}.wav", modified_at=factories.NOON + timedelta(minutes=number))
    orphan(switch, "seen.wav", state=OrphanState.SEEN)
    with django_assert_max_num_queries(8):
        page = admin.get("/orphans/").content.decode()
    assert "059.wav" in page
    assert "010.wav" in page
    assert "009.wav" not in page
    assert "seen.wav" not in page
    older = page.split('href="?older=')[1].split('"')[0]
    assert "009.wav" in admin.get(f"/orphans/?older={older}").content.decode()
    assert admin.get("/orphans/?older=nonsense").status_code == 200


def test_an_admin_sees_those_of_the_own_switch_only(admin: Client, switch: Switch, sign_in: SignIn) -> None:
    orphan(switch)
    theirs = orphan(factories.make_switch(factories.make_account()), "theirs.wav")
    shared = orphan(factories.make_switch(), "shared.wav")
    page = admin.get("/orphans/").content.decode()
    assert "lost.wav" in page
    assert "theirs.wav" not in page
    assert "shared.wav" not in page
    for hidden in (theirs, shared):
        assert admin.get(f"/orphans/{hidden.pk.hex}/").status_code == 404
        assert admin.post(f"/orphans/{hidden.pk.hex}/", {"do": "discard"}).status_code == 404
    operator = sign_in(factories.make_operator()).get("/orphans/").content.decode()
    assert all(name in operator for name in ("lost.wav", "theirs.wav", "shared.wav"))


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_it_is_not_there_for_others(account: Account, switch: Switch, sign_in: SignIn, role: Role) -> None:
    assert sign_in(factories.make_user(account, role)).get("/orphans/").status_code == 404


def test_a_call_is_suggested_by_the_id_in_the_name_else_by_its_end(
    admin: Client, account: Account, switch: Switch
) -> None:
    named = factories.make_call(account, switch=switch, caller_number="0101111")
    now = timezone.now()
    near = factories.make_call(
        account,
        switch=switch,
        caller_number="0102222",
        started_at=now - timedelta(minutes=130),
        ended_at=now - timedelta(minutes=119),
    )
    by_name = orphan(switch, f"x_{named.leg_uuid}.wav")
    page = admin.get(f"/orphans/{by_name.pk.hex}/").content.decode()
    assert named.pk.hex in page
    assert near.pk.hex not in page
    page = admin.get(f"/orphans/{orphan(switch).pk.hex}/").content.decode()
    assert near.pk.hex in page
    assert named.pk.hex not in page


def test_it_is_given_to_a_call(admin: Client, account: Account, switch: Switch) -> None:
    call, file = factories.make_call(account, switch=switch), orphan(switch)
    answer = admin.post(f"/orphans/{file.pk.hex}/", {"do": "link", "other": call.leg_uuid})
    assert answer.headers["Location"] == f"/calls/{call.pk.hex}/"
    recording = Recording.objects.get()
    assert (recording.call, recording.state, recording.source_path) == (call, State.RECEIVED, file.path)


def test_a_call_of_another_tenant_cannot_be_given_a_file(admin: Client, switch: Switch) -> None:
    call, file = factories.make_call(factories.make_account()), orphan(switch)
    for other in (call.pk.hex, call.leg_uuid, ""):
        answer = admin.post(f"/orphans/{file.pk.hex}/", {"do": "link", "other": other})
        assert answer.headers["Location"] == f"/orphans/{file.pk.hex}/"
    assert not Recording.objects.exists()


def test_it_is_taken_off_the_list(admin: Client, switch: Switch) -> None:
    file = orphan(switch)
    admin.post(f"/orphans/{file.pk.hex}/", {"do": "discard"})
    assert "lost.wav" not in admin.get("/orphans/").content.decode()
    assert admin.get(f"/orphans/{file.pk.hex}/").status_code == 404
