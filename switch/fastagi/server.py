"""The FastAGI server: many sessions at once, each short, none able to keep the others waiting.

Asterisk holds the channel and its CDR back as long as a session's socket is open, and takes a closed one for
success: so a session is kept first, then closed, and never goes on for longer than `Limits.seconds`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, cast

from switch import events as ev
from switch.errors import SwitchError
from switch.fastagi.protocol import AgiError, AgiSession, Phase, report_of

log = logging.getLogger(__name__)

BACKLOG: Final = 4096
NONCE_BYTES: Final = 12
MICROSECONDS: Final = 1_000_000

Keep = Callable[["Caller", ev.AgiReported], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many sessions at once, and how many seconds for the environment and for all of one."""

    sessions: int = 4000
    silent_seconds: float = 5.0
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connected, and the path of the ``agi://`` address that the dialplan gave."""

    address: str
    script: str


@dataclass(slots=True)
class Counts:
    """What became of the sessions."""

    kept: int = 0
    refused: int = 0
    dropped: int = 0
    failed: int = 0


class FastAgiServer:
    """Hands each session's report to `keep`, and closes the socket when that has returned."""

    def __init__(self, keep: Keep, limits: Limits | None = None) -> None:
        self.keep = keep
        self.limits = limits or Limits()
        self.counts = Counts()
        self.open: dict[Connection, None] = {}
        self._keeping: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve on an address. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Connection(self), host, port, backlog=BACKLOG, reuse_address=True
        )

    async def drain(self) -> None:
        """Wait until everything that was told is kept."""
        while self._keeping:
            await asyncio.wait(self._keeping)

    def admit(self, connection: Connection) -> bool:
        """Take a session in; when there is no room, the one that has been silent longest makes some."""
        if len(self.open) >= self.limits.sessions:
            silent = next((each for each in self.open if each.is_silent), None)
            if silent is None:
                self.counts.refused += 1
                return False
            silent.drop("others are waiting")
        self.open[connection] = None
        return True

    def gone(self, connection: Connection) -> None:
        self.open.pop(connection, None)

    def finish(self, connection: Connection, caller: Caller, report: ev.AgiReported) -> None:
        """Keep a report, then close."""
        task = asyncio.ensure_future(self._finish(connection, caller, report))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _finish(self, connection: Connection, caller: Caller, report: ev.AgiReported) -> None:
        try:
            await self.keep(caller, report)
            self.counts.kept += 1
        except SwitchError as error:
            self.counts.failed += 1
            log.warning("the session of %a was not kept: %s", report.unique_id[:64], error)
        except Exception:
            self.counts.failed += 1
            log.exception("the session of %a was not kept", report.unique_id[:64])
        finally:
            connection.close()


@dataclass(eq=False)
class Connection(asyncio.Protocol):
    """One session's socket."""

    server: FastAgiServer
    session: AgiSession = field(default_factory=lambda: AgiSession(secrets.token_hex(NONCE_BYTES)))
    _transport: asyncio.Transport | None = None
    _timer: asyncio.TimerHandle | None = None
    _address: str = ""
    _handed_over: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether it has not even told its environment."""
        return self.session.phase is Phase.ENVIRONMENT

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._address = (transport.get_extra_info("peername") or ("",))[0]
        if not self.server.admit(self):
            transport.close()
            return
        limits = self.server.limits
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(limits.silent_seconds, self._too_late, limits)

    def data_received(self, data: bytes) -> None:
        if self._handed_over or self._transport is None:
            return
        try:
            answer = self.session.receive(data)
        except AgiError as error:
            self.drop(str(error))
            return
        if answer:
            self._transport.write(answer)
        if self.session.done:
            self._hand_over()

    def eof_received(self) -> bool:
        """Keep what was told by a peer that closes before it was asked for everything."""
        if not self._handed_over:
            self._hand_over()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if not self._handed_over:
            self._hand_over()
        self._stop_timer()
        self.server.gone(self)

    def drop(self, reason: str) -> None:
        """End a session that leads nowhere; what it told is kept if it told enough."""
        log.info("session from %s ended: %s", self._address, reason)
        self.server.counts.dropped += 1
        self._hand_over()

    def close(self) -> None:
        self._stop_timer()
        self.server.gone(self)
        if self._transport is not None:
            self._transport.close()

    def _hand_over(self) -> None:
        if self._handed_over:
            return
        self._handed_over = True
        if self.session.phase in (Phase.ASKING, Phase.DONE) and self.session.known:
            script = self.session.environment.get("agi_network_script", "")
            report = report_of(self.session, int(time.time() * MICROSECONDS))
            self.server.finish(self, Caller(self._address, script), report)
        else:
            self.close()

    def _too_late(self, limits: Limits) -> None:
        """Silent for too long; or no longer silent, and then for all of it there is a limit too."""
        if self.is_silent:
            self.drop("no environment in time")
        elif not self._handed_over:
            rest = max(limits.seconds - limits.silent_seconds, 0)
            self._timer = asyncio.get_running_loop().call_later(rest, self.drop, "not done in time")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
