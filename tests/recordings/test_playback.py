from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest
from django.core.cache import cache
from django.core.files.base import File
from django.db import DatabaseError
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.utils.http import http_date
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit
from accounts.models import Account, AuditEntry
from accounts.tenancy import Actor
from recordings.models import Finding, Media, Recording, State
from recordings.playback import MediaMissing, open_media, serve
from recordings.ranges import Unsatisfiable, span_of
from recordings.serving import disposition
from recordings.storage import storage_of
from tests.factories import make_call, make_recording

AUDIO = bytes(range(256)) * 400
SIZE = len(AUDIO)


opened: list[HttpResponseBase] = []


@pytest.fixture(autouse=True)
def _close_responses(db: None) -> Iterator[None]:
    yield
    while opened:
        opened.pop().close()


@pytest.fixture
def media(account: Account, stored: Path) -> Media:
    cache.clear()
    return keep(make_recording(make_call(account)), stored, AUDIO)


def keep(recording: Recording, stored: Path, audio: bytes) -> Media:
    media = Media.objects.create(
        recording=recording,
        format="wav",
        key=f"{recording.pk.hex}/call.wav",
        file_name='녹음 "x";\r\n.wav',
        size=len(audio),
        sha256=hashlib.sha256(audio).hexdigest(),
        duration_ms=1000,
        channels=2,
        sample_rate=8000,
    )
    path = stored / media.key
    path.parent.mkdir(parents=True)
    path.write_bytes(audio)
    return media


def ask(media: Media, method: str = "GET", *, inline: bool = True, **headers: str) -> HttpResponseBase:
    request = RequestFactory().generic(
        method, "/audio", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    cast("Any", request).actor = Actor(role="admin", account_id=media.recording.account_id, label="ada")
    opened.append(serve(request, media, inline=inline))
    return opened[-1]


def body(response: HttpResponseBase) -> bytes:
    if isinstance(response, StreamingHttpResponse):
        found = b"".join(cast("Any", response))
        response.close()
        return found
    return cast("HttpResponse", response).content


@pytest.mark.parametrize(
    ("header", "status", "first", "last"),
    [
        ("bytes=0-499", 206, 0, 499),
        ("bytes=500-999", 206, 500, 999),
        ("bytes=-500", 206, SIZE - 500, SIZE - 1),
        ("bytes=9500-", 206, 9500, SIZE - 1),
        ("bytes=0-0", 206, 0, 0),
        ("bytes=-1", 206, SIZE - 1, SIZE - 1),
        ("bytes=0-", 206, 0, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE - 1),
        (f"bytes=10-{10**30}", 206, 10, SIZE - 1),
        (f"bytes={SIZE - 1}-", 206, SIZE - 1, SIZE - 1),
        ("BYTES= 0-1 ", 206, 0, 1),
        ("bytes=0007-0008", 206, 7, 8),
    ],
)
def test_one_range_is_answered_with_just_that(
    header: str, status: int, first: int, last: int, media: Media
) -> None:
    response = ask(media, Range=header)
    assert response.status_code == status
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == AUDIO[first : last + 1]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes=0-1,5-6",
        "bytes=5-4",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "frames=0-1",
        "bytes 0-1",
        "bytes=1-2x",
        "bytes=٣-٤",
        "bytes=0-1\n",
        "bytes=--1",
    ],
)
def test_no_range_several_or_nonsense_are_answered_whole(header: str, media: Media) -> None:
    response = ask(media, Range=header)
    assert response.status_code == 200
    assert not response.has_header("Content-Range")
    assert body(response) == AUDIO


@pytest.mark.parametrize(
    "header", [f"bytes={SIZE}-", f"bytes={10**30}-", "bytes=-0", f"bytes={SIZE}-{SIZE + 1}"]
)
def test_a_range_behind_the_end_is_416(header: str, media: Media) -> None:
    response = ask(media, Range=header)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert not AuditEntry.objects.exists()


def test_head_tells_of_the_whole_file_and_sends_nothing(media: Media) -> None:
    response = ask(media, "HEAD", Range="bytes=0-1")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(SIZE), b"")
    assert not AuditEntry.objects.exists()


def test_headers_say_what_it_is_and_how_to_keep_it(media: Media) -> None:
    response = ask(media, inline=False)
    assert response["Content-Type"] == "audio/wav"
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == f'"{media.sha256}"'
    assert response["Last-Modified"] == http_date(media.created_at.timestamp())
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-cache"
    assert response["Content-Disposition"].startswith('attachment; filename="__ _x_;__.wav"; filename*=UTF-8')


