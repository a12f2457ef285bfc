"""The outbox: written with what causes it, sent by whoever claims it, tried for two days, never dropped.

    pending -> claimed (a lease) -> sent
                                 -> pending again, later
                                 -> failed, for a person to look at and to send again

1. A row is claimed by a conditional UPDATE that moves ``next_try_at`` behind the time any try may take. A
   worker that is killed leaves the row pending, and the sweep finds it when that time is over.
2. The thing is sent first and marked as sent after: what a crash comes between is sent twice, under one id.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import Delivery, DeliveryState, Kind
from recordings.delivery.network import Network

log = logging.getLogger(__name__)

Sender = Callable[[Delivery, Network], None]

LEASE = timedelta(minutes=20)
MINUTES_BETWEEN_TRIES = (0.5, 2, 5, 15, 30, 60, 120, 240, 360, 480, 720, 720)
LONGEST_ASKED_FOR = timedelta(hours=6)
SHORTEST_ASKED_FOR = timedelta(seconds=10)
SENT_KEPT_FOR = timedelta(days=30)
MOST_AT_ONCE = 500
TASK_LOST_AFTER = timedelta(minutes=10)

# Which function sends a kind of delivery; it raises DeliveryFailed when it could not. The apps above add
# theirs when they are made ready, by name, so that a worker finds it whatever it has imported.
SENDERS: dict[str, str] = {
    Kind.RECORDING.value: "recordings.delivery.files.send",
    Kind.WEBHOOK.value: "recordings.delivery.news.send",
    Kind.CONNECTOR.value: "recordings.connectors.sending.send",
}


def put(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Write what is to be sent, once each, and have it sent soon; return what was not there before."""
    if not deliveries:
        return []
    with transaction.atomic():
        there = set(
            Delivery.objects.filter(pk__in=[row.pk for row in deliveries]).values_list("pk", flat=True)
        )
        new = [row for row in deliveries if row.pk not in there]
        for row in new:
            row.queued_at = timezone.now()
        Delivery.objects.bulk_create(new, ignore_conflicts=True)
        send_soon([row.pk for row in new])
    return new


def send_soon(ids: Sequence[uuid.UUID]) -> None:
    for delivery_id in ids:
        async_task("recordings.delivery.outbox.deliver_each", [delivery_id.hex])


def deliver_each(delivery_ids: list[str]) -> None:
    """Send several; one that fails does not keep the others waiting."""
    for delivery_id in delivery_ids:
        try:
            deliver(uuid.UUID(delivery_id))
        except Exception:
            log.exception("Delivery %s could not be sent", delivery_id)


def deliver(delivery_id: uuid.UUID, network: Network | None = None) -> Delivery | None:
    """Send one that is due; None when there is nothing to do."""
    delivery = claim(delivery_id)
    if delivery is None:
        return None
    try:
        sender_of(delivery)(delivery, network or Network())
    except DeliveryFailed as failed:
        put_off(delivery, failed)
    except Exception as error:
        log.exception("Delivery %s failed", delivery_id.hex)
        put_off(delivery, DeliveryFailed(f"It could not be sent ({type(error).__name__})."))
    else:
        mine(delivery).update(
            state=DeliveryState.SENT, error="", next_try_at=None, finished_at=timezone.now()
        )
    delivery.refresh_from_db()
    return delivery


def sender_of(delivery: Delivery) -> Sender:
    name = SENDERS.get(delivery.kind)
    if name is None:
        raise DeliveryFailed(f"Nothing sends a {delivery.kind} any more.", permanent=True)
    sender: Sender = import_string(name)
    return sender


def claim(delivery_id: uuid.UUID) -> Delivery | None:
    """Take a row on for as long as a try may take; of two who want it one gets it."""
    now = timezone.now()
    due = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.PENDING, next_try_at__lte=now)
    if not due.update(next_try_at=now + LEASE, attempts=F("attempts") + 1, tries=F("tries") + 1):
        return None
    return Delivery.objects.select_related("recording__call", "webhook", "connector").get(pk=delivery_id)


def mine(delivery: Delivery) -> QuerySet[Delivery]:
    """The row, unless somebody else has it by now."""
    return Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts)


def put_off(delivery: Delivery, failed: DeliveryFailed) -> None:
    """Say why, and when it is tried again; or that somebody must look."""
    log.warning("Delivery %s, try %d: %s", delivery.pk.hex, delivery.attempts, failed.reason)
    wait = None if failed.permanent else wait_after(delivery.tries, failed.retry_after)
    now = timezone.now()
    changes: dict[str, object] = {"next_try_at": now + wait, "queued_at": None} if wait else given_up(now)
    mine(delivery).update(error=failed.reason[:255], **changes)


def given_up(now: datetime) -> dict[str, object]:
    return {"state": DeliveryState.FAILED, "next_try_at": None, "finished_at": now}


def wait_after(tries: int, asked_for: int | None = None) -> timedelta | None:
    """How long to wait after so many tries, or as the receiver asked within bounds; None: no longer."""
    if tries > len(MINUTES_BETWEEN_TRIES):
        return None
    if asked_for is None:
        return timedelta(minutes=MINUTES_BETWEEN_TRIES[tries - 1])
    seconds = min(asked_for, int(LONGEST_ASKED_FOR.total_seconds()))
    return max(SHORTEST_ASKED_FOR, timedelta(seconds=seconds))


def sweep() -> int:
    """Every minute: have sent what is due, and forget what was sent long ago; return how many are due."""
    now = timezone.now()
    with transaction.atomic():
        ids = take_due(now)
        send_soon(ids)
    old = Delivery.objects.filter(state=DeliveryState.SENT, finished_at__lt=now - SENT_KEPT_FOR)
    forgotten = list(old.values_list("pk", flat=True)[:MOST_AT_ONCE])
    Delivery.objects.filter(pk__in=forgotten).delete()
    return len(ids)


def take_due(now: datetime) -> list[uuid.UUID]:
    """What has no task that is still to be expected; another sweep at the same moment passes over it."""
    due = Delivery.objects.filter(
        Q(queued_at=None) | Q(queued_at__lt=now - TASK_LOST_AFTER),
        state=DeliveryState.PENDING,
        next_try_at__lte=now,
    )
    lock = due.select_for_update(skip_locked=True).order_by("next_try_at")
    ids = list(lock.values_list("pk", flat=True)[:MOST_AT_ONCE])
    Delivery.objects.filter(pk__in=ids).update(queued_at=now)
    return ids


def send_again(deliveries: QuerySet[Delivery]) -> list[Delivery]:
    """Have what failed sent again, with all its tries; return what that is."""
    with transaction.atomic():
        failed = deliveries.filter(state=DeliveryState.FAILED).order_by()
        rows = list(failed.select_for_update(of=("self",))[:MOST_AT_ONCE])
        ids = [row.pk for row in rows]
        Delivery.objects.filter(pk__in=ids, state=DeliveryState.FAILED).update(
            state=DeliveryState.PENDING,
            tries=0,
            next_try_at=timezone.now(),
            queued_at=timezone.now(),
            finished_at=None,
        )
        send_soon(ids)
    return rows
