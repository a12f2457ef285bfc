"""Callers to call back, one line a number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import Action
from ccportal.api.cells import as_cell
from ccportal.api.sheets import written
from ccportal.portal.calls import NamedView
from ccportal.portal.clock import day_and_time, duration
from ccportal.portal.period import midnight
from ccportal.portal.rows import party
from cdr.callbacks import Callback, callbacks
from cdr.models import Call, QueueVisit

DAYS = 7
HEADINGS = ("number", "name", "queue", "joined_at", "waited_seconds", "tries", "call_id")


class CallbacksView(NamedView):
    """Who left a queue of the last days, and has neither called again nor been reached."""

    section = "statistics"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = timezone.now().astimezone(self.zone).date()
        since = midnight(today - timedelta(days=DAYS - 1), self.zone)
        found = callbacks(self.rows(QueueVisit), self.rows(Call), since)
        if request.GET.get("format") == "csv" and self.actor and self.actor.may(Action.EXPORT):
            return self.sheet(found)
        lines = [
            {
                "party": party(each.name, each.number, self.names),
                "call": each.visit.call_id.hex,
                "when": day_and_time(each.visit.joined_at, self.zone),
                "queue": self.names.queue(each.visit.queue_name),
                "wait": duration(each.visit.wait_ms),
                "tries": each.tries,
            }
            for each in found
        ]
        return self.show("portal/callbacks.html", lines=lines, days=DAYS)

    def sheet(self, found: Iterable[Callback]) -> HttpResponse:
        rows = (
            (
                each.number,
                each.name,
                self.names.queue(each.visit.queue_name),
                each.visit.joined_at.astimezone(self.zone).isoformat(timespec="seconds"),
                (each.visit.wait_ms or 0) // 1000,
                each.tries,
                each.visit.call_id.hex,
            )
            for each in found
        )
        text = written([HEADINGS, *([as_cell(cell) for cell in row] for row in rows)])
        disposition = 'attachment; filename="to-call-back.csv"'
        return HttpResponse(
            text, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
        )
