"""A switch that speaks ESL on a real socket, as a test tells it to."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Self

from switch.esl.connection import Address

PASSWORD = "ClueCon"
PATIENCE = 10.0


def event_frame(body: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body)


def notice_frame(text: bytes) -> bytes:
    return b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%b" % (len(text), text)


def reply_frame(text: bytes) -> bytes:
    return b"Content-Type: command/reply\nReply-Text: %b\n\n" % text


def response_frame(body: bytes) -> bytes:
    return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body)


def answer_by_default(line: str) -> bytes:
    word, _, rest = line.partition(" ")
    if word == "auth":
        return reply_frame(b"+OK accepted" if rest == PASSWORD else b"-ERR invalid")
    if word == "event":
        return reply_frame(b"+OK event listener enabled json")
    if word == "api":
        return response_frame(b"+OK %b\n" % rest.encode())
    if word == "bgapi":
        return b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: j1\nJob-UUID: j1\n\n"
    return reply_frame(b"-ERR command not found")


class Client:
    """One client's connection, seen from the switch."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.socket.settimeout(PATIENCE)
        self.subscribed = threading.Event()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def end(self) -> None:
        """End the connection; its own thread closes the socket: no other gets its number meanwhile."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


class FakeSwitch:
    """Accept clients on 127.0.0.1; `answer` makes the bytes sent back for a command's line."""

    def __init__(
        self,
        answer: Callable[[str], bytes] = answer_by_default,
        greeting: bytes = b"Content-Type: auth/request\n\n",
    ) -> None:
        self.answer = answer
        self.greeting = greeting
        self.lines: queue.Queue[str] = queue.Queue()
        self._clients: queue.Queue[Client] = queue.Queue()
        self._all: list[Client] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.address = Address("127.0.0.1", self.port, PASSWORD)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE)

    def client(self) -> Client:
        """Return the next client that subscribed to events."""
        client = self._clients.get(timeout=PATIENCE)
        assert client.subscribed.wait(PATIENCE)
        return client

    def hang_up(self) -> None:
        """End every connection there is."""
        for client in list(self._all):
            client.end()

    def next_line(self, word: str) -> str:
        """Return the next command that begins with a word."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line.startswith(word):
                return line

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            client = Client(sock)
            self._all.append(client)
            self._start(self._serve, client)

    def _serve(self, client: Client) -> None:
        buffer = b""
        try:
            client.send(self.greeting)
            while chunk := client.socket.recv(65_536):
                *blocks, buffer = (buffer + chunk).split(b"\n\n")
                for block in blocks:
                    self._take(client, block.decode())
        except OSError:
            client.end()
        finally:
            client.socket.close()

    def _take(self, client: Client, line: str) -> None:
        self.lines.put(line)
        client.send(self.answer(line))
        if line.startswith("event "):
            client.subscribed.set()
            self._clients.put(client)
