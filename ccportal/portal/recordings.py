"""Lists of recordings for those who look after them, and doing again what went wrong."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from ccportal.portal.calls import NamedView
from ccportal.portal.kinds import BY_KEY, DAMAGED, GROUPS
from ccportal.portal.options import Option, named_options, period_options
from ccportal.portal.page import CaretakerView, read_id
from ccportal.portal.period import Period, read_period
from ccportal.portal.rows import Names, other_number, other_party
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.takes import FINDINGS, MARKS, SENTENCES
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import capped, on_one_line
from cdr.search import COUNT_LIMIT, PAGE_SIZE, Cursor, count_capped, page_of
from recordings.again import do_to_all, do_to_some
from recordings.kinds import Chosen
from recordings.models import Finding, Recording, Redo, RedoAction, State

FIRST_KIND = "expected"
REDOS_SHOWN = 3
REDOS_SHOWN_FOR = timedelta(hours=24)
DONE_WORDS = {RedoAction.PROCESS: "processed again", RedoAction.LOOK: "looked for again"}
WHAT_IS_LEFT = {
    RedoAction.PROCESS: "The others have no stored file.",
    RedoAction.LOOK: "The others are not missing.",
}


@dataclass(frozen=True)
class Filters:
    """Which list an address asks for."""

    kind: str
    period: Period
    queue: str

    @classmethod
    def read(cls, params: QueryDict, zone: Any, now: datetime) -> Filters:
        kind = params.get("show", "")
        period = read_period(
            params.get("period", ""), params.get("from", ""), params.get("to", ""), zone, now
        )
        queue = params.get("queue", "").replace("\x00", "")
        return cls(kind if kind in BY_KEY else FIRST_KIND, period, queue)

    @property
    def chosen(self) -> Chosen:
        return Chosen(self.kind, self.period.since, self.period.until, self.queue)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The address's own words, those that are not usual."""
        found = [("show", self.kind), *self.period.pairs, ("queue", self.queue)]
        return [(name, value) for name, value in found if value]

    @property
    def address_of_period(self) -> str:
        return self.address(show="", queue="")

    def address(self, **changes: str) -> str:
        pairs = dict(self.pairs) | changes
        return f"?{urlencode({name: value for name, value in pairs.items() if value})}"


@dataclass(frozen=True)
class File:
    """A recording as a row of a list; ``key`` is its id as form fields have it."""

    key: str
    when: Moment
    call: str
    party: str
    queue: str
    state: Mark
    why: str


@dataclass(frozen=True)
class Progress:
    """How far something that is done to a whole list has come."""

    title: str
    list_title: str
    address: str
    seen: str
    taken: str
    total: str
    percent: int
    is_done: bool
    asked: Moment
    asked_by: str


class RecordingsView(CaretakerView, NamedView):
    """One list, newest first."""

    section = "health"

    @cached_property
    def filters(self) -> Filters:
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        return Filters.read(asked, self.zone, timezone.now())

    def get(self, request: HttpRequest) -> HttpResponse:
        listed = self.filters.chosen.of(self.rows(Recording))
        page = page_of(
            [listed.select_related("call").defer("grants", "masked", "speech")],
            older=Cursor.parse(request.GET.get("older", "")),
            newer=Cursor.parse(request.GET.get("newer", "")),
        )
        clock = Clock(timezone.now(), self.zone)
        filters = self.filters
        names = self.names_with(other_number(row.call) for row in page.rows if row.call)
        return self.show(
            "portal/recordings.html",
            **progress_of(self.rows(Redo), clock),
            filters=filters,
            kind=BY_KEY[filters.kind],
            groups=GROUPS,
            periods=period_options(filters.period),
            queues=self.queue_options(),
            files=[file_of(row, filters.kind, names, clock) for row in page.rows],
            count=capped(count_capped([listed])),
            newer_url=filters.address(newer=str(page.newer)) if page.newer else None,
            older_url=filters.address(older=str(page.older)) if page.older else None,
            all_time_url=filters.address(period="all", **{"from": "", "to": ""}),
            policies_url=self.set_up("admin:policies_recordingpolicy_changelist"),
            page_size=PAGE_SIZE,
        )

    def queue_options(self) -> list[Option]:
        chosen = [self.filters.queue] if self.filters.queue else []
        return named_options(self.names.queues, chosen)


