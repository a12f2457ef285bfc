"""The FastAGI service: the server, each switch's inbox, and what moves those into the database."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ccportal.fastagi.inbox import Inbox
from ccportal.listener.applier_process import ApplierProcess
from ccportal.listener.parameters import Parameters
from ccportal.listener.process import Every
from ccportal.listener.standby import Lock
from switch import events as ev
from switch.errors import SwitchError
from switch.fastagi.server import Caller, FastAgiServer, Limits
from switch.journal import Journal

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.2
DRAIN_SECONDS: Final = 5.0
OTHER_FILES: Final = 256
RESOLVE_SECONDS: Final = 60.0


class Stranger(SwitchError):
    """A session from somewhere that no switch of ours is."""

    permanent = True


@dataclass
class Post:
    """One switch: what tells its sessions, its inbox, and its applier."""

    parameters: Parameters
    inbox: Inbox
    applier: ApplierProcess
    addresses: frozenset[str]


@dataclass
class Service:
    """Serves until stopped; then what was told is kept, and the appliers end after their transaction."""

    switches: list[Parameters]
    folder: Path
    host: str
    port: int
    limits: Limits = field(default_factory=Limits)
    posts: list[Post] = field(default_factory=list)

    def run(self) -> int:
        locks = [Lock(self.folder, switch.id) for switch in self.switches]
        stopping = asyncio.Event()
        for lock, switch in zip(locks, self.switches, strict=True):
            if not lock.take():
                log.error("switch %s: another process writes its journal here", switch.name)
                return 1
        try:
            return asyncio.run(self._serve(stopping))
        finally:
            for lock in locks:
                lock.release()

    async def _serve(self, stopping: asyncio.Event) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        self.posts = [self._post(switch) for switch in self.switches]
        server = FastAgiServer(self.keep, allowed_by_files(self.limits))
        try:
            listening = await server.listen(self.host, self.port)
        except OSError as error:
            log.error("cannot listen on %s:%d: %s", self.host, self.port, error.strerror)  # noqa: TRY400
            return 1
        log.info("FastAGI on %s:%d", self.host, self.port)
        await self._look_after(stopping)
        listening.close()
        await server.drain()
        await asyncio.to_thread(self._close)
        return 0

    async def keep(self, caller: Caller, report: ev.AgiReported) -> None:
        await self.post_of(caller).inbox.keep(report)

    def post_of(self, caller: Caller) -> Post:
        """The switch that the dialplan names in its ``agi://`` address, else the one at that address.

        Raises Stranger when there is none; the only switch may connect from anywhere on this machine.
        """
        script = caller.script.partition("?")[0].strip("/")
        named = [post for post in self.posts if script == post.parameters.name]
        there = [post for post in self.posts if caller.address in post.addresses]
        found = [post for post in named if post in there] or there
        if not found and is_loopback(caller.address):
            found = named or (self.posts if len(self.posts) == 1 else [])
        if not found:
            raise Stranger(f"a session from {caller.address}, where no switch is")
        return found[0]

    async def _look_after(self, stopping: asyncio.Event) -> None:
        resolve = Every(RESOLVE_SECONDS)
        while not stopping.is_set():
            for post in self.posts:
                post.applier.tick()
            if resolve.due():
                await self._resolve()
            try:
                await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
            except TimeoutError:
                continue

    async def _resolve(self) -> None:
        """Follow switches whose names lead elsewhere now; one that cannot be resolved stays where it was."""
        for post in self.posts:
            found = await asyncio.to_thread(addresses_of, post.parameters.host)
            post.addresses = found or post.addresses

    def _post(self, switch: Parameters) -> Post:
        journal = Journal.open(self.folder, switch.id)
        applier = ApplierProcess(self.folder, switch.id)
        return Post(switch, Inbox(journal), applier, addresses_of(switch.host))

    def _close(self) -> None:
        for post in self.posts:
            post.inbox.close()
            post.applier.stop(DRAIN_SECONDS)
            post.inbox.journal.close()


def allowed_by_files(limits: Limits) -> Limits:
    """As many sessions as this process may have sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.sessions + OTHER_FILES
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return Limits(
        min(limits.sessions, max(soft - OTHER_FILES, OTHER_FILES)), limits.silent_seconds, limits.seconds
    )


def addresses_of(host: str) -> frozenset[str]:
    """The addresses of a name; none when it cannot be resolved now."""
    try:
        return frozenset(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return frozenset()


def is_loopback(address: str) -> bool:
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1")
