"""What is to be sent is written once, sent until it is taken, and never dropped in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from accounts.models import Account
from recordings.delivery import outbox
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import Delivery, DeliveryState
from recordings.delivery.network import Network
from recordings.delivery.outbox import claim, deliver, put, send_again, sweep, wait_after

pytestmark = pytest.mark.django_db
LATER: list[DeliveryFailed] = []


def send_to_nobody(delivery: Delivery, network: Network) -> None:
    if LATER:
        raise LATER[0]


def send_and_stumble(delivery: Delivery, network: Network) -> None:
    raise KeyError("http://ann:secret@host/")


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    LATER.clear()
    monkeypatch.setitem(outbox.SENDERS, "test", f"{__name__}.send_to_nobody")
    monkeypatch.setitem(outbox.SENDERS, "stumble", f"{__name__}.send_and_stumble")


@pytest.fixture
def pending(account: Account) -> Delivery:
    return put(
        [Delivery(account=account, kind="test", subject="A thing", url="https://ann:pw@x.example/?k=1")]
    )[0]


def failing(delivery: Delivery, **told: Any) -> Delivery:
    LATER[:] = [DeliveryFailed("No.", **told)]
    Delivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())
    done = deliver(delivery.pk)
    assert done
    return done


def waits(delivery: Delivery) -> timedelta:
    assert delivery.next_try_at
    return delivery.next_try_at - timezone.now()


def test_a_thing_is_written_once_with_its_task(account: Account, pending: Delivery) -> None:
    again = Delivery(pk=pending.pk, account=account, kind="test", url="")
    assert put([again]) == []
    assert (Delivery.objects.count(), OrmQ.objects.count()) == (1, 1)


def test_what_was_sent_is_marked_and_not_sent_again(pending: Delivery) -> None:
    sent = deliver(pending.pk)
    assert sent
    assert (sent.state, sent.attempts, sent.next_try_at) == (DeliveryState.SENT, 1, None)
    assert deliver(pending.pk) is None


def test_of_two_workers_one_gets_it(pending: Delivery) -> None:
    assert claim(pending.pk)
    assert claim(pending.pk) is None


def test_a_worker_that_died_is_followed_by_another_after_its_lease(pending: Delivery) -> None:
    claim(pending.pk)
    OrmQ.objects.all().delete()
    assert sweep() == 0
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(next_try_at=past, queued_at=past - outbox.TASK_LOST_AFTER)
    assert sweep() == 1
    done = deliver(pending.pk)
    assert done
    assert (done.state, done.attempts) == (DeliveryState.SENT, 2)


def test_a_worker_that_comes_back_late_does_not_overrule_the_next(pending: Delivery) -> None:
    late = claim(pending.pk)
    assert late
    Delivery.objects.update(next_try_at=timezone.now())
    deliver(pending.pk)
    outbox.put_off(late, DeliveryFailed("Too late."))
    pending.refresh_from_db()
    assert (pending.state, pending.error) == (DeliveryState.SENT, "")


def test_a_failure_is_told_and_tried_later(pending: Delivery) -> None:
    failed = failing(pending)
    assert (failed.state, failed.error, failed.attempts) == (DeliveryState.PENDING, "No.", 1)
    assert timedelta(seconds=20) < waits(failed) <= timedelta(seconds=30)


def test_the_tries_go_on_for_two_days_and_end_where_they_are_seen(pending: Delivery) -> None:
    total = timedelta()
    failed = failing(pending)
    while failed.state == DeliveryState.PENDING:
        total += waits(failed)
        failed = failing(pending)
    assert timedelta(hours=40) < total < timedelta(hours=50)
    assert (failed.state, failed.attempts, failed.error) == (DeliveryState.FAILED, 13, "No.")
    assert failed.finished_at


def test_what_would_go_the_same_way_again_ends_at_once(pending: Delivery) -> None:
    assert failing(pending, permanent=True).state == DeliveryState.FAILED


@pytest.mark.parametrize(
    ("asked", "seconds"), [(0, 10), (120, 120), (10**9, 6 * 3600)], ids=["now", "two minutes", "never"]
)
def test_the_receivers_wish_is_kept_within_bounds(pending: Delivery, asked: int, seconds: int) -> None:
    assert seconds - 5 < waits(failing(pending, retry_after=asked)).total_seconds() <= seconds


def test_no_wish_makes_the_tries_endless() -> None:
    assert wait_after(len(outbox.MINUTES_BETWEEN_TRIES) + 1, 60) is None


def test_a_sender_that_breaks_is_tried_again_and_tells_no_secret(account: Account) -> None:
    delivery = put([Delivery(account=account, kind="stumble", url="")])[0]
    done = deliver(delivery.pk)
    assert done
    assert (done.state, done.error) == (DeliveryState.PENDING, "It could not be sent (KeyError).")


def test_a_kind_that_nobody_sends_is_a_failure(account: Account) -> None:
    done = deliver(put([Delivery(account=account, kind="smoke", url="")])[0].pk)
    assert done
    assert done.error == "Nothing sends a smoke any more."


def test_what_failed_can_be_sent_again_with_all_its_tries(pending: Delivery) -> None:
    failing(pending, permanent=True)
    OrmQ.objects.all().delete()
    LATER.clear()
    assert send_again(Delivery.objects.all()) == [pending]
    assert OrmQ.objects.count() == 1
    done = deliver(pending.pk)
    assert done
    assert (done.state, done.tries, done.attempts) == (DeliveryState.SENT, 1, 2)


def test_the_sweep_takes_what_is_due_and_nothing_twice(pending: Delivery) -> None:
    Delivery.objects.update(queued_at=None)
    OrmQ.objects.all().delete()
    assert (sweep(), sweep(), OrmQ.objects.count()) == (1, 0, 1)


def test_the_sweep_forgets_what_was_sent_long_ago_and_keeps_what_failed(account: Account) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for state in DeliveryState:
        Delivery.objects.create(
            account=account, kind="test", state=state, finished_at=long_ago, next_try_at=None
        )
    sweep()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending", "failed"}


def test_the_sweep_is_scheduled() -> None:
    assert Schedule.objects.get(name="recordings.delivery").func == "recordings.delivery.outbox.sweep"


def test_a_delivery_is_shown_without_its_secrets(pending: Delivery) -> None:
    assert str(pending) == "A thing to x.example"
