"""The page of what is kept, what is on hold and who did what: for administrators, about their account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import Account, AuditEntry, Role
from recordings.holding import hold_number
from recordings.holds import HoldKind, LegalHold
from recordings.models import Damage
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"/compliance/{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_night_is_told_beforehand(account: Account, admin: Client) -> None:
    Account.objects.update(keep_recordings_days=30)
    old = timezone.now() - timedelta(days=40)
    for number in ("01055551234", "01055550000"):
        call = factories.make_call(account, started_at=old, caller_number=number)
        factories.make_media(factories.make_recording(call, stored_at=old))
    hold_number(account, "010 5555 1234", None, "Case 1")
    page = shown(admin)
    assert '<dt>Recordings</dt><dd class="num">1</dd>' in page
    assert "31.3 KB of audio; 1 on hold stay" in page


def test_days_are_saved_and_written_down(account: Account, admin: Client) -> None:
    data = {"keep_calls_days": "365", "keep_recordings_days": "", "keep_exports_days": "7"}
    assert "Saved." in admin.post("/compliance/retention", data, follow=True).content.decode()
    account.refresh_from_db()
    assert (account.keep_calls_days, account.keep_recordings_days, account.keep_exports_days) == (
        365,
        None,
        7,
    )
    assert AuditEntry.objects.get().detail["fields"] == ["keep_calls_days", "keep_exports_days"]


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999"])
def test_days_that_cannot_be_are_refused(account: Account, admin: Client, days: str) -> None:
    answer = admin.post("/compliance/retention", {"keep_calls_days": days})
    assert (answer.status_code, b'id="e-keep_calls_days"' in answer.content) == (400, True)
    account.refresh_from_db()
    assert account.keep_calls_days is None


def test_a_number_is_held_and_released(account: Account, admin: Client) -> None:
    data = {"kind": "number", "number": "+82 10-5555-1234", "reason": "Case <7>"}
    page = admin.post("/compliance/holds", data, follow=True).content.decode()
    assert "Case &lt;7&gt;" in page
    hold = LegalHold.objects.get()
    assert " 01055551234 " in hold.forms
    address = f"/compliance/holds/{hold.pk.hex}/release"
    assert "Released" in admin.post(address, follow=True).content.decode()
    hold.refresh_from_db()
    assert hold.released_at is not None


def test_a_period_is_read_in_the_accounts_zone(account: Account, admin: Client) -> None:
    times = {"begins_at": "2026-11-01T09:00", "ends_at": "2026-11-02T09:00"}
    admin.post("/compliance/holds", {"kind": "period", "reason": "Case 8", **times})
    hold = LegalHold.objects.get(kind=HoldKind.PERIOD)
    assert hold.begins_at
    assert hold.begins_at.isoformat() == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"kind": "number", "number": "nobody"}, "number"),
        ({"kind": "number"}, "number"),
        ({"kind": "period", "begins_at": "2026-11-02T09:00"}, "ends"),
        ({"kind": "period", "begins_at": "2026-11-02T09:00", "ends_at": "2026-11-01T09:00"}, "ends"),
        ({"kind": "period", "begins_at": "soon", "ends_at": "2026-11-01T09:00"}, "begins"),
        ({"kind": "number", "number": "010 5555 1234", "reason": ""}, "reason"),
    ],
)
def test_a_hold_that_says_too_little_is_refused(admin: Client, data: dict[str, str], wrong: str) -> None:
    answer = admin.post("/compliance/holds", {"reason": "Case 9"} | data)
    assert (answer.status_code, f'id="e-{wrong}"' in answer.content.decode()) == (400, True)
    assert not LegalHold.objects.exists()


def test_damaged_files_are_shown(account: Account, admin: Client) -> None:
    media = factories.make_media(factories.make_recording(factories.make_call(account)))
    assert "Every file is whole" in shown(admin)
    type(media).objects.update(damage=Damage.CHANGED)
    assert media.file_name in shown(admin)


def test_the_log_is_found_by_who_what_and_thing(account: Account, admin: Client) -> None:
    call = factories.make_call(account)
    audit.record(None, "recording.play", call, note="first")
    audit.record(None, "recording.download", call, note="second")
    assert "note: first" in shown(admin, "?did=recording.play")
    assert "note: second" not in shown(admin, "?did=recording.play")
    assert "note: second" in shown(admin, "?who=SYS&thing=call")
    assert "Nothing of this kind" in shown(admin, "?who=nobody")


def test_the_log_goes_on_page_by_page(account: Account, admin: Client) -> None:
    for number in range(60):
        audit.record(None, "test", account, number=f"n{number:02}")
    first = shown(admin)
    older = first.split('class="btn btn-small" href="')[-1].split('"')[0].replace("&amp;", "&").split("#")[0]
    second = shown(admin, older)
    numbers = {f"number: n{number:02}<" for number in range(60)}
    assert {n for n in numbers if n in first} | {n for n in numbers if n in second} == numbers
    assert not {n for n in numbers if n in first} & {n for n in numbers if n in second}


@pytest.mark.parametrize("cursor", ["x", "2026-11-01T09:00_x", "_", "\x00"])
def test_a_bent_cursor_is_the_first_page(admin: Client, account: Account, cursor: str) -> None:
    audit.record(None, "test", account, number="here")
    assert "number: here" in " ".join(admin.get("/compliance/", {"older": cursor}).content.decode().split())


def test_it_asks_as_often_for_many_as_for_few(
    account: Account, admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        factories.make_media(factories.make_recording(factories.make_call(account)))
        hold_number(account, f"010 5555 12{number:02}", None, "Case")
    with django_assert_max_num_queries(16):
        shown(admin)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_it_is_not_there_for_others(account: Account, sign_in: SignIn, role: Role) -> None:
    client = sign_in(factories.make_user(account, role))
    assert client.get("/compliance/").status_code == 404
    assert client.post("/compliance/retention", {}).status_code == 404
    assert "Compliance" not in client.get("/calls/").content.decode()
