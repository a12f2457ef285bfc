"""A switch in a process of its own that signs anyone in and then sends events as fast as they are taken."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

from benchmarks.calls import QueueCalls
from benchmarks.journals import BODIES_IN_A_BATCH, in_groups
from switch.esl.connection import Address
from switch.esl.frames import AUTH_REQUEST, json_frame, reply_frame

DIFFERENT_EVENTS = 10_000
PASSWORD = "ClueCon"  # noqa: S105 - FreeSWITCH's own default


@contextmanager
def running_sender(events: int) -> Iterator[Address]:
    """Run a sender for the length of a with block; every connection is sent the same events."""
    command = [sys.executable, "-m", "benchmarks.sender", str(events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield Address("127.0.0.1", int(process.stdout.readline()), PASSWORD)  # type: ignore[union-attr]
        finally:
            process.terminate()


def some_bodies(events: int) -> list[bytes]:
    """Return so many bodies, different ones as far as they fit into memory."""
    different = list(islice(QueueCalls().one_after_another(events), min(events, DIFFERENT_EVENTS)))
    return list(islice(cycle(different), events))


def serve(events: int) -> None:
    stream = [b"".join(map(json_frame, some)) for some in in_groups(some_bodies(events), BODIES_IN_A_BATCH)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            client, _ = server.accept()
            with client:
                send_all(client, stream)


def send_all(client: socket.socket, stream: list[bytes]) -> None:
    """Answer what is asked until it asks for events; then send them and close."""
    client.sendall(AUTH_REQUEST)
    with client.makefile("rb") as lines:
        for line in lines:
            if line.strip():
                client.sendall(reply_frame("+OK accepted"))
            if line.startswith(b"event "):
                break
    for piece in stream:
        client.sendall(piece)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
