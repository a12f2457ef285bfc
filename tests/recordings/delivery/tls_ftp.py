"""A small FTP server over TLS that is as strict as vsftpd: a data connection must resume the session."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class Conversation:
    """One client's connection: a method for each command, each returns the reply."""

    def __init__(self, connection: socket.socket, root: Path, tls: ssl.SSLContext) -> None:
        self.connection, self.root, self.tls = connection, root, tls
        self.folder, self.renamed = root, ""
        self.is_private = isinstance(connection, ssl.SSLSocket)
        self.listener: socket.socket | None = None

    def run(self) -> None:
        self.reply("220 ready")
        while line := self.read():
            command, _, argument = line.partition(" ")
            if not self.is_private and command != "AUTH":
                self.reply("522 TLS first")
                continue
            self.reply(SIMPLE.get(command) or ANSWERS[command](self, argument))

    def close(self) -> None:
        self.connection.close()
        if self.listener:
            self.listener.close()

    def reply(self, text: str) -> None:
        if text:
            self.connection.sendall(f"{text}\r\n".encode())

    def read(self) -> str:
        line = b""
        while not line.endswith(b"\r\n"):
            piece = self.connection.recv(1)
            if not piece:
                return ""
            line += piece
        return line.decode().rstrip("\r\n")

    def auth(self, _: str) -> str:
        self.reply("234 go on")
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.is_private = True
        return ""

    def sign_in(self, word: str) -> str:
        return "230 in" if word == "p@ss" else "530 no"

    def cwd(self, name: str) -> str:
        target = self.folder / name
        if not target.is_dir():
            return "550 none"
        self.folder = target
        return "250 there"

    def mkd(self, name: str) -> str:
        (self.folder / name).mkdir()
        return "257 made"

    def pasv(self, _: str) -> str:
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        return f"227 (10,0,0,8,{port >> 8},{port & 255})"

    def stor(self, name: str) -> str:
        assert self.listener
        self.reply("150 send")
        plain, _ = self.listener.accept()
        with self.tls.wrap_socket(plain, server_side=True) as data:
            if not data.session_reused:
                return "522 the session must be resumed"
            with (self.folder / name).open("wb") as file:
                while piece := data.recv(65536):
                    file.write(piece)
            with contextlib.suppress(OSError):
                data.unwrap()
        self.listener.close()
        return "226 stored"

    def size(self, name: str) -> str:
        return f"213 {(self.folder / name).stat().st_size}"

    def rnfr(self, name: str) -> str:
        self.renamed = name
        return "350 to"

    def rnto(self, name: str) -> str:
        (self.folder / self.renamed).rename(self.folder / name)
        return "250 renamed"


SIMPLE = {"USER": "331 password", "PBSZ": "200 yes", "PROT": "200 yes", "TYPE": "200 yes", "QUIT": "221 bye"}
ANSWERS: dict[str, Callable[[Conversation, str], str]] = {
    "AUTH": Conversation.auth,
    "PASS": Conversation.sign_in,
    "CWD": Conversation.cwd,
    "MKD": Conversation.mkd,
    "PASV": Conversation.pasv,
    "STOR": Conversation.stor,
    "SIZE": Conversation.size,
    "RNFR": Conversation.rnfr,
    "RNTO": Conversation.rnto,
}


@contextmanager
def tls_ftp_server(root: Path, tls: ssl.SSLContext, *, implicit: bool = False) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), connection:
                    begun = tls.wrap_socket(connection, server_side=True) if implicit else connection
                    with closing(Conversation(begun, root, tls)) as conversation:
                        conversation.run()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
