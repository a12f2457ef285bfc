"""What is sent to other places: who sees which of it, and sending again what did not arrive."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, AuditEntry, Role
from recordings.delivery import again, outbox
from recordings.delivery.models import DeliveryState
from recordings.models import Delivery, Recording, Webhook
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
URL = "https://ann:s3cret@files.example/in/?key=k3y"


@pytest.fixture
def recording(account: Account) -> Recording:
    return factories.make_recording(factories.make_call(account))


def make_delivery(account: Account, state: str = DeliveryState.FAILED, **fields: Any) -> Delivery:
    over = None if state == DeliveryState.PENDING else timezone.now()
    defaults: dict[str, Any] = {
        "kind": "recording",
        "subject": "Recording as mp3",
        "url": URL,
        "attempts": 3,
        "finished_at": over,
        "next_try_at": None if over else timezone.now() + timedelta(minutes=5),
        "error": "" if state == DeliveryState.SENT else "The receiver answered <503>.",
    }
    return Delivery.objects.create(account=account, state=state, **defaults | fields)


def page_of(client: Client, query: str = "") -> str:
    response = client.get(f"/deliveries/{query}")
    assert response.status_code == 200
    return response.content.decode()


def rows_of(page: str) -> int:
    return page.count('data-label="State"')


def post(client: Client, **data: Any) -> str:
    return client.post("/deliveries/again", data, follow=True).content.decode()


def pending() -> set[Any]:
    return set(Delivery.objects.filter(state=DeliveryState.PENDING).values_list("pk", flat=True))


def test_a_row_says_what_goes_where_and_no_secret(admin: Client, account: Account) -> None:
    hook = Webhook.objects.create(account=account, name="CRM", url=URL.replace("files", "hooks"))
    make_delivery(account)
    make_delivery(account, kind="webhook", subject="call.ended", webhook=hook, url="")
    page = page_of(admin)
    for words in ("files.example", "hooks.example", "Recording as mp3", "call.ended", "CRM"):
        assert f"<bdi>{words}</bdi>" in page
    assert "The receiver answered &lt;503&gt;." in page
    for secret in ("ann", "s3cret", "k3y", "/in/"):
        assert not re.search(rf"\b{re.escape(secret)}\b", page)


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        ("sent", {}, "Delivered"),
        ("failed", {}, "Not delivered"),
        ("pending", {}, "Waiting"),
        ("pending", {"queued_at": timezone.now()}, "Being sent"),
    ],
    ids=["sent", "failed", "waiting", "being sent"],
)
def test_a_state_is_told_in_words(
    admin: Client, account: Account, state: str, fields: Any, words: str
) -> None:
    make_delivery(account, state, **fields)
    assert f">{words}</span>" in page_of(admin)


def test_state_period_and_recording_narrow_the_list(
    admin: Client, account: Account, recording: Recording
) -> None:
    for state in DeliveryState:
        make_delivery(account, state)
    make_delivery(account, created_at=timezone.now() - timedelta(days=40), recording=recording)
    assert rows_of(page_of(admin)) == 3
    assert rows_of(page_of(admin, "?state=failed")) == 1
    assert rows_of(page_of(admin, "?state=failed&period=all")) == 2
    assert rows_of(page_of(admin, f"?period=all&recording={recording.pk.hex}")) == 1


def test_pages_follow_one_another(admin: Client, account: Account) -> None:
    for index in range(52):
        make_delivery(account, created_at=timezone.now() - timedelta(minutes=index), subject=f"No. {index}.")
    older = re.search(r'href="(\?[^"]*older=[^"]*)"', page_of(admin))
    assert older
    second = page_of(admin, unescape(older[1]))
    assert re.findall(r"No\. \d+\.(?=</bdi>)", second) == ["No. 50.", "No. 51."]


def test_a_list_is_read_along_an_index(admin: Client, account: Account) -> None:
    with CaptureQueriesContext(connection) as queries:
        page_of(admin, "?state=failed")
    [listed] = [each["sql"] for each in queries if 'AS "started_at"' in each["sql"]]
    plan = plan_of(listed)
    assert "delivery_account" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def plan_of(statement: str) -> str:
    """How the database would read, were the table too large to read whole and to sort."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN' if connection.vendor == 'sqlite' else ''} {statement}")
        return str(cursor.fetchall())


def test_more_rows_are_no_more_queries(admin: Client, account: Account, recording: Recording) -> None:
    hook = Webhook.objects.create(account=account, name="CRM", url=URL)

    def asked() -> int:
        for _ in range(3):
            make_delivery(account, recording=recording)
            make_delivery(account, kind="webhook", webhook=hook)
        with CaptureQueriesContext(connection) as queries:
            page_of(admin)
        return len(queries)

    assert asked() == asked() <= 8


def test_an_account_that_sends_nothing_is_told_what_to_do(admin: Client, account: Account) -> None:
    empty = page_of(admin)
    assert "Nothing is sent anywhere" in empty
    assert "/admin/recordings/webhook/" in empty
    make_delivery(account)
    assert "None of these" in page_of(admin, "?state=sent")


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_the_page_is_for_those_who_look_after_an_account(
    sign_in: SignIn, account: Account, role: Role
) -> None:
    failed = make_delivery(account)
    client = sign_in(factories.make_user(account, role))
    assert client.get("/deliveries/").status_code == 404
    assert client.post("/deliveries/again", {"only": str(failed.pk)}).status_code == 404
    assert pending() == set()


