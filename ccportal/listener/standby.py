"""Who listens to a switch: on one machine whoever holds the lock, among machines whoever holds the lease."""

from __future__ import annotations

import fcntl
import logging
import secrets
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Final

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Switch
from switch.journal import journal_path

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 30
RENEW_SECONDS: Final = 5.0
LOOK_AGAIN_SECONDS: Final = 0.5


class Lock:
    """The right to write a switch's journal on this machine; it ends with the process."""

    def __init__(self, folder: Path, switch_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = journal_path(folder, switch_id).with_suffix(".listener")
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Take the lock if nobody has it."""
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def wait(self, name: str, pause: Callable[[float], bool]) -> bool:
        """Stand by until the lock is free; False when `pause` says to give up."""
        if self.take():
            return True
        log.info("switch %s: another listener is at work here; standing by", name)
        while not pause(LOOK_AGAIN_SECONDS):
            if self.take():
                log.info("switch %s: taking over", name)
                return True
        return False

    def release(self) -> None:
        """Give the lock back; repeatable."""
        if self._file is not None:
            self._file.close()
            self._file = None


def listener_name(folder: Path) -> str:
    """Return what the listeners of this machine's journal folder are called, the same after a restart."""
    path = folder / "listener.id"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(secrets.token_hex(6))
    except FileExistsError:
        pass
    return f"{socket.gethostname()[:64]}:{path.read_text(encoding='ascii')[:32]}"


def hold_lease(switch_id: uuid.UUID, name: str, now: datetime, heard_at: datetime | None = None) -> bool:
    """Take or renew the lease; False while another machine's listener is alive."""
    stale = now - timedelta(seconds=LEASE_SECONDS)
    ours = Q(listener__in=("", name)) | Q(listener_seen_at__isnull=True) | Q(listener_seen_at__lt=stale)
    fields: dict[str, object] = {"listener": name, "listener_seen_at": now}
    if heard_at is not None:
        fields["last_heard_at"] = heard_at
    return Switch.objects.filter(ours, pk=switch_id).update(**fields) == 1


class FirstLease:
    """Asks for the lease at once: the applier, who looks after it, takes a while to start.

    ``word`` is "held" as soon as it is; whatever else there is to say the applier says. ``end`` gives it up,
    also where the applier never came to hold it.
    """

    def __init__(self, folder: Path, switch_id: str) -> None:
        self.word = ""
        self._folder = folder
        self._switch_id = uuid.UUID(switch_id)
        self.thread = threading.Thread(target=self._ask, name="first lease", daemon=True)
        self.thread.start()

    def end(self, patience: float) -> None:
        self.thread.join(patience)
        if not self.word:
            return
        try:
            give_up_lease(self._switch_id, listener_name(self._folder))
        except DatabaseError as error:
            log.warning("the lease runs out by itself: %s", type(error).__name__)
        finally:
            connection.close()

    def _ask(self) -> None:
        try:
            if hold_lease(self._switch_id, listener_name(self._folder), timezone.now()):
                self.word = "held"
        except DatabaseError as error:
            log.debug("no lease yet: %s", error)
        finally:
            connection.close()


def give_up_lease(switch_id: uuid.UUID, name: str) -> None:
    """Let another machine's listener take over at once."""
    Switch.objects.filter(pk=switch_id, listener=name).update(listener="", listener_seen_at=None)
