"""What failed is sent again: a few, or a whole list a batch at a time; who asked for it is on record."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from accounts import audit
from accounts.models import Account
from accounts.tenancy import Actor
from recordings.delivery.models import Delivery
from recordings.delivery.outbox import MOST_AT_ONCE, send_again


@dataclass(frozen=True)
class Chosen:
    """A list of deliveries: every field narrows, an empty one does not; ``since`` is in, ``until`` is out."""

    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    recording: uuid.UUID | None = None

    def of(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        wanted = {
            "state": self.state,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "recording": self.recording,
        }
        return rows.filter(**{lookup: value for lookup, value in wanted.items() if value})


def send_some_again(actor: Actor | None, deliveries: QuerySet[Delivery]) -> int:
    """Send those again that failed, each of them audited; return how many they are."""
    with transaction.atomic():
        rows = send_again(deliveries)
        audit.record_each(actor, "delivery.send_again", rows)
    return len(rows)


def send_list_again(actor: Actor | None, account: Account, chosen: Chosen) -> None:
    """Send all of a list again that failed until now, the first ones at once and the others behind them."""
    told = {"state": chosen.state, "since": chosen.since, "until": chosen.until}
    with transaction.atomic():
        audit.record(actor, "delivery.send_again_all", account, **told, recording=chosen.recording)
        next_batch(account.pk, chosen, timezone.now())


def next_batch(account_id: uuid.UUID, chosen: Chosen, asked_at: datetime) -> None:
    """Send the next ones of a list again; what fails anew meanwhile is not among them."""
    failed = Delivery.objects.filter(account=account_id, finished_at__lte=asked_at)
    with transaction.atomic():
        if len(send_again(chosen.of(failed))) == MOST_AT_ONCE:
            async_task("recordings.delivery.again.next_batch", account_id, chosen, asked_at)
