"""Going through all that an account has, piece by piece; a worker that dies anywhere is gone on from.

The place of the phase and the counts are written in the transaction that removes, or after what can be done
twice. Who has the erasure lets ``next_try_at`` rise; when it is over another worker takes it on.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from accounts import audit
from accounts.models import Account, AuditEntry
from accounts.tenancy import Actor
from cdr.models import Call, Leg
from cdr.saved_views import SavedView
from recordings.delivery.models import Delivery
from recordings.erasure.copies import begin_anew, is_copy, names_it
from recordings.erasure.finding import (
    LEG_COLUMNS,
    RECORDING_COLUMNS,
    any_column,
    calls_with,
    contacts_with,
    ids_of,
    pieces,
    settled,
)
from recordings.erasure.models import Erasure, Phase
from recordings.erasure.numbers import Sought
from recordings.erasure.removal import add_up, joined, note_stayed, remove_calls, remove_recordings
from recordings.exporting import delete_export
from recordings.exporting import erase as erase_export
from recordings.exports import Export
from recordings.held import held_calls, held_recordings
from recordings.holding import lock
from recordings.holds import HoldKind, LegalHold
from recordings.models import Orphan, Recording

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 50
ROWS_AT_ONCE = 2000
SLICE_SECONDS = 60
LEASE = timedelta(minutes=20)
PAUSE = timedelta(minutes=1)
ON_HOLD, LOOSE_FILES = "calls on hold", "files in a switch's folder that no recording knows"
HELD_RECORDINGS = "recordings on hold"
NOT_OVER = "A call with this number is not over yet."
STUCK = "Some audio could not be removed. It is tried again."
BECAUSE = "It had a number in it that was erased."
NOTHING: Counter[str] = Counter()
# What is done with a piece of rows: which of them stayed and why, or None to come back to it later.
Piece = Callable[[list[Any]], Counter[str] | None]


def ask(account: Account, number: str, actor: Actor | None) -> Erasure:
    """Have a number erased in the background, on record; raise NotANumber."""
    sought = Sought(number, account.country)
    with transaction.atomic():
        lock(account.pk)
        key = sought.key(account.pk.hex)
        if going := Erasure.objects.filter(account=account, key=key).exclude(phase=Phase.DONE).first():
            return going
        erasure = Erasure.objects.create(
            account=account,
            number=number,
            ending=sought.canonical[-3:],
            key=key,
            asked_by=audit.clean(actor.label if actor else "system")[:255],
            user_id=actor.user_id if actor else None,
        )
        audit.record(actor, "erasure.ask", erasure, key=key)
        go_on_soon(erasure.pk)
    return erasure


def go_on_soon(erasure_id: uuid.UUID) -> None:
    async_task("recordings.erasure.work.go_on", erasure_id.hex)


def sweep_erasures() -> int:
    """Enqueue those that wait for their next turn or were left by a worker; return how many there were."""
    due = Erasure.objects.exclude(phase=Phase.DONE).filter(next_try_at__lt=timezone.now())
    found = list(due.values_list("pk", flat=True)[:100])
    for erasure_id in found:
        go_on_soon(erasure_id)
    return len(found)


def go_on(erasure_hex: str) -> None:
    """Do as much as fits into a minute; the rest is another task's."""
    erasure = claim(uuid.UUID(erasure_hex))
    if erasure is None:
        return
    try:
        Work(erasure).go_on()
    except Exception as error:
        log.exception("Erasure %s goes on later", erasure.pk)
        wait(erasure, f"{type(error).__name__} while going through {erasure.get_phase_display().lower()}.")


def claim(erasure_id: uuid.UUID) -> Erasure | None:
    """Take on an erasure that nobody is at work on."""
    now = timezone.now()
    free = Erasure.objects.exclude(phase=Phase.DONE).filter(pk=erasure_id, next_try_at__lte=now)
    if not free.update(next_try_at=now + LEASE):
        return None
    return Erasure.objects.select_related("account").get(pk=erasure_id)


def wait(erasure: Erasure, trouble: str) -> None:
    Erasure.objects.filter(pk=erasure.pk).update(trouble=trouble[:255], next_try_at=timezone.now() + PAUSE)


