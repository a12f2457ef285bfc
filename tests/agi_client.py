"""An Asterisk's side of FastAGI: connects, and answers from a captured session."""

from __future__ import annotations

import socket
from dataclasses import replace

from tests.asterisk_captures import Session


def tell(session: Session, port: int, *, seconds: float = 10.0) -> list[str]:
    """Hold the session as that Asterisk did; return the commands until the server closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(session.greeting)
        return answer(connection, session)


def answer(connection: socket.socket, session: Session) -> list[str]:
    commands: list[str] = []
    waiting = b""
    while data := connection.recv(1 << 16):
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            commands.append(line.decode())
            connection.sendall(session.answer(commands[-1]))
    return commands


def renumbered(session: Session, unique_id: str) -> Session:
    """The same session for another call."""
    old = session.replies["UNIQUEID"].removeprefix("200 result=1 (").removesuffix(")")
    return replace(
        session,
        environment=[line.replace(old, unique_id) for line in session.environment],
        replies={name: reply.replace(old, unique_id) for name, reply in session.replies.items()},
    )
