"""Exports: lists as files, asked for from the calls list, followed and fetched here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import Action
from ccportal.exports.downloads import Gone, download
from ccportal.exports.sources import AUDIO, IDS, LIST, RECORDINGS, may_have
from ccportal.portal.page import AccountView, read_id
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line, size
from cdr.search import COUNT_LIMIT, PAGE_SIZE
from recordings.exporting import TooManyExports, ask, delete_export
from recordings.exports import UNFINISHED, Export, ExportFormat, ExportKind, ExportState
from recordings.models import Variant

LONGEST_LIST = 8000
SHOWN = 50
CHOICES = {
    f"{kind}-{file_format}": (kind, file_format)
    for kind, file_format in [
        *((ExportKind.CALLS, each) for each in (ExportFormat.CSV, ExportFormat.XLSX)),
        *((ExportKind.QUEUE_CALLS, each) for each in (ExportFormat.CSV, ExportFormat.XLSX)),
        *((ExportKind.RECORDINGS, each) for each in ExportFormat),
    ]
}
AGENTS_PARTS = "recordings-zip-agent"
CHOICES[AGENTS_PARTS] = CHOICES["recordings-zip"]
MARKS = {
    ExportState.QUEUED: Mark("Waiting", "off"),
    ExportState.RUNNING: Mark("Being made", "talk"),
    ExportState.READY: Mark("Ready", "good"),
    ExportState.FAILED: Mark("Failed", "bad"),
    ExportState.DELETED: Mark("Deleted", "off"),
}


@dataclass(frozen=True)
class Row:
    """An export as the page shows it."""

    key: str
    title: str
    format: str
    mark: Mark
    why: str
    progress: str
    percent: int | None
    size: str
    is_ready: bool
    is_at_work: bool
    asked: Moment
    asked_by: str
    expires: Moment


class ExportsView(AccountView):
    """The page is there for those who may export."""

    section = "exports"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.EXPORT)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("portal/exports.html", **self.contents())

    def contents(self) -> dict[str, Any]:
        clock = Clock(timezone.now(), self.zone)
        there = self.exports().exclude(state=ExportState.DELETED)
        found = list(there.order_by("-asked_at", "-id")[: SHOWN + 1])
        return {
            "rows": [row_of(export, clock) for export in found[:SHOWN]],
            "more": len(found) > SHOWN,
            "goes_on": any(export.state in UNFINISHED for export in found),
            "shown": SHOWN,
        }

    def exports(self) -> QuerySet[Export]:
        return self.rows(Export)

    def one(self, key: uuid.UUID) -> Export:
        export = self.exports().select_related("store").filter(pk=key).first()
        if export is None or not (self.actor and may_have(self.actor, export.format)):
            raise Http404("There is no such export.")
        return export

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask for the list of the address, or for the calls that were ticked."""
        what = request.POST.get("what", "")
        kind, file_format = CHOICES.get(what, ("", ""))
        if not kind or self.actor is None or not may_have(self.actor, file_format):
            messages.error(request, "Choose what to export.")
            return redirect("exports")
        chosen = self.asked_for(request) | ({AUDIO: Variant.AGENT} if what == AGENTS_PARTS else {})
        try:
            ask(Export.wanted(self.chosen, kind, file_format, chosen, user=self.user), self.actor)
        except TooManyExports:
            messages.error(request, "Many exports are being made. Wait for one of them, or stop one.")
        else:
            messages.success(request, "Begun. You can leave this page; the file stays here for some days.")
        return redirect("exports")

    def asked_for(self, request: HttpRequest) -> dict[str, Any]:
        if listed := request.POST.get("recordings"):
            return {RECORDINGS: listed.lstrip("?")[:LONGEST_LIST]}
        ticked = [] if "all" in request.POST else request.POST.getlist("call")[:PAGE_SIZE]
        keys = [key.hex for text in ticked if (key := read_id(text))]
        return {IDS: keys} if keys else {LIST: request.POST.get("list", "").lstrip("?")[:LONGEST_LIST]}


class ExportsPart(ExportsView):
    """How far they are, for the page to ask while one is being made."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("portal/exports_rows.html", **self.contents())

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "GET"})


class ExportFileView(ExportsView):
    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # type: ignore[override] # noqa: A002
        try:
            return download(request, self.one(id), self.actor)
        except Gone as gone:
            raise Http404(str(gone)) from None

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override] # noqa: A002
        return HttpResponse(status=405, headers={"Allow": "GET"})


class DeleteExportView(ExportsView):
    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override] # noqa: A002
        self.one(id)
        return redirect("exports")

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override] # noqa: A002
        if delete_export(export := self.one(id), self.actor):
            messages.success(request, f"{export.file_name} is deleted.")
        return redirect("exports")


def row_of(export: Export, clock: Clock) -> Row:
    state = ExportState(export.state)
    at_work = state in UNFINISHED
    return Row(
        key=export.pk.hex,
        title=on_one_line(export.file_name),
        format=export.get_format_display(),
        mark=MARKS[state],
        why=on_one_line(export.state_reason) if state == ExportState.FAILED else "",
        progress=progress_of(export),
        percent=percent_of(export) if at_work else None,
        size=size(export.size) if export.size is not None else "",
        is_ready=state == ExportState.READY,
        is_at_work=at_work,
        asked=clock.since(export.asked_at),
        asked_by=on_one_line(export.asked_by),
        expires=clock.at(export.expires_at),
    )


def progress_of(export: Export) -> str:
    """How far it is, in words."""
    total = export.rows_total
    if total is None:
        return ""
    known = f"{COUNT_LIMIT:,}+" if total > COUNT_LIMIT else f"{total:,}"
    finished = export.state == ExportState.READY
    done = f"{export.rows_done:,}"
    rows = f"{done} row{'' if export.rows_done == 1 else 's'}" if finished else f"{done} of {known}"
    if export.format != ExportFormat.ZIP:
        return rows
    return f"{export.files:,} file{'' if export.files == 1 else 's'}, {export.missing:,} missing"


def percent_of(export: Export) -> int | None:
    """How far it is of a hundred; nothing when nobody counted so far."""
    if not export.rows_total or export.rows_total > COUNT_LIMIT:
        return None
    return min(99, 100 * export.rows_done // export.rows_total)
