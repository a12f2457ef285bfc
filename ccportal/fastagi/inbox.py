"""The durable inbox: a report is in the switch's journal, on disk, before its session ends."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import msgspec

from switch import events as ev
from switch.errors import JournalError
from switch.journal import Journal

MOST_TOGETHER: Final = 500
encode = msgspec.json.Encoder().encode


@dataclass
class Inbox:
    """One switch's; reports that come while the disk is busy go into the next batch together."""

    journal: Journal
    _waiting: list[tuple[bytes, asyncio.Future[None]]] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "inbox"))

    async def keep(self, report: ev.AgiReported) -> None:
        """Return when the report survives a power cut. Raises JournalError when it cannot be kept."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((encode(report), kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write())
        await kept

    def close(self) -> None:
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            some, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            bodies = [body for body, _ in some]
            try:
                await loop.run_in_executor(self._thread, self._append, bodies)
            except JournalError as error:
                settle(some, error)
            else:
                settle(some, None)

    def _append(self, bodies: list[bytes]) -> None:
        self.journal.append(bodies, kind="control")
        self.journal.sync()


def settle(waiting: list[tuple[bytes, asyncio.Future[None]]], error: JournalError | None) -> None:
    """Tell those who wait; one that was cancelled meanwhile needs to hear nothing."""
    for _, kept in waiting:
        if kept.done():
            continue
        if error is None:
            kept.set_result(None)
        else:
            kept.set_exception(error)
