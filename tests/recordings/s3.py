"""An S3 server on a socket, and a proxy in front of it that fails as real ones do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.server import ThreadedMotoServer

PIECE = 1 << 16
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "server", "date"}


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Run a server that speaks S3 and return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass
class Asked:
    """A request that the proxy has seen, and how many bytes of its answer went out."""

    method: str
    path: str
    range: str = ""
    sent: int = 0


Fault = Callable[["Handler"], None]


@dataclass
class Faults:
    """What the proxy does instead of handing on: ``count`` times, to requests that ``fits`` says yes to."""

    asked: list[Asked] = field(default_factory=list)
    fault: Fault | None = None
    fits: Callable[[Asked], bool] = lambda asked: True
    count: int = 0
    done: int = 0
    hung: threading.Event = field(default_factory=threading.Event)

    def fail(self, fault: Fault, method: str = "", count: int = 1_000_000) -> None:
        self.fault, self.count, self.done = fault, count, 0
        self.fits = lambda asked: method in ("", asked.method)

    def mend(self) -> None:
        self.fault = None
        self.hung.set()

    def take(self, asked: Asked) -> Fault | None:
        if self.fault is None or self.done >= self.count or not self.fits(asked):
            return None
        self.done += 1
        return self.fault


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def log_message(self, *_: Any) -> None:
        pass

    def handle_any(self) -> None:
        faults = self.server.faults
        self.asked = Asked(self.command, self.path, self.headers.get("Range", ""))
        faults.asked.append(self.asked)
        fault = faults.take(self.asked)
        with contextlib.suppress(ConnectionError, socket.timeout):
            (fault or hand_on)(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


class FaultyProxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream.removeprefix("http://")
        self.faults = Faults()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Clients that go away in the middle are what is being tested."""


@contextlib.contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(upstream)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.faults.mend()
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def hand_on(handler: Handler, most: int | None = None) -> None:
    """Ask the server behind and send its answer, or only the first bytes of it."""
    upstream = HTTPConnection(handler.server.upstream, timeout=30)
    headers = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
    upstream.request(handler.command, handler.path, handler.body(), headers)
    answer = upstream.getresponse()
    content = answer.read()
    upstream.close()
    handler.send_response(answer.status)
    for name, value in answer.getheaders():
        if name.lower() not in HOP_BY_HOP:
            handler.send_header(name, value)
    handler.end_headers()
    part = content if most is None else content[:most]
    handler.asked.sent = len(part)
    handler.wfile.write(part)
    if most is not None and len(content) > most:
        cut(handler)


def refuse(status: int, code: str) -> Fault:
    """Answer with an S3 error."""

    def fault(handler: Handler) -> None:
        handler.body()
        content = f"<Error><Code>{code}</Code><Message>Try again</Message></Error>".encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/xml")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    return fault


def cut(handler: Handler) -> None:
    """Cut the connection, as a router that forgot about it does."""
    handler.close_connection = True
    handler.wfile.flush()
    with contextlib.suppress(OSError):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.shutdown(socket.SHUT_RDWR)


def cut_upload(handler: Handler) -> None:
    """Take the first bytes of what is sent, then cut the connection."""
    handler.rfile.read(min(1000, int(handler.headers.get("Content-Length") or 0)))
    cut(handler)


def cut_download(handler: Handler) -> None:
    """Send the first bytes of the answer, then cut the connection."""
    hand_on(handler, 1000)


def lose_answer(handler: Handler) -> None:
    """Have it done and never say so."""
    upstream = HTTPConnection(handler.server.upstream, timeout=30)
    headers = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
    upstream.request(handler.command, handler.path, handler.body(), headers)
    upstream.getresponse().read()
    upstream.close()
    cut(handler)


def hang(handler: Handler) -> None:
    """Say nothing until the test is over."""
    handler.server.faults.hung.wait(20)
    cut(handler)