class Work:
    """One worker's turn; each phase says whether it came to its end."""

    def __init__(self, erasure: Erasure) -> None:
        self.erasure = erasure
        self.account = erasure.account
        self.sought = Sought(erasure.number, erasure.account.country)
        self.until = time.monotonic() + SLICE_SECONDS
        self.phases: dict[str, Callable[[], bool]] = {
            Phase.EXPORTS: lambda: self.exports(calls_are_gone=False),
            Phase.CALLS: self.calls,
            Phase.LEGS: self.legs,
            Phase.RECORDINGS: self.recordings,
            Phase.CONTACTS: self.contacts,
            Phase.HOLDS: self.holds,
            Phase.DELIVERIES: self.deliveries,
            Phase.AUDIT: self.audit_log,
            Phase.NEW_EXPORTS: lambda: self.exports(calls_are_gone=True),
        }

    def go_on(self) -> None:
        order = list(Phase)
        while self.erasure.phase != Phase.DONE:
            if not self.phases[self.erasure.phase]():
                return
            following = order[order.index(Phase(self.erasure.phase)) + 1]
            self.finish() if following == Phase.DONE else self.move(phase=following, at=None, at_id=None)

    def move(self, **changes: Any) -> None:
        """Write where it is, and keep it for longer."""
        changes |= {"next_try_at": timezone.now() + LEASE, "trouble": ""}
        Erasure.objects.filter(pk=self.erasure.pk).update(**changes)
        for name, value in changes.items():
            setattr(self.erasure, name, value)

    def is_over(self) -> bool:
        """Whether the turn is over; the next one is enqueued then."""
        if time.monotonic() < self.until:
            return False
        Erasure.objects.filter(pk=self.erasure.pk).update(next_try_at=timezone.now())
        go_on_soon(self.erasure.pk)
        return True

    def walk(self, rows: QuerySet[Any], path: str, fields: tuple[str, ...], do: Piece) -> bool:
        """Go through all rows from new to old, a piece at a time."""
        while found := pieces(rows, self.erasure, path, ROWS_AT_ONCE, fields):
            stayed = do([row[1:] for row in found])
            if stayed is None:
                return False
            with transaction.atomic():
                note_stayed(self.erasure, stayed)
                self.move(at=found[-1][0], at_id=found[-1][1])
            if self.is_over():
                return False
        return True

    def calls(self) -> bool:
        """Those that the number's indexes lead to, until only those on hold are left."""
        sets = calls_with(self.account, self.sought)
        while ids := ids_of([rows.filter(settled()).exclude(held_calls()) for rows in sets], CALLS_AT_ONCE):
            if not remove_calls(self.erasure, ids):
                wait(self.erasure, STUCK)
                return False
            self.move()
            if self.is_over():
                return False
        if ids_of([rows.exclude(settled()).exclude(held_calls()) for rows in sets], 1):
            wait(self.erasure, NOT_OVER)
            return False
        return True

    def legs(self) -> bool:
        """Calls that the number was part of without standing in their row: a transfer, a second phone."""
        return self.walk(
            Leg.objects.filter(account=self.account), "created_at", ("call", *LEG_COLUMNS), self.calls_of_legs
        )

    def calls_of_legs(self, rows: list[Any]) -> Counter[str] | None:
        ids = list({call for _, call, *numbers in rows if self.sought.is_one_of(*numbers)})
        found = Call.objects.filter(id__any_of=ids).exclude(any_column(self.sought))
        going = list(found.exclude(held_calls()).values_list("pk", flat=True))
        if Call.objects.filter(id__any_of=going).exclude(settled()).exists():
            wait(self.erasure, NOT_OVER)
            return None
        stayed = Counter({ON_HOLD: found.filter(held_calls()).count()})
        if remove_calls(self.erasure, going) < len(going):
            wait(self.erasure, STUCK)
            return None
        return stayed

    def recordings(self) -> bool:
        """Those that outlived their call, or never had one."""
        rows = Recording.objects.filter(account=self.account, call=None)
        return self.walk(rows, "started_at", (*RECORDING_COLUMNS, "path"), self.recordings_without_call)

    def recordings_without_call(self, rows: list[Any]) -> Counter[str] | None:
        ids = [
            key
            for key, caller, callee, path in rows
            if self.sought.is_one_of(caller, callee) or self.sought.is_in(path)
        ]
        held = Recording.objects.filter(held_recordings(), pk__in=ids).count()
        if remove_recordings(self.erasure, ids) < len(ids) - held:
            wait(self.erasure, STUCK)
            return None
        return Counter({HELD_RECORDINGS: held})

    @transaction.atomic
    def contacts(self) -> bool:
        gone, _ = contacts_with(self.account, self.sought).delete()
        add_up(self.erasure, Counter({"contacts": gone}))
        return True

    @transaction.atomic
    def holds(self) -> bool:
        """Holds that were released and name the number; one that stands keeps its number."""
        for hold in LegalHold.objects.filter(account=self.account):
            stands = hold.released_at is None and hold.kind == HoldKind.NUMBER
            if stands or not self.sought.is_in(hold.reason, hold.number, hold.forms):
                continue
            hold.reason = self.sought.without(hold.reason)
            if hold.kind == HoldKind.NUMBER:
                hold.number, hold.forms = "erased", " erased "
            hold.save(update_fields=["reason", "number", "forms"])
            add_up(self.erasure, Counter({"mentions in released holds": 1}))
        self.saved_views()
        return True

    def saved_views(self) -> None:
        """Lists that somebody kept under a name, and that ask for the number."""
        views = SavedView.objects.filter(account=self.account).values_list("pk", "name", "query")
        ids = [key for key, name, query in views if self.sought.is_in(name, unquote_plus(query))]
        SavedView.objects.filter(pk__in=ids).delete()
        add_up(self.erasure, Counter({"saved views": len(ids)}))

    def deliveries(self) -> bool:
        rows = Delivery.objects.filter(account=self.account)
        return self.walk(rows, "created_at", ("subject", "url", "payload"), self.deliveries_that_name_it)

    @transaction.atomic
    def deliveries_that_name_it(self, rows: list[Any]) -> Counter[str]:
        ids = [
            key
            for key, subject, url, payload in rows
            if self.sought.is_in(subject, url) or self.sought.is_in_json(payload)
        ]
        going = Delivery.objects.filter(pk__in=ids)
        elsewhere = Counter(
            row.host for row in going.filter(state="sent").select_related("webhook", "connector")
        )
        gone, _ = going.delete()
        add_up(self.erasure, Counter({"deliveries": gone}), elsewhere)
        return NOTHING

    def audit_log(self) -> bool:
        """What was done stays on record; the number in it does not."""
        rows = AuditEntry.objects.filter(account=self.account)
        return self.walk(rows, "at", ("detail",), self.entries_that_name_it)

    @transaction.atomic
    def entries_that_name_it(self, rows: list[Any]) -> Counter[str]:
        found = [(key, detail) for key, detail in rows if self.sought.is_in_json(detail)]
        for key, detail in found:
            AuditEntry.objects.filter(pk=key).update(detail=self.sought.without(detail))
        add_up(self.erasure, Counter({"mentions in the audit log": len(found)}))
        return NOTHING

    def exports(self, *, calls_are_gone: bool) -> bool:
        """Copies that have the number in them; afterwards those that were made in the meantime."""
        rows = Export.objects.filter(account=self.account)
        if calls_are_gone:
            since = Q(finished_at=None) | Q(finished_at__gte=self.erasure.asked_at)
            rows = rows.filter(since)

        def look(found: list[Any]) -> Counter[str]:
            for export in Export.objects.filter(pk__in=[key for (key,) in found]).select_related("store"):
                self.one_export(export, calls_are_gone)
            return NOTHING

        return self.walk(rows, "asked_at", (), look)

    def one_export(self, export: Export, calls_are_gone: bool) -> None:
        if is_copy(export, self.sought, calls_are_gone=calls_are_gone):
            with transaction.atomic():
                went = delete_export(export, None, BECAUSE)
                add_up(self.erasure, Counter({"exports": int(went)}))
        elif calls_are_gone:
            begin_anew(export)
        if names_it(export, self.sought):
            Export.objects.filter(pk=export.pk).update(chosen={})
        erase_export(export.pk)

    @transaction.atomic
    def finish(self) -> None:
        """Say what stayed, and forget the number."""
        row = Erasure.objects.select_for_update().get(pk=self.erasure.pk)
        stayed = {ON_HOLD: self.held_calls(), LOOSE_FILES: self.loose_files()}
        row.stayed = joined(row.stayed, Counter(stayed))
        row.number, row.phase, row.trouble = "", Phase.DONE, ""
        row.at = row.at_id = None
        row.finished_at = timezone.now()
        row.save()
        audit.record(None, "erasure.finish", row, key=row.key, counts=row.counts, stayed=row.stayed)
        self.erasure.phase = Phase.DONE

    def held_calls(self) -> int:
        """Calls that the number's indexes still lead to."""
        return len(
            ids_of([rows.filter(held_calls()) for rows in calls_with(self.account, self.sought)], 10_001)
        )

    def loose_files(self) -> int:
        paths = Orphan.objects.filter(account=self.account).values_list("path", flat=True)
        return sum(self.sought.is_in(path) for path in paths.iterator())
