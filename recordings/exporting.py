"""The life of an export around its making: asked for, given up, kept for a while, removed with its file.

A row that is deleted keeps its key until the file is gone: a crash anywhere is made good by the sweep.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Account
from accounts.tenancy import Actor
from recordings.enqueue import erase_exports_soon, export_soon
from recordings.exports import Export, ExportState
from recordings.storage import storage_at

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200
ERASED_AT_ONCE = 20
MOST_UNFINISHED = 20
TASK_LOST_AFTER = timedelta(minutes=10)


class TooManyExports(Exception):
    """So many of the account wait or are at work already."""


def ask(export: Export, actor: Actor | None) -> Export:
    """Keep what is asked for, on record, and have it made; raise TooManyExports."""
    with transaction.atomic():
        list(Account.objects.select_for_update(no_key=True).filter(pk=export.account_id).values_list("pk"))
        if Export.objects.unfinished().filter(account=export.account_id).count() >= MOST_UNFINISHED:
            raise TooManyExports
        export.asked_by = audit.clean(actor.label if actor else "system")[:255]
        export.lease_until = timezone.now() + TASK_LOST_AFTER
        export.save(force_insert=True)
        audit.record(
            actor, "export.create", export, kind=export.kind, format=export.format, chosen=export.chosen
        )
        export_soon(export.pk)
    return export


@transaction.atomic
def delete_export(export: Export, actor: Actor | None, reason: str = "Deleted on request.") -> bool:
    """Stop the making of an export, or have its file removed; False when it was deleted already.

    Who is at work on it finds its lease gone at the next step.
    """
    rows = Export.objects.filter(pk=export.pk).exclude(state=ExportState.DELETED)
    if not rows.update(state=ExportState.DELETED, state_reason=reason[:255], lease="", draft=""):
        return False
    audit.record(actor, "export.delete", export, kind=export.kind, reason=reason)
    erase_exports_soon([export.pk])
    return True


def erase_each(export_ids: list[str]) -> None:
    """Remove the files of several exports; those that fail are tried again by the sweep."""
    for export_id in export_ids:
        try:
            erase(uuid.UUID(export_id))
        except OSError:
            log.exception("The file of export %s could not be removed", export_id)


def erase(export_id: uuid.UUID) -> None:
    """Remove the file of an export that is no more; one that may still be written is left for later."""
    export = to_be_erased().filter(pk=export_id).select_related("store").first()
    if export is None:
        return
    storage_at(export.store).delete(export.key)
    Export.objects.filter(pk=export.pk, key=export.key).exclude(state=ExportState.READY).update(key="")


def to_be_erased() -> QuerySet[Export]:
    """Deleted and failed ones with a file that nobody can be writing any more."""
    over = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    return Export.objects.filter(over, state__in=[ExportState.DELETED, ExportState.FAILED]).exclude(key="")


def expire() -> int:
    """Every night: have exports removed whose time is over; return how many there were."""
    due = Export.objects.filter(state=ExportState.READY, expires_at__lt=timezone.now())
    count = 0
    while rows := list(due.order_by("expires_at")[:MOST_AT_ONCE]):
        for export in rows:
            count += delete_export(export, None, "Its time was over.")
    return count


def sweep_exports() -> int:
    """Enqueue what a crash left behind; the caller is in a transaction. Return how many there were."""
    now = timezone.now()
    lost = Export.objects.unfinished().filter(lease_until__lt=now).select_for_update(skip_locked=True)
    unfinished = list(lost.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    Export.objects.filter(pk__in=unfinished).update(lease="", lease_until=now + TASK_LOST_AFTER)
    for export_id in unfinished:
        export_soon(export_id)
    left = list(to_be_erased().order_by("pk").values_list("pk", flat=True)[:ERASED_AT_ONCE])
    erase_exports_soon(left)
    return len(unfinished) + len(left)
