"""The secret with which a switch asks for its configuration; it is shown once and kept as a hash."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.keys import hash_of, new_secret
from queues.models import QueueServer

ASKING_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_secret(server: QueueServer) -> str:
    """Give a switch a new secret in place of the old one."""
    plain = new_secret()
    server.key_hash = hash_of(plain)
    server.save(update_fields=["key_hash"])
    return plain


def find_server(name: str, plain: str) -> QueueServer | None:
    """The switch of that name, if the secret is its own and it is in use."""
    servers = QueueServer.objects.select_related("switch__account")
    server = servers.filter(switch__name=name, key_hash=hash_of(plain), switch__enabled=True).first()
    if server:
        note_asking(server)
    return server


def note_asking(server: QueueServer) -> None:
    now = timezone.now()
    stale = Q(asked_at=None) | Q(asked_at__lt=now - ASKING_IS_NOTED_EVERY)
    QueueServer.objects.filter(stale, pk=server.pk).update(asked_at=now)
