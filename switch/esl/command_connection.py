"""The connection on which commands are given: it connects when needed and again when it has to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from switch.commands import Command, Reply
from switch.errors import CommandLost, ConnectionClosed, SwitchError
from switch.esl.native import NativeConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from switch.esl.connection import Address


class CommandConnection:
    """Give commands to one switch, from any thread, one after the other.

    A connection found dead before sending is made anew. When it dies after sending, a repeatable
    command is sent once more; another raises CommandLost, and so does whatever a timeout leaves open.
    """

    def __init__(self, address: Address, connect_timeout: float = 5.0) -> None:
        self._address = address
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._connection: NativeConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, command: Command, timeout: float = 5.0) -> Reply:
        """Give one command and return its reply."""
        return self.send_all([command], timeout)[0]

    def send_all(self, commands: Sequence[Command], timeout: float = 5.0) -> list[Reply]:
        """Give commands in one go, in one round trip; the replies come in the same order."""
        lines = [command.line for command in commands]
        with self._lock:
            try:
                return self._exchange(lines, timeout)
            except (CommandLost, ConnectionClosed):
                if not all(command.repeatable for command in commands):
                    raise
                return self._exchange(lines, timeout)

    def api(self, command: str, timeout: float = 5.0) -> Reply:
        """Give a command that is one line of text; it is never sent twice."""
        return self.send(Command(command, repeatable=False), timeout)

    def close(self) -> None:
        """End the connection; the next command makes another."""
        with self._lock:
            self._drop()

    def _exchange(self, lines: Sequence[str], timeout: float) -> list[Reply]:
        connection = self._living()
        try:
            return connection.api_many(lines, timeout)
        except SwitchError:
            self._drop()
            raise

    def _living(self) -> NativeConnection:
        if self._connection is not None and not self._connection.alive():
            self._drop()
        if self._connection is None:
            self._connection = NativeConnection.open(self._address, self._connect_timeout)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
