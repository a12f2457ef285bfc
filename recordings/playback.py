"""Handing audio out, whole or a range, by ourselves or by the web server in front, and on record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from urllib.parse import quote

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import http_date, parse_http_date_safe

from accounts import audit
from accounts.tenancy import Actor
from recordings.buckets import BucketStorage, StorageUnavailable
from recordings.delivery import news
from recordings.listening import DOWNLOADED, note_asked
from recordings.models import PLAYABLE, Finding, Media, Recording, State
from recordings.ranges import Span, Unsatisfiable, span_of
from recordings.storage import is_on_disk, storage_of

CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
CHUNK_BYTES = 1 << 16
ONE_LISTENING_SECONDS = 600
SECONDS_TO_BEGIN = 300
MOST_SECONDS_TO_HEAR = 6 * 3600


class MediaMissing(Http404):
    """The file of a recording is gone; the reason can be shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_media(media: Media) -> File[bytes]:
    """Open a stored file; one that is gone is marked as missing, and MediaMissing says so."""
    try:
        return storage_of(media).open(media.key)
    except FileNotFoundError:
        raise report_missing(media) from None


def report_missing(media: Media) -> MediaMissing:
    """Mark the recording as missing and return the error that tells of it.

    A file that moved, or was replaced, since its row was read is not missing.
    """
    reason = "The file is no longer in storage."
    is_still_there = Media.objects.filter(pk=media.pk, key=media.key).exists()
    rows = Recording.objects.filter(pk=media.recording_id, state__in=PLAYABLE if is_still_there else [])
    with transaction.atomic():
        rows.update(
            state=State.MISSING, state_at=timezone.now(), finding=Finding.MISSING, state_reason=reason
        )
        news.recordings_failed([media.recording_id])
    return MediaMissing(reason)


def serve(
    request: HttpRequest, media: Media, *, inline: bool, accel: bool = True, redirect: bool = True
) -> HttpResponseBase:
    """Answer GET or HEAD with the audio, to play (``inline``) or to keep; raise MediaMissing when it is gone.

    With ``accel`` and CCPORTAL_X_ACCEL the web server in front sends what is on disk, ranges too.
    With ``redirect`` and CCPORTAL_PRESIGNED a bucket sends what is in it; HEAD is always answered here.
    """
    try:
        response = send(request, media, inline=inline, accel=accel, redirect=redirect)
    except StorageUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "30", "Cache-Control": "no-store"})
    if response.status_code != 302:
        describe(response, media, inline=inline)
    if request.method == "GET" and response.status_code in (200, 206, 302):
        keep_record(request, media, inline=inline)
    return response


def send(
    request: HttpRequest, media: Media, *, inline: bool, accel: bool, redirect: bool
) -> HttpResponseBase:
    storage = storage_of(media)
    if accel and settings.CCPORTAL_X_ACCEL and is_on_disk(storage):
        return hand_over(media, storage, settings.CCPORTAL_X_ACCEL)
    if redirect and settings.CCPORTAL_PRESIGNED and isinstance(storage, BucketStorage):
        return lead_to(request, media, storage, inline=inline)
    return answer(request, media)


def hand_over(media: Media, storage: Storage, prefix: str) -> HttpResponse:
    if not storage.exists(media.key):
        raise report_missing(media)
    return HttpResponse(headers={"X-Accel-Redirect": quote(f"{prefix.rstrip('/')}/{media.key}")})


