from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.keys import (
    find_key,
    find_token,
    issue_key,
    issue_token,
    revoke_key,
    revoke_token,
)
from accounts.models import ApiKey, AuthToken, Role
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db


def test_a_key_is_found_by_its_secret_and_the_secret_is_not_kept() -> None:
    key, plain = issue_key(make_account())
    assert find_key(plain) == key
    assert len(plain) == 64
    assert plain not in str(ApiKey.objects.values().get())


@pytest.mark.parametrize("wrong", ["", "x", "\x00", "\udcff", "0" * 64])
def test_a_wrong_secret_finds_nothing(wrong: str) -> None:
    issue_key(make_account())
    assert find_key(wrong) is None
    assert find_token(wrong) is None


def test_the_hash_is_no_secret() -> None:
    key, _ = issue_key(make_account())
    assert find_key(key.key_hash) is None


def test_a_revoked_key_and_its_tokens_end() -> None:
    key, plain = issue_key(make_account())
    token = issue_token(api_key=key)
    assert find_token(token)
    revoke_key(key)
    assert key.revoked_at
    assert find_key(plain) is None
    assert find_token(token) is None


def test_a_disabled_accounts_key_and_tokens_end() -> None:
    account = make_account()
    key, plain = issue_key(account)
    tokens = [issue_token(api_key=key), issue_token(user=make_user(account))]
    account.enabled = False
    account.save()
    assert find_key(plain) is None
    assert [find_token(token) for token in tokens] == [None, None]


def test_a_key_is_never_an_operators() -> None:
    with pytest.raises(ValidationError):
        issue_key(make_account(), Role.OPERATOR)


def test_a_token_ends_with_its_hour() -> None:
    token = issue_token(user=make_user(make_account()))
    assert find_token(token)
    AuthToken.objects.update(expires_at=timezone.now())
    assert find_token(token) is None


def test_a_token_can_be_revoked() -> None:
    plain = issue_token(user=make_user(make_account()))
    token = find_token(plain)
    assert token
    revoke_token(token)
    assert find_token(plain) is None


def test_a_persons_tokens_end_with_the_password_and_the_person() -> None:
    user = make_user(make_account())
    first = issue_token(user=user)
    user.set_password("another password")
    user.save()
    second = issue_token(user=user)
    assert find_token(first) is None
    assert find_token(second)
    user.is_active = False
    user.save()
    assert find_token(second) is None


def test_tokens_long_expired_are_forgotten() -> None:
    user = make_user(make_account())
    issue_token(user=user, lifetime=-timedelta(days=2))
    issue_token(user=user)
    assert AuthToken.objects.count() == 1


def test_a_token_is_a_persons_or_a_keys() -> None:
    with pytest.raises(ValueError, match="person"):
        issue_token()


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    key, plain = issue_key(make_account())
    find_key(plain)
    key.refresh_from_db()
    first = key.last_used_at
    find_key(plain)
    key.refresh_from_db()
    assert first
    assert key.last_used_at == first
