"""What can go wrong between us and a switch, and what the caller must know to decide."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SwitchError(Exception):
    """Base of every error of this package; `permanent` means that trying again cannot help."""

    permanent = False


class UnsafeValue(SwitchError, ValueError):
    """A value that must never reach the switch."""

    permanent = True

    def __init__(self, what: str, value: str, rule: str) -> None:
        super().__init__(f"unsafe {what} {value[:80]!a}: {rule}")
        self.what = what
        self.rule = rule


class BackendMissing(SwitchError):
    """The chosen ESL backend is not installed, or there is none of that name."""

    permanent = True


class ProtocolError(SwitchError):
    """The bytes of the stream are not ESL; only a new connection helps."""


class ConnectFailed(SwitchError):
    """No connection to the switch."""


class AuthenticationRefused(ConnectFailed):
    """The switch answered and refused the password, our address or the subscription."""


class CloseReason(StrEnum):
    """Why a connection ended."""

    SHUTDOWN = "shutdown"
    KILLED = "killed"
    NOTICE = "notice"
    CLOSED = "closed"
    SILENT = "silent"
    PROTOCOL = "protocol"
    OURS = "ours"


class ConnectionClosed(SwitchError):
    """The connection is over: nothing more will come from it."""

    def __init__(self, reason: CloseReason, text: str = "") -> None:
        super().__init__(f"{reason.value}: {text}" if text else reason.value)
        self.reason = reason
        self.text = text


class CommandTimeout(SwitchError):
    """No reply in time: whether the command took effect is unknown."""


class CommandLost(SwitchError):
    """The connection ended after sending: whether the command took effect is unknown."""


class JournalError(SwitchError):
    """The journal cannot be used now."""


class JournalFull(JournalError):
    """No room on the disk, or the journal's own limit is reached."""


class JournalCorrupt(JournalError):
    """The journal's file is damaged; it was moved to `aside`."""

    def __init__(self, path: Path, aside: Path, cause: str) -> None:
        super().__init__(f"journal {path} is damaged ({cause}); kept as {aside}")
        self.path = path
        self.aside = aside


class MalformedEvent(SwitchError, ValueError):
    """The body of an event that cannot be read; the ones behind it can."""

    permanent = True
