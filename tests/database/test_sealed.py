"""Secrets in the database: encrypted with the first key, read with any, told when none fits."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts.models import Switch
from ccportal.checks import check_encryption_keys
from database.sealed import LOST_WORDS, MARK, is_lost
from recordings.buckets import StorageUnavailable, bucket_of
from recordings.delivery.models import Delivery, DeliveryState, Webhook
from recordings.delivery.news import send_test
from recordings.delivery.outbox import deliver
from recordings.models import Connector
from recordings.stores import AudioStore
from tests import factories

pytestmark = pytest.mark.django_db

OLD, NEW = "an old key of more than thirty-two letters", "a new key of more than thirty-two letters"


@pytest.fixture(autouse=True)
def _key(settings: Any) -> None:
    settings.CCPORTAL_ENCRYPTION_KEYS = [OLD]


def kept(row: Any, column: str) -> str:
    """What the table has, whatever the model makes of it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {row._meta.db_table}")
        return str(cursor.fetchone()[0])


def write_plain(row: Any, column: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {column} = %s", [value])


def make_store() -> AudioStore:
    account = factories.make_account()
    return AudioStore.objects.create(
        account=account, bucket="calls", access_key="AKIA", secret_key="very-secret"
    )


def test_a_secret_is_encrypted_and_read_again() -> None:
    store = make_store()
    assert kept(store, "secret_key").startswith(MARK)
    assert "very-secret" not in kept(store, "secret_key")
    assert AudioStore.objects.get().secret_key == "very-secret"
    assert AudioStore.objects.values_list("secret_key", flat=True).get() == "very-secret"


def test_an_empty_one_stays_empty() -> None:
    switch = factories.make_switch()
    assert kept(switch, "cdr_source") == ""
    assert not Switch.objects.exclude(cdr_source="").exists()


def test_the_longest_and_strangest_fit() -> None:
    store = make_store()
    for secret in ("\N{SNOWMAN}" * 128, "x" * 128, "sealed", "'; --"):
        store.secret_key = secret
        store.full_clean(exclude=["account"])
        store.save()
        assert AudioStore.objects.get().secret_key == secret


def test_an_object_of_secrets_is_encrypted_whole() -> None:
    secrets = {"password": "hush", "user": "ümlaut"}
    connector = Connector.objects.create(
        account=factories.make_account(), name="ERP", wsdl="https://example.com/x?wsdl", secrets=secrets
    )
    assert "hush" not in kept(connector, "secrets")
    assert Connector.objects.get().secrets == secrets


def test_what_is_from_before_is_read_and_sealed_by_the_command(capsys: Any) -> None:
    store, hook = make_store(), make_hook()
    write_plain(store, "secret_key", "from before")
    write_plain(hook, "secret", "plain")
    assert AudioStore.objects.get().secret_key == "from before"
    call_command("seal_secrets")
    assert kept(store, "secret_key").startswith(MARK)
    assert kept(hook, "secret").startswith(MARK)
    assert (AudioStore.objects.get().secret_key, Webhook.objects.get().secret) == ("from before", "plain")
    assert "2 rows sealed" in capsys.readouterr().out


def test_keys_are_changed_without_losing_anything(settings: Any) -> None:
    store = make_store()
    settings.CCPORTAL_ENCRYPTION_KEYS = [NEW, OLD]
    assert AudioStore.objects.get().secret_key == "very-secret"
    before = kept(store, "secret_key")
    call_command("seal_secrets")
    assert kept(store, "secret_key") != before
    settings.CCPORTAL_ENCRYPTION_KEYS = [NEW]
    assert AudioStore.objects.get().secret_key == "very-secret"


def test_a_lost_key_is_told_and_saving_the_row_loses_nothing(settings: Any) -> None:
    make_store()
    settings.CCPORTAL_ENCRYPTION_KEYS = [NEW]
    store = AudioStore.objects.get()
    assert is_lost(store.secret_key)
    assert not store.secret_key
    with pytest.raises(StorageUnavailable, match="CCPORTAL_ENCRYPTION_KEYS"):
        bucket_of(store)
    store.region = "eu-west-1"
    store.save()
    with pytest.raises(CommandError, match="1 rows"):
        call_command("seal_secrets")
    settings.CCPORTAL_ENCRYPTION_KEYS = [OLD]
    assert AudioStore.objects.get().secret_key == "very-secret"


def make_hook() -> Webhook:
    return Webhook.objects.create(account=factories.make_account(), name="CRM", url="http://127.0.0.1:1/")


def test_news_waits_for_the_key_and_says_so(settings: Any) -> None:
    sent = send_test(make_hook())
    Delivery.objects.update(payload={"event": "call.ended", "body": "{}"})
    settings.CCPORTAL_ENCRYPTION_KEYS = [NEW]
    delivery = deliver(sent.pk)
    assert delivery
    assert (delivery.state, delivery.error) == (DeliveryState.PENDING, LOST_WORDS)


def test_a_key_that_could_be_guessed_is_refused(settings: Any) -> None:
    assert not check_encryption_keys()
    settings.CCPORTAL_ENCRYPTION_KEYS = [OLD, "short"]
    assert [found.id for found in check_encryption_keys()] == ["ccportal.E005"]
