"""Uploads to FTP servers, plain and with TLS, and to some that mean harm."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.ftp import upload
from recordings.delivery.network import Network
from tests.recordings.delivery.receivers import Names
from tests.recordings.delivery.tls_ftp import tls_ftp_server

with warnings.catch_warnings():
    # It stands on asyncore, which Python 3.11 warns of and later ones have from a package.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import ThreadedFTPServer

BODY = b"RIFF" + b"sound" * 10_000
Serve = Callable[..., tuple[str, Path]]


def network(**fields: Any) -> Network:
    names = Names({"files.example": [["127.0.0.1"]]})
    defaults: dict[str, Any] = {
        "resolve": names,
        "allowed": ("127.0.0.1", "files.example"),
        "silence_seconds": 1.0,
        "whole_seconds": 8.0,
    }
    return Network(**defaults | fields)


def put(url: str, net: Network | None = None, name: str = "call.mp3") -> None:
    upload(url, name, ".draft.part", io.BytesIO(BODY), len(BODY), net or network())


def refused(url: str, net: Network | None = None) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        put(url, net)
    return caught.value


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[Any] = []

    def start(**options: Any) -> tuple[str, Path]:
        root = tmp_path / f"ftp-{len(running)}"
        root.mkdir()
        authorizer = DummyAuthorizer()
        authorizer.add_user("ann", "p@ss", str(root), perm="elradfmwMT")
        handler: Any = type("Handler", (FTPHandler,), {})
        handler.authorizer = authorizer
        for name, value in options.items():
            setattr(handler, name, value)
        server = ThreadedFTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"ftp://ann:p%40ss@files.example:{server.address[1]}", root

    yield start
    for server, thread in running:
        server.close_all()
        thread.join(timeout=5)


def test_a_file_arrives_whole_in_folders_that_are_made(serve: Serve) -> None:
    url, root = serve()
    put(f"{url}/2026/11%20November/")
    assert (root / "2026" / "11 November" / "call.mp3").read_bytes() == BODY
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["call.mp3"]


def test_a_file_that_is_there_is_replaced(serve: Serve) -> None:
    url, root = serve()
    (root / "call.mp3").write_bytes(b"half")
    put(url)
    put(url)
    assert (root / "call.mp3").read_bytes() == BODY


def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        authority.configure_trust(made)
        return made

    return context


def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("files.example").configure_cert(context)
    return context


def test_tls_is_used_for_the_words_and_the_file(tmp_path: Path, authority: trustme.CA) -> None:
    with tls_ftp_server(tmp_path, server_tls(authority)) as port:
        put(f"ftps://ann:p%40ss@files.example:{port}/a", network(tls=trusting(authority)))
    assert (tmp_path / "a" / "call.mp3").read_bytes() == BODY


def test_the_port_of_implicit_tls_speaks_it_from_the_beginning(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_ftp_server(tmp_path, server_tls(authority), implicit=True) as port:
        monkeypatch.setattr("recordings.delivery.ftp.IMPLICIT_TLS_PORT", port)
        put(f"ftps://ann:p%40ss@files.example:{port}/", network(tls=trusting(authority)))
    assert (tmp_path / "call.mp3").read_bytes() == BODY


def test_a_certificate_that_is_not_the_hosts_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    with tls_ftp_server(tmp_path, server_tls(authority)) as port:
        url = f"ftps://ann:p%40ss@files.example:{port}/"
        elsewhere = refused(url.replace("files.example", "127.0.0.1"), network(tls=trusting(authority)))
        unknown = refused(url)
    for failed in (elsewhere, unknown):
        assert failed.reason.startswith("The certificate is not valid for the host")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_told_by_its_number(serve: Serve) -> None:
    url, _ = serve(auth_failed_timeout=0.05)
    failed = refused(url.replace("p%40ss", "secret"))
    assert (failed.reason, failed.permanent) == ("The server refused with reply 530.", False)


def test_the_servers_word_on_where_to_send_is_not_taken(serve: Serve) -> None:
    """A server that names another machine for the data would have us connect into our own network."""
    url, root = serve(masquerade_address="10.0.0.8")
    put(url)
    assert (root / "call.mp3").read_bytes() == BODY


def test_the_connection_goes_to_the_address_that_was_checked(serve: Serve) -> None:
    url, _ = serve()
    names = Names({"files.example": [["127.0.0.1"], ["192.0.2.1"]]})
    put(url, network(resolve=names))
    assert names.asked == ["files.example"]


def test_inside_addresses_are_refused_without_the_operators_word(serve: Serve) -> None:
    url, root = serve()
    failed = refused(url, network(allowed=()))
    assert failed.permanent
    assert failed.reason.startswith("Refused: ")
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["/a%0d%0aDELE%20x", "/a%0aNOOP", "/%00", "/..%2f..", "/../x", "/a/%2e%2e/b"]
)
def test_a_path_cannot_become_a_command_or_lead_upwards(serve: Serve, path: str) -> None:
    url, root = serve()
    failed = refused(f"{url}{path}")
    assert failed.permanent
    assert list(root.iterdir()) == []


def test_a_password_cannot_become_a_command(serve: Serve) -> None:
    url, _ = serve()
    assert refused(url.replace("p%40ss", "x%0d%0aDELE")).permanent


def stranger(words: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(words)
                if words.endswith(b"..."):
                    connection.settimeout(5)
                    connection.recv(100)

        threading.Thread(target=talk, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b"+OK POP3 ready\r\n", "The server talks no FTP."),
        (b"", "The server hung up."),
        (b"220-welcome...", "The receiver did not answer in time."),
        (b"421 too many\r\n", "The server refused with reply 421."),
        (b"x" * 100_000 + b"\r\n", "The server talks no FTP."),
    ],
    ids=["mail", "nothing", "silence", "busy", "long"],
)
def test_what_is_no_ftp_server_is_told(words: bytes, reason: str) -> None:
    for port in stranger(words):
        failed = refused(f"ftp://127.0.0.1:{port}/", network(connect_seconds=0.5))
    assert (failed.reason, failed.permanent) == (reason, False)
