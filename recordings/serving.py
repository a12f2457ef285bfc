"""Handing a stored file out, whole or a range, by ourselves, the web server in front or a bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date, parse_http_date_safe

from recordings.buckets import BucketStorage, StorageUnavailable
from recordings.ranges import Span, Unsatisfiable, span_of
from recordings.storage import is_on_disk, storage_at
from recordings.stores import AudioStore

CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
CHUNK_BYTES = 1 << 16
SECONDS_TO_BEGIN = 300


class Kept(Protocol):
    """A row about a file in storage."""

    @property
    def store(self) -> AudioStore | None: ...
    @property
    def key(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


class Closable(Protocol):
    def close(self) -> None: ...


def send(
    request: HttpRequest,
    kept: Kept,
    *,
    inline: bool = False,
    seconds: int = SECONDS_TO_BEGIN,
    accel: bool = True,
    redirect: bool = True,
) -> HttpResponseBase:
    """Answer GET or HEAD with the file; raise FileNotFoundError when it is gone.

    With ``accel`` and CCPORTAL_X_ACCEL the web server in front sends what is on disk, ranges too.
    With ``redirect`` and CCPORTAL_PRESIGNED a bucket sends what is in it, for so many ``seconds``.
    """
    try:
        response = sent(request, kept, inline=inline, seconds=seconds, accel=accel, redirect=redirect)
    except StorageUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "30", "Cache-Control": "no-store"})
    if response.status_code != 302:
        describe(response, kept, inline=inline)
    return response


def sent(
    request: HttpRequest, kept: Kept, *, inline: bool, seconds: int, accel: bool, redirect: bool
) -> HttpResponseBase:
    storage = storage_at(kept.store)
    if accel and settings.CCPORTAL_X_ACCEL and is_on_disk(storage):
        return hand_over(kept, storage, settings.CCPORTAL_X_ACCEL)
    if redirect and settings.CCPORTAL_PRESIGNED and isinstance(storage, BucketStorage):
        return lead_to(request, kept, storage, inline=inline, seconds=seconds)
    return answer(request, kept)


def hand_over(kept: Kept, storage: Storage, prefix: str) -> HttpResponse:
    if not storage.exists(kept.key):
        raise FileNotFoundError(kept.key)
    return HttpResponse(headers={"X-Accel-Redirect": quote(f"{prefix.rstrip('/')}/{kept.key}")})


def lead_to(
    request: HttpRequest, kept: Kept, storage: BucketStorage, *, inline: bool, seconds: int
) -> HttpResponseBase:
    """Redirect to where the bucket itself sends the file, with the name and type that it has here."""
    if request.method != "GET" or is_fresh(request, kept):
        return answer(request, kept)
    if not storage.exists(kept.key):
        raise FileNotFoundError(kept.key)
    url = storage.presigned(
        kept.key,
        seconds=seconds,
        disposition=disposition("inline" if inline else "attachment", kept.file_name),
        content_type=content_type(kept),
    )
    return HttpResponse(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def answer(request: HttpRequest, kept: Kept) -> HttpResponseBase:
    file = storage_at(kept.store).open(kept.key)
    with closed_on_error(file):
        size = file.seek(0, os.SEEK_END)
        response: HttpResponseBase
        if is_fresh(request, kept):
            response = HttpResponse(status=304)
        else:
            response = whole_or_part(request, kept, file, size)
    if not response.streaming:
        file.close()
    return response


@contextmanager
def closed_on_error(opened: Closable) -> Iterator[None]:
    """Close a file, or the response that sends it, when what is done before it is sent fails."""
    try:
        yield
    except BaseException:
        opened.close()
        raise


def whole_or_part(request: HttpRequest, kept: Kept, file: File[bytes], size: int) -> HttpResponseBase:
    """Answer 200, 206 or 416; HEAD tells of the whole file, whatever range it asks for (RFC 9110, 14.2)."""
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(size)})
    header = request.headers.get("Range", "")
    try:
        span = span_of(header, size) if header and range_applies(request, kept) else None
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    sent = span or Span(0, size - 1)
    response = StreamingHttpResponse(Pieces(file, sent), status=206 if span else 200)
    response["Content-Length"] = str(sent.length)
    if span:
        response["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    return response


class Pieces:
    """The bytes of a span, piece by piece; the file is closed with the response, also when none was sent."""

    def __init__(self, file: File[bytes], span: Span) -> None:
        self.file = file
        self.span = span
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.span.first)
        left = self.span.length
        while left and (piece := self.file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece


def etag_of(kept: Kept) -> str:
    return f'"{kept.sha256}"'


def last_modified(kept: Kept) -> int:
    return int(kept.created_at.timestamp())


def is_fresh(request: HttpRequest, kept: Kept) -> bool:
    """Whether the client has it already (If-None-Match, else If-Modified-Since)."""
    if known := request.headers.get("If-None-Match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return bool(tags & {"*", etag_of(kept)})
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and last_modified(kept) <= since


def range_applies(request: HttpRequest, kept: Kept) -> bool:
    """If-Range: the range counts only for the very file the client has begun (RFC 9110, 13.1.5)."""
    condition = request.headers.get("If-Range")
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag_of(kept)
    return parse_http_date_safe(condition) == last_modified(kept)


def content_type(kept: Kept) -> str:
    return CONTENT_TYPES.get(kept.format, "application/octet-stream")


def describe(response: HttpResponseBase, kept: Kept, *, inline: bool) -> None:
    response["Content-Type"] = content_type(kept)
    response["Content-Disposition"] = disposition("inline" if inline else "attachment", kept.file_name)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag_of(kept)
    response["Last-Modified"] = http_date(last_modified(kept))
    response["Cache-Control"] = "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"


def disposition(kind: str, name: str) -> str:
    """Name the file for old clients in plain ASCII, for all others as it is (RFC 6266, RFC 8187)."""
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name
    )
    exact = quote(name.encode("utf-8", "replace"), safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}"