def test_a_form_of_another_site_sends_nothing(account: Account) -> None:
    failed = make_delivery(account)
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_user(account), backend="accounts.backends.PasswordBackend")
    assert client.post("/deliveries/again", {"only": str(failed.pk)}).status_code == 403
    assert pending() == set()


def test_one_is_sent_again_whatever_is_ticked(admin: Client, account: Account) -> None:
    wanted, ticked = make_delivery(account), make_delivery(account)
    page = post(admin, only=str(wanted.pk), delivery=str(ticked.pk), state="failed")
    assert "1 delivery is sent again." in page
    assert pending() == {wanted.pk}
    assert OrmQ.objects.count() == 1
    told = AuditEntry.objects.get(action="delivery.send_again")
    assert (told.object_id, told.account_id) == (wanted.pk.hex, account.pk)


def test_ticked_ones_that_failed_are_sent_again(admin: Client, account: Account) -> None:
    failed, sent, other = make_delivery(account), make_delivery(account, "sent"), make_delivery(account)
    page = post(admin, action="ticked", delivery=[str(failed.pk), str(sent.pk)])
    assert "1 delivery is sent again. The others are not among those that failed." in page
    assert pending() == {failed.pk}
    assert Delivery.objects.get(pk=other.pk).state == DeliveryState.FAILED


@pytest.mark.parametrize("data", [{}, {"action": "ticked"}, {"delivery": "x"}, {"only": ""}], ids=str)
def test_a_bent_form_says_what_to_do(admin: Client, account: Account, data: dict[str, str]) -> None:
    make_delivery(account)
    assert "Tick the deliveries first." in post(admin, **data)
    assert pending() == set()


def test_all_of_the_list_are_sent_again(admin: Client, account: Account, recording: Recording) -> None:
    wanted = {make_delivery(account, recording=recording).pk for _ in range(2)}
    make_delivery(account, "sent", recording=recording)
    make_delivery(account)
    page = post(admin, action="all", recording=recording.pk.hex)
    assert "2 deliveries are sent again." in page
    assert pending() == wanted
    assert AuditEntry.objects.get(action="delivery.send_again_all").account_id == account.pk


def test_a_long_list_goes_on_in_the_background(
    admin: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (again, outbox):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    for _ in range(5):
        make_delivery(account)
    post(admin, action="all")
    late = make_delivery(account)
    for left in (3, 1, 0):
        assert Delivery.objects.filter(state=DeliveryState.FAILED).exclude(pk=late.pk).count() == left
        for row in OrmQ.objects.all():
            if row.task["func"].endswith("next_batch"):
                row.delete()
                again.next_batch(*row.task["args"])
    assert Delivery.objects.get(pk=late.pk).state == DeliveryState.FAILED


def test_nobody_sends_another_tenants_again(sign_in: SignIn, account: Account) -> None:
    theirs = make_delivery(account)
    stranger = sign_in(factories.make_user(factories.make_account("Elsewhere")))
    post(stranger, only=str(theirs.pk))
    post(stranger, action="all", period="all")
    assert pending() == set()


def test_health_counts_what_did_not_arrive_and_leads_there(admin: Client, account: Account) -> None:
    for state in ("failed", "failed", "pending", "sent"):
        make_delivery(account, state)
    make_delivery(account, created_at=timezone.now() - timedelta(days=10))
    page = admin.get("/health/?period=7d").content.decode()
    links = re.findall(r'href="/deliveries/(\?state=[^"]*)"[^>]*>Look at (\d+)<', page)
    assert [(unescape(query), count) for query, count in links] == [
        ("?state=failed&period=7d", "2"),
        ("?state=pending&period=7d", "1"),
    ]
    assert "2 deliveries did not arrive" in page
    for query, count in links:
        assert rows_of(page_of(admin, unescape(query))) == int(count)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sent", "Delivered to files.example at "),
        ("failed", "Not delivered to files.example: The receiver answered &lt;503&gt;."),
        ("pending", "Waiting for files.example: next try "),
    ],
)
def test_a_calls_page_tells_what_became_of_its_recordings(
    admin: Client, account: Account, recording: Recording, state: str, words: str
) -> None:
    make_delivery(account, state, recording=recording)
    assert recording.call_id
    page = admin.get(f"/calls/{recording.call_id.hex}/").content.decode()
    assert words in page
    assert f"?period=all&amp;recording={recording.pk.hex}" in page
    assert not re.search(r"s3cret|k3y|ann:", page)


def test_who_only_hears_the_recording_is_not_led_to_its_deliveries(
    sign_in: SignIn, account: Account, recording: Recording
) -> None:
    user = factories.make_user(account, Role.SUPERVISOR)
    Recording.objects.update(user=user)
    assert recording.call
    recording.call.user = user
    recording.call.save()
    make_delivery(account, "sent", recording=recording)
    page = sign_in(user).get(f"/calls/{recording.call.pk.hex}/").content.decode()
    assert "Delivered to files.example" in page
    assert "/deliveries/" not in page
