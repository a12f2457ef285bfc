"""A switch in a process of its own that signs anyone in and sends events: at once, or at a rate of calls."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

from benchmarks.calls import FIRST_AT, QueueCalls
from benchmarks.journals import BODIES_IN_A_BATCH, in_groups
from switch.esl.connection import Address
from switch.esl.frames import AUTH_REQUEST, json_frame, reply_frame

Slice = tuple[float, bytes]
DIFFERENT_EVENTS = 10_000
SLICE_MICROSECONDS = 10_000
PASSWORD = "ClueCon"  # noqa: S105 - FreeSWITCH's own default


@contextmanager
def running_sender(events: int) -> Iterator[Address]:
    """Send so many events to every connection, as fast as they are taken."""
    with running("events", str(events)) as address:
        yield address


@contextmanager
def running_switch(calls: int, rate: float) -> Iterator[Address]:
    """Play so many calls to every connection, so many a second, and then close it."""
    with running("calls", str(calls), str(rate)) as address:
        yield address


@contextmanager
def running(*arguments: str) -> Iterator[Address]:
    command = [sys.executable, "-m", "benchmarks.sender", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield Address("127.0.0.1", int(process.stdout.readline()), PASSWORD)  # type: ignore[union-attr]
        finally:
            process.terminate()


def some_bodies(events: int) -> list[bytes]:
    """Return so many bodies, different ones as far as they fit into memory."""
    different = list(islice(QueueCalls().one_after_another(events), min(events, DIFFERENT_EVENTS)))
    return list(islice(cycle(different), events))


def at_once(events: int) -> list[Slice]:
    return [
        (0.0, b"".join(map(json_frame, some))) for some in in_groups(some_bodies(events), BODIES_IN_A_BATCH)
    ]


def at_rate(calls: int, rate: float) -> list[Slice]:
    """What is sent when, in slices of ten milliseconds."""
    slices: dict[int, list[bytes]] = {}
    for at, body in QueueCalls(rate).as_they_overlap(calls):
        slices.setdefault((at - FIRST_AT) // SLICE_MICROSECONDS, []).append(json_frame(body))
    return [(number * SLICE_MICROSECONDS / 1e6, b"".join(frames)) for number, frames in slices.items()]


def serve(stream: list[Slice]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            client, _ = server.accept()
            threading.Thread(target=attend, args=(client, stream), daemon=True).start()


def attend(client: socket.socket, stream: list[Slice]) -> None:
    """Send everything to a client that asks for events; one that only gives commands stays connected."""
    with client, contextlib.suppress(ConnectionError):
        if sign_in(client):
            send_all(client, stream)


def sign_in(client: socket.socket) -> bool:
    """Agree to everything until events are asked for; False when the client left before."""
    client.sendall(AUTH_REQUEST)
    with client.makefile("rb") as lines:
        for line in lines:
            if line.strip():
                client.sendall(reply_frame("+OK accepted"))
            if line.startswith(b"event "):
                return True
    return False


def send_all(client: socket.socket, stream: list[Slice]) -> None:
    began = time.monotonic()
    for due, frames in stream:
        if (left := began + due - time.monotonic()) > 0:
            time.sleep(left)
        client.sendall(frames)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["events", events]:
            serve(at_once(int(events)))
        case ["calls", calls, rate]:
            serve(at_rate(int(calls), float(rate)))
