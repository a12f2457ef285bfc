"""Which switches a long-running command is to serve."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from accounts.models import Switch, SwitchKind
from ccportal.listener.parameters import Parameters, keep_copy, load_copies

log = logging.getLogger(__name__)

DATABASE_PATIENCE: Final = 10.0


def choose(folder: Path, kind: SwitchKind, name: str | None) -> list[Parameters]:
    """Return the switches of a kind to listen to, from the database or, while it is away, from the copies."""
    known = read_switches(kind)
    if known is None:
        log.warning("the database is away: using the parameters kept beside the journal")
        known = [copy for copy in load_copies(folder) if copy.kind == kind]
    chosen = [parameters for parameters in known if name in (None, parameters.name)]
    if not chosen:
        raise CommandError(f"No enabled {kind.label} named {name}." if name else f"No enabled {kind.label}.")
    for parameters in chosen:
        keep_copy(folder, parameters)
    return chosen


def read_switches(kind: SwitchKind) -> list[Parameters] | None:
    """Return every enabled switch of a kind, None when the database does not answer soon."""
    found: list[list[Parameters]] = []

    def read() -> None:
        rows = Switch.objects.filter(kind=kind, enabled=True).order_by("name")
        try:
            found.append([Parameters.of(row) for row in rows])
        except DatabaseError as error:
            log.warning("the database does not answer: %s", type(error).__name__)
        finally:
            connection.close()

    reading = threading.Thread(target=read, daemon=True, name="read switches")
    reading.start()
    reading.join(DATABASE_PATIENCE)
    return found[0] if found else None
