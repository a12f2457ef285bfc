"""Storage of an account: a bucket that is tried before it is used, and keys that nobody sees again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.test import Client

from accounts.models import Account, AuditEntry
from recordings.stores import AudioStore, store_for
from tests import factories
from tests.portal.conftest import SignIn
from tests.recordings.s3 import faulty_proxy, refuse, s3_server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
        )
        client.create_bucket(Bucket="calls")
        client.close()
        yield address


@pytest.fixture(autouse=True)
def _operator_allows_this_machine(settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = ["127.0.0.1"]


def bucket(endpoint: str, **changes: str) -> dict[str, str]:
    form = {
        "kind": "s3",
        "endpoint": endpoint,
        "bucket": "calls",
        "prefix": "",
        "region": "us-east-1",
        "access_key": "AKIA-access",
        "secret_key": "very-secret",
    }
    return form | changes


def test_a_test_writes_reads_and_deletes_and_saves_nothing(admin: Client, server: str) -> None:
    with faulty_proxy(server) as proxy:
        page = admin.post("/settings/storage/", bucket(proxy.address) | {"test": "1"}).content.decode()
    asked = [asked.method for asked in proxy.faults.asked]
    assert "It works." in page
    assert [asked.index(method) for method in ("PUT", "GET", "DELETE")] == sorted(
        asked.index(method) for method in ("PUT", "GET", "DELETE")
    )
    assert not AudioStore.objects.exists()
    assert "very-secret" not in page


@pytest.mark.parametrize(
    ("method", "code", "step", "said"),
    [
        ("PUT", "AccessDenied", "Write an object", "The keys may not do this."),
        ("GET", "AccessDenied", "Read it back", "The keys may not do this."),
        ("DELETE", "AccessDenied", "Delete it", "The keys may not do this."),
        ("PUT", "InvalidAccessKeyId", "Write an object", "The storage does not know this access key."),
        ("PUT", "NoSuchBucket", "Write an object", "There is no such bucket."),
    ],
)
def test_what_fails_is_said(admin: Client, server: str, method: str, code: str, step: str, said: str) -> None:
    with faulty_proxy(server) as proxy:
        proxy.faults.fail(refuse(404 if code == "NoSuchBucket" else 403, code), method)
        page = admin.post("/settings/storage/", bucket(proxy.address) | {"test": "1"}).content.decode()
    assert f'<span class="state is-bad">{step}</span>' in page
    assert said in page


def test_nobody_at_the_address_is_said_too(admin: Client) -> None:
    page = admin.post("/settings/storage/", bucket("http://127.0.0.1:1") | {"test": "1"}).content.decode()
    assert "Nothing answers at this address" in page


def test_an_address_inside_the_own_network_is_refused(admin: Client, settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = []
    answer = admin.post("/settings/storage/", bucket("http://127.0.0.1:9000") | {"test": "1"})
    assert (answer.status_code, b'id="id_endpoint_error"' in answer.content) == (400, True)


def test_a_bucket_is_saved_and_told_without_its_keys(account: Account, admin: Client, server: str) -> None:
    page = admin.post("/settings/storage/", bucket(server), follow=True).content.decode()
    store = store_for(account.pk)
    assert store
    assert (store.bucket, store.secret_key, store.current) == ("calls", "very-secret", True)
    entry = AuditEntry.objects.get()
    assert entry.detail["changes"]["storage"] == ["inherited", f"{server}/calls"]
    assert "very-secret" not in page + str(entry.detail)
    assert "AKIA-access" not in page + str(entry.detail)


def test_keys_left_empty_stay_and_go_nowhere_else(account: Account, admin: Client, server: str) -> None:
    admin.post("/settings/storage/", bucket(server))
    empty = {"access_key": "", "secret_key": ""}
    assert admin.post("/settings/storage/", bucket(server, region="eu-west-1", **empty)).status_code == 302
    store = AudioStore.objects.get()
    assert (store.region, store.secret_key) == ("eu-west-1", "very-secret")
    elsewhere = admin.post("/settings/storage/", bucket(server, bucket="others", **empty))
    assert (elsewhere.status_code, b'id="id_secret_key_error"' in elsewhere.content) == (400, True)


def test_another_place_is_another_storage_and_the_way_back_the_first(
    account: Account, admin: Client, server: str
) -> None:
    for prefix in ("", "second", ""):
        admin.post("/settings/storage/", bucket(server, prefix=prefix))
    assert AudioStore.objects.count() == 2
    assert AudioStore.objects.get(current=True).prefix == ""


def test_what_is_given_up_is_inherited_again(account: Account, admin: Client, server: str) -> None:
    admin.post("/settings/storage/", bucket(server))
    admin.post("/settings/storage/", {"kind": "", "bucket": "NOT a bucket"})
    assert store_for(account.pk) is None
    assert AudioStore.objects.count() == 1


def test_below_a_reseller_the_servers_own_storage_is_a_choice(
    account: Account, sign_in: SignIn, server: str
) -> None:
    AudioStore.objects.create(
        account=account, bucket="calls", endpoint=server, access_key="a", secret_key="b"
    )
    child = factories.make_account("Child", parent=account)
    admin = sign_in(factories.make_user(child))
    page = admin.get("/settings/storage/").content.decode()
    assert "The storage of the account above" in page
    assert server not in page
    assert "It works." in admin.post("/settings/storage/", {"kind": "", "test": "1"}).content.decode()
    admin.post("/settings/storage/", {"kind": "server"})
    assert store_for(child.pk) is None
