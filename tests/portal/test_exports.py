"""The page of exports, and asking for them from the calls list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AuditEntry, Role
from ccportal.exports import work
from recordings.exports import Export
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clean_storage(tmp_path: Path, settings: Any) -> None:
    storages = {**settings.STORAGES}
    storages["recordings"] = {**storages["recordings"], "OPTIONS": {"location": tmp_path / "audio"}}
    settings.STORAGES = storages
    settings.DATA_DIR = tmp_path


def page(client: Client, path: str = "/exports/") -> str:
    return client.get(path).content.decode()


def fetched(client: Client, export: Export) -> Any:
    return client.get(f"/exports/{export.pk.hex}/file")


def make_call(account: Account, **fields: Any) -> Any:
    return factories.make_call(account, started_at=timezone.now() - timedelta(hours=1), **fields)


def test_the_list_is_exported_as_its_filters_have_it(admin: Client, account: Account) -> None:
    make_call(account, caller_number="0311112222")
    make_call(account, caller_number="0399992222")
    assert "No exports yet" in page(admin)
    assert 'name="list" value="?q=0311112222"' in page(admin, "/calls/?q=0311112222")
    answer = admin.post("/exports/", {"what": "calls-csv", "list": "?q=0311112222"}, follow=True)
    assert "Begun." in answer.content.decode()
    export = Export.objects.get()
    assert 'hx-trigger="every 2s"' in page(admin, "/exports/part")
    work.go_on(export.pk.hex)
    shown = page(admin, "/exports/part")
    assert "hx-trigger" not in shown
    assert ">1 row<" in shown
    sent = b"".join(fetched(admin, export).streaming_content)
    assert b"0311112222" in sent
    assert b"0399992222" not in sent
    assert AuditEntry.objects.filter(action="export.download").count() == 1


def test_ticked_calls_are_exported_alone(admin: Client, account: Account) -> None:
    ticked, _ = make_call(account), make_call(account)
    assert f'name="call" value="{ticked.pk.hex}"' in page(admin, "/calls/")
    admin.post("/exports/", {"what": "recordings-zip", "list": "?", "call": [ticked.pk.hex]})
    export = Export.objects.get()
    assert (export.kind, export.format, export.chosen) == ("recordings", "zip", {"ids": [ticked.pk.hex]})
    work.go_on(export.pk.hex)
    assert "0 files, 1 missing" in page(admin)


def test_an_export_is_deleted(admin: Client, account: Account) -> None:
    admin.post("/exports/", {"what": "calls-xlsx", "list": "?"})
    export = Export.objects.get()
    assert "is deleted." in admin.post(f"/exports/{export.pk.hex}/delete", follow=True).content.decode()
    assert "No exports yet" in page(admin)
    assert admin.get(f"/exports/{export.pk.hex}/file").status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AGENT])
def test_who_may_not_export_finds_no_page(sign_in: SignIn, account: Account, role: Role) -> None:
    user = factories.make_user(account, role)
    make_call(account, user=user)
    client = sign_in(user)
    assert client.get("/exports/").status_code == 404
    assert client.post("/exports/", {"what": "calls-csv"}).status_code == 404
    assert "/exports/" not in page(client, "/calls/")


def test_nonsense_is_told_and_asks_for_nothing(admin: Client) -> None:
    answer = admin.post("/exports/", {"what": "everything"}, follow=True)
    assert "Choose what to export." in answer.content.decode()
    assert not Export.objects.exists()


def test_more_exports_are_no_more_queries(admin: Client, account: Account) -> None:
    def asked() -> int:
        for _ in range(3):
            Export.objects.create(account=account, kind="calls", format="csv", file_name="x.csv")
        with CaptureQueriesContext(connection) as queries:
            page(admin)
        return len(queries)

    asked()
    assert asked() == asked() <= 8
