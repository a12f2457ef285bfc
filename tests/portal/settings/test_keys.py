"""API keys of an account in the portal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import find_key, issue_key
from accounts.models import Account, ApiKey, AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_lets_a_program_in(account: Account, admin: Client) -> None:
    soon = (timezone.now() + timedelta(days=30)).date()
    form = {"name": "CRM", "role": "reviewer", "scopes": "cdrs:read, recordings", "expires_on": str(soon)}
    page = admin.post("/settings/keys/", form).content.decode()
    key = ApiKey.objects.get()
    plain = page.split('class="input mono" value="')[1].split('"')[0]
    assert find_key(plain) == key
    assert (key.role, key.scopes) == ("reviewer", ["cdrs:read", "recordings"])
    assert key.expires_at
    assert key.expires_at.astimezone(account.zone).date() == soon + timedelta(days=1)
    after = admin.get("/settings/keys/").content.decode()
    assert plain not in after
    assert key.prefix in after
    assert plain not in str(AuditEntry.objects.get().detail)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"role": "operator"}, "role"),
        ({"scopes": "everything:read"}, "scopes"),
        ({"scopes": "NO"}, "scopes"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": "soon"}, "expires_on"),
    ],
)
def test_what_cannot_be_is_refused(admin: Client, wrong: dict[str, str], field: str) -> None:
    answer = admin.post("/settings/keys/", {"name": "CRM", "role": "admin"} | wrong)
    assert (answer.status_code, f'id="id_{field}_error"' in answer.content.decode()) == (400, True)
    assert not ApiKey.objects.exists()


def test_a_revoked_key_lets_nobody_in(account: Account, admin: Client) -> None:
    key, plain = issue_key(account)
    admin.post(f"/settings/keys/{key.pk.hex}/revoke")
    assert find_key(plain) is None
    assert [entry.action for entry in AuditEntry.objects.all()] == ["revoke"]
    assert "Revoked" in admin.get("/settings/keys/").content.decode()


def test_another_accounts_key_is_not_there(admin: Client) -> None:
    key, plain = issue_key(factories.make_account("Stranger"))
    assert admin.post(f"/settings/keys/{key.pk.hex}/revoke").status_code == 404
    assert find_key(plain)
