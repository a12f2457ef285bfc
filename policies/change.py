"""Reading and writing the documents: one at a time for each target, each change kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Account, Device, User
from accounts.tenancy import Actor
from policies.models import PolicyChange, RecordingPolicy, Target
from policies.schema import ACCOUNT_SCHEMA, ENDPOINT_SCHEMA

Document = dict[str, Any]


def schema_for(target: Target) -> Mapping[str, Any]:
    return ACCOUNT_SCHEMA if isinstance(target, Account) else ENDPOINT_SCHEMA


def document_of(target: Target | None) -> Document | None:
    """What was written for the target; None when nothing was."""
    if target is None:
        return None
    policy = RecordingPolicy.objects.about(target).first()
    return policy.document if policy else None


def documents_of(targets: Iterable[Target]) -> dict[uuid.UUID, Document]:
    """The documents of many accounts, users or devices, by their id."""
    keys = [target.pk for target in targets]
    rows = RecordingPolicy.objects.values_list("account", "user", "device", "document")
    of_account = rows.filter(account__in=keys, user=None, device=None)
    found = [*of_account, *rows.filter(user__in=keys), *rows.filter(device__in=keys)]
    return {target_id(*ids): document for *ids, document in found}


def target_id(account: uuid.UUID, user: uuid.UUID | None, device: uuid.UUID | None) -> uuid.UUID:
    return next(found for found in (device, user, account) if found is not None)


def locked(target: Target) -> Target:
    """The target's row, held until the transaction ends: changes of one document come one after the other."""
    rows: Any = type(target)._default_manager
    found: Target = rows.select_for_update(no_key=True).get(pk=target.pk)
    return found


def change(target: Target, make: Callable[[Document | None], Document | None], actor: Actor | None) -> None:
    """Write what ``make`` returns for the document that is there; the target is held meanwhile."""
    with transaction.atomic():
        held = locked(target)
        write(held, make(document_of(held)), actor)


def write(
    target: Target, document: Document | None, actor: Actor | None, restores: PolicyChange | None = None
) -> PolicyChange | None:
    """Write a valid document, or None to remove it, for a target that is held; None when nothing changed."""
    before = document_of(target)
    if before == document:
        return None
    rows = RecordingPolicy.objects.about(target)
    about = about_target(target)
    if document is None:
        rows.delete()
    elif not rows.update(document=document, account=about["account"], updated_at=timezone.now()):
        RecordingPolicy.objects.create(document=document, **about)
    audit.record(actor, "change_policy", target)
    return PolicyChange.objects.create(
        **about,
        before=before,
        after=document,
        restores=restores,
        actor=audit.clean(actor.label if actor else "system")[: audit.LONGEST_LABEL],
        changed_by_id=actor.user_id if actor else None,
    )


def about_target(target: Target) -> dict[str, Any]:
    match target:
        case User():
            return {"account": target.account, "user": target}
        case Device():
            return {"account": target.account, "device": target}
        case _:
            return {"account": target}


def restore(old: PolicyChange, actor: Actor | None) -> PolicyChange | None:
    """Write the document as that change left it, as a new change."""
    with transaction.atomic():
        return write(locked(old.target), old.after, actor, restores=old)
