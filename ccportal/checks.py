"""System checks: settings that would lose work or leak it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_task_broker(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Refuse a task queue that cannot share a transaction with the rows it is about."""
    broker = settings.Q_CLUSTER.get("orm")
    if broker == "default":
        return []
    return [
        Error(
            "Tasks are not kept in the default database.",
            hint="Set Q_CLUSTER['orm'] to 'default': a row and its task are written in one transaction.",
            id="ccportal.E001",
        )
    ]
