"""Calls and recordings that go for good: audio first, then the rows, a few at a time.

1. In a transaction that has locked the account, audio that no hold keeps is marked as "deleting".
2. The files go, wherever they are; what a storage does not let go stays for another time.
3. In another transaction rows, evidence and figures go, and the counts of the erasure rise by them.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence

from django.apps import apps
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from cdr import evidence
from cdr.models import Call, CallAlias
from cdr.rollups import counted
from recordings import deletion
from recordings.delivery.models import Delivery, DeliveryState
from recordings.erasure.models import Erasure
from recordings.held import held_calls, held_recordings
from recordings.holding import lock
from recordings.models import Media, Recording, State

REASON = "Its number was erased."


def remove_calls(erasure: Erasure, ids: Sequence[uuid.UUID]) -> int:
    """Remove these calls but those on hold, with all that hangs from them; return how many went."""
    free = Call.objects.filter(~held_calls(), id__any_of=ids, account=erasure.account_id)
    remove_audio(erasure, Recording.objects.filter(call__in=free))
    with transaction.atomic():
        lock(erasure.account_id)
        going = list(free.filter(~Exists(with_audio(OuterRef("pk")))).values_list("pk", flat=True))
        if not going:
            return 0
        elsewhere = sent_elsewhere(Recording.objects.filter(call__id__any_of=going))
        with counted(going):
            evidence.forget(going)
            counts = count_of(Recording.objects.filter(call__id__any_of=going).delete())
            counts += count_of(Call.objects.filter(id__any_of=going).delete())
            add_up(erasure, counts, elsewhere)
    return len(going)


def remove_recordings(erasure: Erasure, ids: Sequence[uuid.UUID]) -> int:
    """Remove these recordings but those on hold; return how many went."""
    free = Recording.objects.filter(~held_recordings(), pk__in=ids, account=erasure.account_id)
    remove_audio(erasure, free)
    with transaction.atomic():
        lock(erasure.account_id)
        going = free.exclude(state=State.DELETING).filter(media=None)
        elsewhere = sent_elsewhere(going)
        counts = count_of(going.delete())
        add_up(erasure, counts, elsewhere)
    return counts[str(Recording._meta.verbose_name_plural)]


def with_audio(call: OuterRef) -> QuerySet[Recording]:
    return Recording.objects.filter(Q(media__isnull=False) | Q(state=State.DELETING), call=call)


def remove_audio(erasure: Erasure, rows: QuerySet[Recording]) -> None:
    """Have the files of these gone; those of a storage that does not answer stay for now."""
    with transaction.atomic():
        lock(erasure.account_id)
        ids = list(rows.values_list("pk", flat=True))
        files = (
            Media.objects.filter(recording__id__any_of=ids).exclude(recording__state=State.DELETING).count()
        )
        if deletion.mark(Recording.objects.filter(id__any_of=ids), REASON):
            add_up(erasure, Counter({"audio files": files}), Counter())
    going = Recording.objects.filter(id__any_of=ids, state=State.DELETING)
    deletion.erase_each([key.hex for key in going.values_list("pk", flat=True)])
    left = Q(source_kept=True) | Q(state=State.FAILED, stored_at=None)
    for recording in Recording.objects.filter(left, id__any_of=ids).exclude(source_path=""):
        deletion.forget_source(recording)


def sent_elsewhere(rows: QuerySet[Recording]) -> Counter[str]:
    """To which hosts audio had been delivered, and how often."""
    sent = Delivery.objects.filter(recording__in=rows, state=DeliveryState.SENT)
    return Counter(delivery.host for delivery in sent.select_related("webhook", "connector"))


def count_of(deleted: tuple[int, dict[str, int]]) -> Counter[str]:
    """What Django says it deleted, by the names people have for it."""
    return Counter(dict(named(deleted[1])))


def named(deleted: dict[str, int]) -> Iterable[tuple[str, int]]:
    for label, count in deleted.items():
        model = apps.get_model(label)
        if model is not CallAlias:
            yield str(model._meta.verbose_name_plural), count


def add_up(erasure: Erasure, counts: Counter[str], elsewhere: Counter[str] | None = None) -> None:
    """Let the counts rise, in the transaction of what they count."""
    row = Erasure.objects.select_for_update().get(pk=erasure.pk)
    row.counts = joined(row.counts, counts)
    row.elsewhere = joined(row.elsewhere, elsewhere or Counter())
    row.save(update_fields=["counts", "elsewhere"])


def note_stayed(erasure: Erasure, stayed: Counter[str]) -> None:
    if stayed:
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        row.stayed = joined(row.stayed, stayed)
        row.save(update_fields=["stayed"])


def joined(old: dict[str, int], more: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in (Counter(old) + more).items() if count}
