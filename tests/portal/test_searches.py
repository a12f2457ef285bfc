"""Who searched calls for what is on record, once; the log is found by person, deed, thing and days."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import Account, AuditEntry, Role
from ccportal.portal import audit_log
from ccportal.portal.searches import SEARCHED
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
RESULTS = {"HX-Request": "true", "HX-Target": "results"}


def searched() -> list[str]:
    return [row.detail["text"] for row in AuditEntry.objects.filter(action=SEARCHED).order_by("at")]


def test_a_search_is_kept_once_as_it_was_typed(account: Account, admin: Client) -> None:
    factories.make_call(account)
    for _ in range(2):
        admin.get("/calls/?q=%2B82+10-5840 0500, kim")
    admin.get("/calls/?q=%2B82+10-5840 0500, kim&outcome=answered", headers=RESULTS)
    admin.get("/calls/?outcome=answered")
    admin.get("/calls/count?q=010")
    assert searched() == ["+82 10-5840 0500, kim"]
    entry = AuditEntry.objects.get(action=SEARCHED)
    assert (entry.account, entry.user) == (account, account.users.get())


def test_what_is_typed_on_is_one_search(account: Account, admin: Client) -> None:
    for typed in ("010", "010-58", "010-5840", "010-58"):
        admin.get(f"/calls/?q={typed}", headers=RESULTS)
    admin.get("/calls/?q=kim", headers=RESULTS)
    assert searched() == ["010-5840", "kim"]


def test_the_same_search_later_or_by_another_is_another(
    account: Account, admin: Client, sign_in: SignIn
) -> None:
    admin.get("/calls/?q=kim")
    AuditEntry.objects.update(at=timezone.now() - timedelta(minutes=11))
    admin.get("/calls/?q=kim")
    sign_in(factories.make_user(account, Role.REVIEWER)).get("/calls/?q=kim")
    assert searched() == ["kim", "kim", "kim"]


@pytest.fixture
def log(account: Account) -> None:
    told = (("recording.play", 0), ("recording.download", 1), ("export.create", 2), ("hold.place", 40))
    for action, days in told:
        entry = audit.record(None, action, account, file="=cmd()|'x'!A0")
        AuditEntry.objects.filter(pk=entry.pk).update(
            at=timezone.now() - timedelta(days=days), actor=f"p{days}"
        )


def rows_of(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode()
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("did=listened", ["recording.play"]),
        ("did=downloaded", ["recording.download"]),
        ("did=hold.place", ["hold.place"]),
        ("who=p2", ["export.create"]),
        ("thing=device", []),
        (f"to={timezone.now() - timedelta(days=20):%Y-%m-%d}", ["hold.place"]),
        (
            f"from={timezone.now() - timedelta(days=20):%Y-%m-%d}",
            ["recording.play", "recording.download", "export.create"],
        ),
    ],
    ids=["listened", "downloaded", "an action", "who", "thing", "until", "since"],
)
def test_the_page_and_the_file_have_what_fits(admin: Client, query: str, found: list[str]) -> None:
    page = admin.get(f"/compliance/?{query}").content.decode()
    assert [line for line in found if f">{line}<" in page] == found
    head, *rows = rows_of(admin.get(f"/compliance/audit.csv?{query}"))
    assert [row[head.index("did")] for row in rows] == found
    assert all(row[head.index("more")].startswith(("file: ", "'")) for row in rows)


@pytest.mark.usefixtures("log")
def test_the_file_has_all_of_a_long_log_and_is_on_record(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "LOOKED_AT", 2)
    _, *rows = rows_of(admin.get("/compliance/audit.csv"))
    assert len(rows) == 4
    assert AuditEntry.objects.filter(action="audit.download").count() == 1
