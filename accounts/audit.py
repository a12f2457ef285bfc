"""Who did what to which thing, and from where."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest

from accounts.models import AuditEntry
from accounts.tenancy import Actor

LONGEST_LABEL = 255


def record(actor: Actor | None, action: str, target: models.Model | None = None, **detail: Any) -> AuditEntry:
    """Keep that the actor did this to the target; without an actor it was the system."""
    entry = entry_of(actor, action, target, detail)
    entry.save(force_insert=True)
    return entry


def record_each(actor: Actor | None, action: str, targets: Iterable[models.Model], **detail: Any) -> None:
    """Keep that the actor did this to each of the targets."""
    entries = [entry_of(actor, action, target, detail) for target in targets]
    AuditEntry.objects.bulk_create(entries, batch_size=500)


def entry_of(actor: Actor | None, action: str, target: models.Model | None, detail: Any) -> AuditEntry:
    own_account = actor.account_id if actor else None
    return AuditEntry(
        account_id=account_of(target) if target else own_account,
        actor=clean(actor.label if actor else "system")[:LONGEST_LABEL],
        user_id=actor.user_id if actor else None,
        action=action,
        object_type=target._meta.model_name or "" if target else "",
        object_id=as_id(target.pk) if target else "",
        address=actor.address if actor else None,
        detail=json.loads(json.dumps(detail, default=str), object_hook=cleaned),
    )


def account_of(target: models.Model) -> uuid.UUID | None:
    """The account a thing belongs to, along its model's ``account_path``."""
    *relations, last = str(getattr(target, "account_path", "account")).split("__")
    owner: Any = target
    for relation in relations:
        owner = getattr(owner, relation)
    found = owner.pk if last == "id" else getattr(owner, f"{last}_id", None)
    return found if isinstance(found, uuid.UUID) else None


def as_id(key: Any) -> str:
    return key.hex if isinstance(key, uuid.UUID) else str(key)


def cleaned(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in detail.items()}


def clean(text: str) -> str:
    """Text as every database takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def address_of(request: HttpRequest) -> str | None:
    """Where the request came from: what our own proxy says if there is one, else the peer."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    told = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(told))
    except ValueError:
        return None