class AgainView(RecordingsView):
    """Do something again to the recordings that were ticked, or to all of the list."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "POST"})

    def post(self, request: HttpRequest) -> HttpResponse:
        action, _, of_all = request.POST.get("action", "").partition("-")
        if action not in DONE_WORDS:
            messages.error(request, "Choose what to do again.")
        elif of_all:
            self.begin(action)
        else:
            self.do(action, [key for text in request.POST.getlist("recording") if (key := read_id(text))])
        return redirect(f"{reverse('recordings')}{self.filters.address()}")

    def begin(self, action: str) -> None:
        redo = do_to_all(self.actor, action, self.chosen.pk, self.filters.chosen)
        messages.success(self.request, f"{recordings_counted(redo.total)} of this list: begun.")

    def do(self, action: str, keys: list[uuid.UUID]) -> None:
        if not keys:
            messages.error(self.request, "Tick the recordings first.")
            return
        rows = self.rows(Recording).filter(pk__in=keys[:PAGE_SIZE])
        messages.success(self.request, told(action, do_to_some(self.actor, action, rows), len(keys)))


class OneAgainView(CaretakerView):
    """Do something again to one recording, and go back to its call."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        self.found = self.visible(Recording).filter(pk=kwargs["id"])
        if request.user.is_authenticated and not self.found.exists():
            raise Http404("There is no such recording.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        action = request.POST.get("action", "")
        if action in DONE_WORDS:
            done = do_to_some(self.actor, action, self.found)
            messages.success(request, told(action, done, 1))
        recording = self.found.only("call").get()
        return redirect("call", id=recording.call_id) if recording.call_id else redirect("recordings")


class ProgressView(RecordingsView):
    """How far lists have come, for the page to ask now and then."""

    def get(self, request: HttpRequest) -> HttpResponse:
        clock = Clock(timezone.now(), self.zone)
        return self.show("portal/redos.html", **progress_of(self.rows(Redo), clock))


def told(action: str, done: int, asked: int) -> str:
    words = f"{recordings_counted(done)} {'is' if done == 1 else 'are'} {DONE_WORDS[RedoAction(action)]}."
    return words if done >= asked else f"{words} {WHAT_IS_LEFT[RedoAction(action)]}"


def recordings_counted(count: int) -> str:
    return f"{capped(count)} recording{'' if count == 1 else 's'}"


def file_of(row: Recording, kind: str, names: Names, clock: Clock) -> File:
    finding = FINDINGS.get(Finding(row.finding), "") if row.finding in Finding else ""
    why = on_one_line(row.state_reason) or finding or SENTENCES[State(row.state)]
    return File(
        key=str(row.pk),
        when=clock.at(row.started_at),
        call=row.call_id.hex if row.call_id else "",
        party=other_party(row.call, names).shown if row.call else on_one_line(row.conference_name),
        queue=names.queue(row.queue_name),
        state=MARKS[State(row.state)],
        why=BY_KEY[DAMAGED].sentence if kind == DAMAGED else why,
    )


def progress_of(redos: QuerySet[Redo], clock: Clock) -> dict[str, Any]:
    newest = redos.filter(asked_at__gte=clock.now - REDOS_SHOWN_FOR).order_by("-asked_at", "-id")
    shown = [one_progress(redo, clock) for redo in newest[:REDOS_SHOWN]]
    return {"redos": shown, "goes_on": any(not each.is_done for each in shown)}


def one_progress(redo: Redo, clock: Clock) -> Progress:
    whole = min(redo.total, COUNT_LIMIT) or 1
    is_done = redo.finished_at is not None
    return Progress(
        title=RedoAction(redo.action).label,
        list_title=BY_KEY[redo.kind].title if redo.kind in BY_KEY else redo.kind,
        address=f"?show={redo.kind}",
        seen=f"{redo.seen:,}",
        taken=f"{redo.taken:,}",
        total=capped(redo.total),
        percent=100 if is_done else min(99, 100 * redo.seen // whole),
        is_done=is_done,
        asked=clock.since(redo.asked_at),
        asked_by=on_one_line(redo.asked_by),
    )
