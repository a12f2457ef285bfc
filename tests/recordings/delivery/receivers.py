"""Receivers on this machine that do as they are told: HTTP servers that fail in every way."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behave = Callable[["Handler"], None]


@dataclass
class Taken:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.taken.append(Taken(self.command, self.path, dict(self.headers), body))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()

    def do_PUT(self) -> None:
        self.server.behave(self)

    do_POST = do_GET = do_PUT  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behave: Behave, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), Handler)
        self.behave = behave
        self.taken: list[Taken] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def receiving(behave: Behave, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = Receiver(behave)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def taking(status: int = 200, **headers: str) -> Behave:
    def behave(handler: Handler) -> None:
        handler.take()
        handler.answer(status, b"", **headers)

    return behave


def in_turn(*behaviours: Behave) -> Behave:
    """Behave one way after the other, the last one from then on."""
    left = list(behaviours)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def hang(handler: Handler) -> None:
    handler.take()
    handler.connection.settimeout(5)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def drip(handler: Handler) -> None:
    """Answer a byte at a time, for ever: each read is quick."""
    handler.take()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"H")
            time.sleep(0.02)


def cut(handler: Handler) -> None:
    """Hang up in the middle of the body."""
    handler.rfile.read(10)
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def garbage(handler: Handler) -> None:
    handler.take()
    handler.wfile.write(b"\x00\xffnot HTTP at all\r\n\r\n")
    handler.close_connection = True


def endless(handler: Handler) -> None:
    """Say yes, and then never stop talking."""
    handler.take()
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


@dataclass
class Names:
    """A resolver that gives each name its answers in turn, the last one from then on, and counts."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        left = self.answers[host]
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]
