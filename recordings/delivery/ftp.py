"""Upload over FTP and FTPS: to checked addresses only, under a name of its own until it is whole."""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import unquote

from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.network import PIECE_BYTES, Deadline, Network, Place, find, words_of

IMPLICIT_TLS_PORT = 990
BROKEN = (OSError, EOFError, ftplib.Error)


class Client(ftplib.FTP):
    """Takes data connections to where the control connection goes, whatever the server says."""

    data: socket.socket | None = None

    def connect_to(self, address: str, port: int, name: str, timeout: float) -> None:
        """Connect to an address; ``name`` is whose certificate is asked for."""
        plain = socket.create_connection((address, port), timeout)
        self.host, self.port, self.timeout, self.af = name, port, timeout, plain.family
        self.sock = plain
        self.sock = self.begun(plain)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def begun(self, plain: socket.socket) -> socket.socket:
        """The connection as the first word is said on it."""
        return plain

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        self.data, size = super().ntransfercmd(cmd, rest)
        return self.data, size


class SecureClient(Client, ftplib.FTP_TLS):
    """FTP over TLS: explicit, and implicit on the port that is meant for it."""

    def begun(self, plain: socket.socket) -> socket.socket:
        if self.port != IMPLICIT_TLS_PORT:
            return plain
        return self.context.wrap_socket(plain, server_hostname=self.host)

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        # Many servers insist that the data connection goes on with the control connection's session.
        self.data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        self.data = self.context.wrap_socket(self.data, server_hostname=self.host, session=session)
        return self.data, size


def upload(url: str, name: str, draft: str, content: BinaryIO, size: int, network: Network) -> None:
    """Store the content as ``name`` in the url's folder; until it is whole it is called ``draft``."""
    place = find(url, network)
    folders = folders_of(place)
    deadline = Deadline(network.whole_seconds)
    with connected(place, network, deadline) as client:
        try:
            sign_in(client, place)
            enter(client, folders)
            client.storbinary(f"STOR {draft}", content, PIECE_BYTES)
            check_size(client, draft, size)
            put_in_place(client, draft, name)
        except BROKEN as error:
            raise DeliveryFailed(reason_of(error, deadline)) from error
        with contextlib.suppress(*BROKEN):
            client.quit()


def folders_of(place: Place) -> list[str]:
    """The url's path, decoded; a first ``%2F`` is the server's root."""
    folders = [unquote(part) for part in place.parts.path.split("/") if part]
    for text in (*folders, *(place.user or ())):
        if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
            raise DeliveryFailed("Refused: the address has a control character in it.", permanent=True)
    if ".." in [part for folder in folders for part in folder.split("/")]:
        raise DeliveryFailed("Refused: the address leads upwards.", permanent=True)
    return folders


@contextmanager
def connected(place: Place, network: Network, deadline: Deadline) -> Iterator[Client]:
    client = connect(place, network, deadline)
    try:
        with deadline.over(lambda: [client.sock, client.data]):
            yield client
    finally:
        client.close()


def connect(place: Place, network: Network, deadline: Deadline) -> Client:
    """Connect to one of the checked addresses, in order."""
    reason = ""
    for address in place.addresses:
        client = client_for(place, network)
        try:
            with deadline.over(lambda: [client.sock]):  # noqa: B023
                client.connect_to(
                    address, place.destination.port, place.destination.host, network.connect_seconds
                )
        except BROKEN as error:
            client.close()
            reason = reason_of(error, deadline)
            continue
        client.timeout = network.silence_seconds
        if client.sock:
            client.sock.settimeout(network.silence_seconds)
        return client
    raise DeliveryFailed(reason or "The host has no address.")


def client_for(place: Place, network: Network) -> Client:
    if place.destination.scheme == "ftps":
        return SecureClient(context=network.tls(), encoding="utf-8")
    return Client(encoding="utf-8")


def sign_in(client: Client, place: Place) -> None:
    client.login(*(place.user or ("anonymous", "anonymous@")))
    if isinstance(client, SecureClient):
        client.prot_p()


def enter(client: Client, folders: list[str]) -> None:
    """Go into each folder; one that is not there is made."""
    for folder in folders:
        try:
            client.sendcmd(f"CWD {folder}")
        except ftplib.error_perm:
            client.sendcmd(f"MKD {folder}")
            client.sendcmd(f"CWD {folder}")


def check_size(client: Client, draft: str, size: int) -> None:
    """Ask how much arrived; a server that cannot tell has at least said that the transfer is complete."""
    try:
        arrived = client.size(draft)
    except ftplib.error_perm:
        return
    if arrived is not None and arrived != size:
        raise DeliveryFailed(f"Of {size} bytes {arrived} arrived.")


def put_in_place(client: Client, draft: str, name: str) -> None:
    """Rename; what stands there from an earlier try goes first where the server does not replace it."""
    try:
        client.rename(draft, name)
    except ftplib.error_perm:
        client.delete(name)
        client.rename(draft, name)


def reason_of(error: BaseException, deadline: Deadline) -> str:
    """The server's reply by its number alone: its words are a stranger's, and may repeat a password."""
    if isinstance(error, ftplib.Error) and not deadline.is_over:
        code = str(error)[:3]
        return f"The server refused with reply {code}." if code.isdigit() else "The server talks no FTP."
    if isinstance(error, EOFError):
        return words_of(ConnectionResetError(104, "The server hung up"), deadline)
    return words_of(error, deadline)
