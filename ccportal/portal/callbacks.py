"""Callers to call back, one line a number."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ccportal.portal.calls import NamedView
from ccportal.portal.clock import day_and_time, duration
from ccportal.portal.period import midnight
from ccportal.portal.rows import party
from cdr.callbacks import callbacks
from cdr.models import Call, QueueVisit

DAYS = 7


class CallbacksView(NamedView):
    """Who left a queue of the last days, and has neither called again nor been reached."""

    section = "statistics"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = timezone.now().astimezone(self.zone).date()
        since = midnight(today - timedelta(days=DAYS - 1), self.zone)
        found = callbacks(self.rows(QueueVisit), self.rows(Call), since)
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
