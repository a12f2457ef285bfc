"""Files sent to the real web server: whole, in chunks, and cut off."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.conf import settings

from accounts.models import Account
from recordings.models import Media, Recording, State
from recordings.uploads import issue
from tests.factories import make_account, make_call, make_recording, tone

WAV = tone(3.0)
SIZE = 6_000_000
LARGE = WAV[:4] + (SIZE - 8).to_bytes(4, "little") + WAV[8:40] + (SIZE - 44).to_bytes(4, "little")
LARGE += bytes(SIZE - 44)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(process_environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The web process as the Procfile runs it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", "2", "--no-ws"]
    command += ["--log-level", "warning", "ccportal.wsgi:application"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=process_environment)
    try:
        wait_for(port)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("The server does not listen")


@pytest.fixture
def account() -> Account:
    return make_account()


class Awaited:
    """A recording whose file is missing, and how to send it."""

    def __init__(self, account: Account) -> None:
        self.recording = make_recording(make_call(account), state=State.MISSING, switch_ms=None)
        _, self.token = issue(self.recording, None)
        self.path = f"/v2/accounts/{account.pk.hex}/recordings/{self.recording.pk.hex}/media/call.wav"

    @property
    def state(self) -> str:
        self.recording.refresh_from_db()
        return self.recording.state

    def head(self, *lines: str) -> bytes:
        fixed = [f"PUT {self.path} HTTP/1.1", "Host: localhost", f"X-Upload-Token: {self.token}"]
        return "\r\n".join([*fixed, *lines, "", ""]).encode()


def curl(awaited: Awaited, server: tuple[str, int], audio: Path | bytes, *options: str) -> str:
    """Send as FreeSWITCH does, by libcurl; from standard input it goes in chunks."""
    host, port = server
    body = audio if isinstance(audio, bytes) else None
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-T"]
    command += ["-" if body is not None else str(audio), *options, f"http://{host}:{port}{awaited.path}"]
    done = subprocess.run(
        command,
        input=body,
        env={"PATH": os.environ["PATH"], "no_proxy": "*"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode()


def cut(server: tuple[str, int], *pieces: bytes) -> None:
    """Send this much and hang up."""
    with socket.create_connection(server, 10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        time.sleep(0.2)


def quiet(awaited: Awaited) -> None:
    """Give the server time to see that the connection is gone, and to clear up."""
    folder = Path(settings.DATA_DIR) / "uploads"
    for _ in range(100):
        if not any(folder.glob(".draft-*")):
            return
        time.sleep(0.05)
    raise AssertionError(f"A draft was left, and the recording is {awaited.state}")


def test_whole_in_chunks_again_and_cut_off(server: tuple[str, int], account: Account, tmp_path: Path) -> None:
    file = tmp_path / "call.wav"
    file.write_bytes(LARGE)
    header = f"X-Upload-Token: {(whole := Awaited(account)).token}"
    assert [curl(whole, server, file, "-H", header) for _ in range(2)] == ["201", "200"]
    assert Media.objects.get(recording=whole.recording).sha256 == hashlib.sha256(LARGE).hexdigest()

    basic = Awaited(account)
    assert curl(basic, server, LARGE, "-u", f"freeswitch:{basic.token}") == "201"
    assert Media.objects.get(recording=basic.recording).size == SIZE

    unproven = Awaited(account)
    header = f"X-Upload-Token: {unproven.token}"
    assert curl(unproven, server, LARGE[:-1000], "-H", header) == "411"
    assert unproven.state == State.MISSING
    digest = base64.b64encode(hashlib.sha256(LARGE[:-1000]).digest()).decode()
    assert (
        curl(unproven, server, LARGE[:-1000], "-H", header, "-H", f"Content-Digest: sha-256=:{digest}:")
        == "201"
    )


def test_a_connection_that_is_cut_leaves_nothing_and_the_token_good(
    server: tuple[str, int], account: Account
) -> None:
    for lines, piece in (
        (f"Content-Length: {len(WAV)}", WAV[:20_000]),
        ("Transfer-Encoding: chunked", b"4e20\r\n" + WAV[:20_000] + b"\r\n"),
        ("Transfer-Encoding: chunked", b"4e20\r\n" + WAV[:500]),
    ):
        awaited = Awaited(account)
        cut(server, awaited.head(lines), piece)
        quiet(awaited)
        assert awaited.state == State.MISSING
        assert not Media.objects.filter(recording=awaited.recording).exists()
        request = Request(f"http://{server[0]}:{server[1]}{awaited.path}", WAV, method="PUT")
        request.add_header("X-Upload-Token", awaited.token)
        with urlopen(request, timeout=30) as answer:
            assert answer.status == 201
    assert Recording.objects.filter(state=State.PROCESSING).count() == 3