@given(name=st.text(max_size=50))
def test_a_file_name_never_breaks_out_of_its_header(name: str) -> None:
    header = disposition("inline", name)
    plain, exact = header.removeprefix('inline; filename="').split("\"; filename*=UTF-8''")
    assert header.isascii()
    assert header.isprintable()
    assert '"' not in plain
    assert unquote(exact) == name.encode("utf-8", "replace").decode()


def test_if_range_holds_only_for_the_same_file(media: Media) -> None:
    etag, date = f'"{media.sha256}"', http_date(media.created_at.timestamp())
    for condition, status in {
        etag: 206,
        date: 206,
        f"W/{etag}": 200,
        '"other"': 200,
        http_date(media.created_at.timestamp() - 60): 200,
        http_date(media.created_at.timestamp() + 60): 200,
        "nonsense": 200,
    }.items():
        assert ask(media, Range="bytes=0-9", If_Range=condition).status_code == status, condition


def test_a_client_that_has_it_is_told_so(media: Media) -> None:
    etag, date = f'"{media.sha256}"', media.created_at.timestamp()
    assert ask(media, If_None_Match=f'"x", W/{etag}').status_code == 304
    assert ask(media, If_None_Match="*").status_code == 304
    assert ask(media, If_None_Match='"x"', If_Modified_Since=http_date(date)).status_code == 200
    assert ask(media, If_Modified_Since=http_date(date)).status_code == 304
    assert ask(media, If_Modified_Since=http_date(date - 60)).status_code == 200


def test_a_file_that_is_gone_is_404_with_its_reason_and_marked(media: Media, stored: Path) -> None:
    (stored / media.key).unlink()
    with pytest.raises(MediaMissing) as caught:
        ask(media)
    assert isinstance(caught.value, Http404)
    assert caught.value.reason
    recording = Recording.objects.get()
    assert (recording.state, recording.finding) == (State.MISSING, Finding.MISSING)


def test_the_server_in_front_gets_the_place_and_not_the_bytes(
    media: Media, settings: Any, stored: Path
) -> None:
    settings.CCPORTAL_X_ACCEL = "/protected audio/"
    response = ask(media, Range="bytes=0-1")
    assert response.status_code == 200
    assert response["X-Accel-Redirect"] == f"/protected%20audio/{media.key}"
    assert body(response) == b""
    assert AuditEntry.objects.count() == 1
    (stored / media.key).unlink()
    with pytest.raises(MediaMissing):
        ask(media)


def test_every_play_and_download_is_on_record(media: Media) -> None:
    ask(media)
    ask(media, inline=False)
    ask(media, Range="bytes=0-")
    entries = list(AuditEntry.objects.order_by("at", "pk"))
    assert sorted(entry.action for entry in entries) == [
        "recording.download",
        "recording.play",
        "recording.play",
    ]
    assert {entry.object_id for entry in entries} == {media.recording.pk.hex}
    assert {entry.actor for entry in entries} == {"ada"}


def test_the_ranges_of_one_listening_are_one_entry(media: Media) -> None:
    for first in (100, 200, 300):
        ask(media, Range=f"bytes={first}-")
    assert AuditEntry.objects.count() == 1


def test_a_large_file_is_sent_in_little_memory(account: Account, stored: Path) -> None:
    media = keep(make_recording(make_call(account)), stored, b"")
    with (stored / media.key).open("wb") as file:
        file.truncate(200_000_000)
    response = ask(media)
    tracemalloc.start()
    sent = sum(len(piece) for piece in cast("Any", response))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    response.close()
    assert sent == 200_000_000
    assert peak < 2_000_000


def test_an_empty_file_is_sent_as_such(account: Account, stored: Path) -> None:
    media = keep(make_recording(make_call(account)), stored, b"")
    response = ask(media)
    assert (response.status_code, response["Content-Length"], body(response)) == (200, "0", b"")
    assert ask(media, Range="bytes=0-").status_code == 416


def test_an_open_file_reads(media: Media) -> None:
    with open_media(media) as file:
        assert file.read() == AUDIO


@given(header=st.text("bytes=0123456789-, \t", max_size=30), size=st.integers(0, 10_000))
def test_a_span_lies_within_the_file(header: str, size: int) -> None:
    try:
        span = span_of(header, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.first <= span.last < size


def test_a_play_that_cannot_be_put_on_record_leaves_no_file_open(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[File[bytes]] = []
    storage = storage_of(media)
    real_open = storage.open

    def open_watched(name: str, mode: str = "rb") -> File[bytes]:
        files.append(real_open(name, mode))
        return files[-1]

    def fail(*args: object, **values: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(type(storage), "open", staticmethod(open_watched))
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(DatabaseError):
        ask(media)
    assert [file.closed for file in files] == [True]
