"""Ranges as RFC 9110 has them, from the disk and from a bucket, and a bucket's own addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from django.core.files.base import ContentFile
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.utils.http import http_date

from accounts.models import Account, AuditEntry
from accounts.tenancy import Actor
from recordings.models import Listening, Media, Recording, State
from recordings.playback import MediaMissing, serve
from recordings.storage import storage_of
from tests.factories import make_call, make_recording

AUDIO = bytes(range(256)) * 400
SIZE = len(AUDIO)

pytestmark = pytest.mark.django_db

opened: list[HttpResponseBase] = []


@pytest.fixture(autouse=True)
def _close_responses(db: None) -> Iterator[None]:
    """Close at the end: with a response goes the connection to the database."""
    yield
    while opened:
        opened.pop().close()


@pytest.fixture(params=["disk", "bucket"])
def media(request: pytest.FixtureRequest, account: Account) -> Media:
    return keep(account, request.getfixturevalue("bucket") if request.param == "bucket" else None)


@pytest.fixture
def away(account: Account, request: pytest.FixtureRequest) -> Media:
    """A file that is in a bucket."""
    return keep(account, request.getfixturevalue("bucket"))


def keep(account: Account, store: Any) -> Media:
    recording = make_recording(make_call(account))
    media = Media.objects.create(
        recording=recording,
        store=store,
        format="mp3",
        key=f"{account.pk.hex}/{recording.pk.hex}/call.mp3",
        file_name='녹음 "x".mp3',
        size=SIZE,
        sha256=hashlib.sha256(AUDIO).hexdigest(),
        duration_ms=102_400,
        channels=2,
        sample_rate=8000,
    )
    storage_of(media).save(media.key, ContentFile(AUDIO))
    return media


def ask(
    media: Media, method: str = "GET", *, inline: bool = True, redirect: bool = False, **headers: str
) -> HttpResponseBase:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = RequestFactory().generic(method, "/audio", headers=named)
    cast("Any", request).actor = Actor(role="admin", account_id=media.recording.account_id, label="ada")
    opened.append(serve(request, media, inline=inline, redirect=redirect))
    return opened[-1]


def body(response: HttpResponseBase) -> bytes:
    return b"".join(cast("Any", response)) if isinstance(response, StreamingHttpResponse) else b""


def test_ranges(media: Media) -> None:
    etag, date = f'"{media.sha256}"', http_date(media.created_at.timestamp())
    other = http_date(media.created_at.timestamp() - 60)
    whole = (200, "", SIZE)
    table: list[tuple[dict[str, str], tuple[int, str, int]]] = [
        ({}, whole),
        ({"Range": "bytes=0-499"}, (206, f"bytes 0-499/{SIZE}", 500)),
        ({"Range": "bytes=-500"}, (206, f"bytes {SIZE - 500}-{SIZE - 1}/{SIZE}", 500)),
        ({"Range": "bytes=100-"}, (206, f"bytes 100-{SIZE - 1}/{SIZE}", SIZE - 100)),
        ({"Range": f"bytes=100-{SIZE * 9}"}, (206, f"bytes 100-{SIZE - 1}/{SIZE}", SIZE - 100)),
        ({"Range": "bytes=0-9", "If_Range": etag}, (206, f"bytes 0-9/{SIZE}", 10)),
        ({"Range": "bytes=0-9", "If_Range": date}, (206, f"bytes 0-9/{SIZE}", 10)),
        ({"Range": "bytes=0-9", "If_Range": f"W/{etag}"}, whole),
        ({"Range": "bytes=0-9", "If_Range": '"other"'}, whole),
        ({"Range": "bytes=0-9", "If_Range": other}, whole),
        ({"Range": "bytes=0-9,20-29"}, whole),
        ({"Range": "bytes=9-0"}, whole),
        ({"Range": "frames=0-9"}, whole),
        ({"Range": f"bytes={SIZE}-"}, (416, f"bytes */{SIZE}", 0)),
        ({"Range": "bytes=-0"}, (416, f"bytes */{SIZE}", 0)),
    ]
    for headers, (status, span, length) in table:
        response = ask(media, **cast("Any", headers))
        found = (response.status_code, response.get("Content-Range", ""), len(sent := body(response)))
        assert found == (status, span, length), headers
        assert sent in AUDIO, headers


def test_head(media: Media) -> None:
    response = ask(media, "HEAD", Range="bytes=0-9", redirect=True)
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(SIZE), b"")
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == f'"{media.sha256}"'


def fetch(url: str, **headers: str) -> tuple[int, Any, bytes]:
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return answer.status, answer.headers, answer.read()


def test_a_bucket_sends_the_file_itself_by_its_name_and_in_ranges(away: Media) -> None:
    response = ask(away, inline=False, redirect=True)
    assert response.status_code == 302
    assert response["Cache-Control"] == "no-store"
    status, headers, sent = fetch(response["Location"])
    assert (status, sent) == (200, AUDIO)
    assert headers["Content-Type"] == "audio/mpeg"
    assert headers["Content-Disposition"].startswith("attachment;")
    status, headers, sent = fetch(response["Location"], Range="bytes=10-19")
    assert (status, sent, headers["Content-Range"]) == (206, AUDIO[10:20], f"bytes 10-19/{SIZE}")


@pytest.mark.parametrize(("inline", "seconds"), [(False, 300), (True, 504)])
def test_its_address_ends_soon_and_is_on_record(away: Media, inline: bool, seconds: int) -> None:
    response = ask(away, inline=inline, redirect=True, Range="bytes=0-")
    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["X-Amz-Expires"] == [str(seconds)]
    assert query["response-content-disposition"][0].startswith("inline" if inline else "attachment")
    assert AuditEntry.objects.get().action == ("recording.play" if inline else "recording.download")
    assert Listening.objects.count() == int(inline)


def test_it_can_be_switched_off(away: Media, settings: Any) -> None:
    settings.CCPORTAL_PRESIGNED = False
    assert body(ask(away, redirect=True)) == AUDIO


def test_the_server_in_front_is_not_asked_for_what_is_in_a_bucket(away: Media, settings: Any) -> None:
    settings.CCPORTAL_X_ACCEL = "/protected/"
    assert not ask(away, redirect=True).has_header("X-Accel-Redirect")


def test_what_went_from_the_bucket_is_told_and_not_redirected_to(away: Media) -> None:
    storage_of(away).delete(away.key)
    with pytest.raises(MediaMissing):
        ask(away, redirect=True)
    assert Recording.objects.get().state == State.MISSING


def test_a_client_that_has_it_is_not_sent_away(away: Media) -> None:
    response = ask(away, redirect=True, If_None_Match=f'"{away.sha256}"')
    assert response.status_code == 304
