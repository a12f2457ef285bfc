"""Handing audio out, whole or a range, by ourselves or by the web server in front, and on record."""

from __future__ import annotations

import hashlib

from django.core.cache import cache
from django.core.files.base import File
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts import audit
from accounts.tenancy import Actor
from recordings.delivery import news
from recordings.listening import DOWNLOADED, note_asked
from recordings.models import PLAYABLE, Finding, Media, Recording, State
from recordings.ranges import Span, Unsatisfiable, span_of
from recordings.serving import SECONDS_TO_BEGIN, closed_on_error, range_applies, send
from recordings.storage import storage_of

ONE_LISTENING_SECONDS = 600
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
    seconds = seconds_to_hear(media) if inline else SECONDS_TO_BEGIN
    try:
        response = send(request, media, inline=inline, seconds=seconds, accel=accel, redirect=redirect)
    except FileNotFoundError:
        raise report_missing(media) from None
    if media.damage and response.status_code in (200, 206, 304, 416):
        response["X-Recording-Damage"] = media.damage
    if request.method == "GET" and response.status_code in (200, 206, 302):
        with closed_on_error(response):
            keep_record(request, media, inline=inline)
    return response


def seconds_to_hear(media: Media) -> int:
    """A player comes back for every range: time to hear it all twice, and a pause."""
    return min(SECONDS_TO_BEGIN + 2 * media.duration_ms // 1000, MOST_SECONDS_TO_HEAR)


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
