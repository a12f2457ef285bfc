"""Handing the file of an export out, on record."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts import audit
from accounts.tenancy import Actor
from recordings.exports import Export, ExportState
from recordings.ranges import Unsatisfiable, span_of
from recordings.serving import closed_on_error, send

WORDS = {
    ExportState.QUEUED: "It waits to be made.",
    ExportState.RUNNING: "It is being made.",
    ExportState.FAILED: "It could not be made.",
    ExportState.DELETED: "It was deleted.",
}


class Gone(Exception):
    """There is no file, and why."""


def download(request: HttpRequest, export: Export, actor: Actor | None) -> HttpResponseBase:
    """Answer with the file, or a range of it; raise Gone."""
    if export.state != ExportState.READY:
        raise Gone(WORDS[ExportState(export.state)])
    try:
        response = send(request, export)
    except FileNotFoundError:
        raise Gone("The file is no longer in storage.") from None
    if request.method == "GET" and response.status_code in (200, 206, 302) and begins(request, export):
        with closed_on_error(response):
            audit.record(actor, "export.download", export, file=export.file_name, kind=export.kind)
    return response


def begins(request: HttpRequest, export: Export) -> bool:
    """Whether the first byte is asked for: the ranges of one download are one entry."""
    try:
        span = span_of(request.headers.get("Range", ""), export.size or 0)
    except Unsatisfiable:
        return False
    return span is None or span.first == 0
