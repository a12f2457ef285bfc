"""What people search calls for goes on record: each search once, not each page, poll or letter of it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts import audit
from accounts.models import Account, AuditEntry
from accounts.tenancy import Actor

SEARCHED = "calls.search"
SAME_FOR = timedelta(minutes=10)
STILL_TYPING = timedelta(seconds=15)
LONGEST_KEPT = 1000


def note_search(actor: Actor | None, account: Account, text: str) -> None:
    """Keep who searched for what, as typed; what goes on from a search of a moment ago takes its place."""
    wanted = audit.clean(text)[:LONGEST_KEPT].strip()
    if actor is None or not wanted:
        return
    now = timezone.now()
    recent = AuditEntry.objects.filter(account=account, at__gt=now - SAME_FOR)
    own = recent.filter(action=SEARCHED, user=actor.user_id, actor=audit.clean(actor.label)[:255])
    last = own.order_by("-at", "-id").first()
    before = str(last.detail.get("text", "")) if last else ""
    if before == wanted:
        return
    if last and now - last.at < STILL_TYPING and goes_on(before, wanted):
        if len(wanted) > len(before):
            AuditEntry.objects.filter(pk=last.pk).update(detail={"text": wanted})
        return
    audit.record(actor, SEARCHED, account, text=wanted)


def goes_on(before: str, now: str) -> bool:
    """Whether one is the other with letters added or taken off at its end."""
    return before.startswith(now) or now.startswith(before)
