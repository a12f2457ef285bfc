"""System checks: settings that would lose work, leak it or show a broken page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

SHORTEST_KEY = 32


@register
def check_task_broker(**_: Any) -> list[CheckMessage]:
    """Refuse a task queue that cannot share a transaction with the rows it is about."""
    if settings.Q_CLUSTER.get("orm") == "default":
        return []
    return [
        Error(
            "Tasks are not kept in the default database.",
            hint="Set Q_CLUSTER['orm'] to 'default': a row and its task are written in one transaction.",
            id="ccportal.E001",
        )
    ]


@register
def check_task_times(**_: Any) -> list[CheckMessage]:
    """Refuse a retry that would start a task while its first run is still allowed to go on."""
    times = settings.Q_CLUSTER
    timeout, retry = times.get("timeout"), times.get("retry")
    if timeout and retry and timeout < retry:
        return []
    return [
        Error(
            f"A task is retried after {retry} s, but may run for {timeout or 'any number of'} s.",
            hint="Set Q_CLUSTER['timeout'] to less than Q_CLUSTER['retry'].",
            id="ccportal.E002",
        )
    ]


@register
def check_data_folder(**_: Any) -> list[CheckMessage]:
    """Refuse a data folder in which nothing can be written."""
    if os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The data folder {settings.DATA_DIR} cannot be written.",
            hint="Give it to the user that runs ccportal, or set CCPORTAL_DATA_DIR.",
            id="ccportal.E003",
        )
    ]


@register
def check_kept_secret(**_: Any) -> list[CheckMessage]:
    """Refuse a secret key that other users of the machine can read."""
    kept = Path(settings.DATA_DIR) / "secret_key"
    if not kept.exists() or not kept.stat().st_mode & 0o077:
        return []
    return [
        Error(
            f"Others can read the secret key in {kept}.",
            hint=f"chmod 600 {kept}",
            id="ccportal.E004",
        )
    ]


@register
def check_encryption_keys(**_: Any) -> list[CheckMessage]:
    """Refuse a key that could be guessed from a stolen copy of the database."""
    if all(len(key) >= SHORTEST_KEY for key in settings.CCPORTAL_ENCRYPTION_KEYS):
        return []
    return [
        Error(
            f"A key of CCPORTAL_ENCRYPTION_KEYS has fewer than {SHORTEST_KEY} characters.",
            hint='Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="ccportal.E005",
        )
    ]


@register
def check_front_end_packages(**_: Any) -> list[CheckMessage]:
    """Warn when the player and the charts would be missing from the pages."""
    vendor = Path(settings.BASE_DIR) / "static" / "vendor"
    if (vendor / ".copied").exists():
        return []
    return [
        checks.Warning(
            f"The front-end packages are not in {vendor}.",
            hint="Run make assets; without them there is no waveform and no chart.",
            id="ccportal.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_static_files_are_collected(**_: Any) -> list[CheckMessage]:
    """Warn when browsers would have to ask again for every file."""
    if settings.STATIC_IS_COLLECTED:
        return []
    return [
        checks.Warning(
            "Static files are not collected, so browsers cannot keep them.",
            hint="Run manage.py collectstatic on every upgrade.",
            id="ccportal.W002",
        )
    ]