def lead_to(request: HttpRequest, media: Media, storage: BucketStorage, *, inline: bool) -> HttpResponseBase:
    """Redirect to where the bucket itself sends the file, with the name and type that it has here."""
    if request.method != "GET" or is_fresh(request, media):
        return answer(request, media)
    if not storage.exists(media.key):
        raise report_missing(media)
    url = storage.presigned(
        media.key,
        seconds=seconds_to_hear(media) if inline else SECONDS_TO_BEGIN,
        disposition=disposition("inline" if inline else "attachment", media.file_name),
        content_type=content_type(media),
    )
    return HttpResponse(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def seconds_to_hear(media: Media) -> int:
    """A player comes back for every range: time to hear it all twice, and a pause."""
    return min(SECONDS_TO_BEGIN + 2 * media.duration_ms // 1000, MOST_SECONDS_TO_HEAR)


def answer(request: HttpRequest, media: Media) -> HttpResponseBase:
    file = open_media(media)
    size = file.seek(0, os.SEEK_END)
    response: HttpResponseBase
    if is_fresh(request, media):
        response = HttpResponse(status=304)
    else:
        response = whole_or_part(request, media, file, size)
    if not response.streaming:
        file.close()
    return response


def whole_or_part(request: HttpRequest, media: Media, file: File[bytes], size: int) -> HttpResponseBase:
    """Answer 200, 206 or 416; HEAD tells of the whole file, whatever range it asks for (RFC 9110, 14.2)."""
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(size)})
    header = request.headers.get("Range", "")
    try:
        span = span_of(header, size) if header and range_applies(request, media) else None
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


def etag_of(media: Media) -> str:
    return f'"{media.sha256}"'


def last_modified(media: Media) -> int:
    return int(media.created_at.timestamp())


def is_fresh(request: HttpRequest, media: Media) -> bool:
    """Whether the client has it already (If-None-Match, else If-Modified-Since)."""
    if known := request.headers.get("If-None-Match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return bool(tags & {"*", etag_of(media)})
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and last_modified(media) <= since


def range_applies(request: HttpRequest, media: Media) -> bool:
    """If-Range: the range counts only for the very file the client has begun (RFC 9110, 13.1.5)."""
    condition = request.headers.get("If-Range")
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag_of(media)
    return parse_http_date_safe(condition) == last_modified(media)


def content_type(media: Media) -> str:
    return CONTENT_TYPES.get(media.format, "application/octet-stream")


def describe(response: HttpResponseBase, media: Media, *, inline: bool) -> None:
    response["Content-Type"] = content_type(media)
    response["Content-Disposition"] = disposition("inline" if inline else "attachment", media.file_name)
    response["Accept-Ranges"] = "bytes"
    if media.damage:
        response["X-Recording-Damage"] = media.damage
    response["ETag"] = etag_of(media)
    response["Last-Modified"] = http_date(last_modified(media))
    response["Cache-Control"] = "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"


def disposition(kind: str, name: str) -> str:
    """Name the file for old clients in plain ASCII, for all others as it is (RFC 6266, RFC 8187)."""
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name
    )
    exact = quote(name.encode("utf-8", "replace"), safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


def keep_record(request: HttpRequest, media: Media, *, inline: bool) -> None:
    """Put a play or download in the audit log; the many ranges of one listening are one entry.

    What was asked for of a play is kept besides: where no player reports, it tells what was heard.
    """
    actor: Actor | None = getattr(request, "actor", None)
    span = asked_span(request, media)
    if inline and actor and span.length > 0:
        note_asked(actor, media, span)
    action = "recording.play" if inline else DOWNLOADED
    if span.first and not is_first_range(action, media, actor):
        return
    audit.record(
        actor, action, media.recording, file=media.file_name, variant=media.variant, format=media.format
    )


def asked_span(request: HttpRequest, media: Media) -> Span:
    """The bytes that the request asks for, whoever sends them."""
    whole = Span(0, media.size - 1)
    if not range_applies(request, media):
        return whole
    try:
        return span_of(request.headers.get("Range", ""), media.size) or whole
    except Unsatisfiable:
        return whole


def is_first_range(action: str, media: Media, actor: Actor | None) -> bool:
    who = getattr(actor, "user_id", None) or getattr(actor, "label", "")
    listener = hashlib.sha256(f"{who}".encode()).hexdigest()[:32]
    return cache.add(f"{action}:{media.pk.hex}:{listener}", 1, ONE_LISTENING_SECONDS)
