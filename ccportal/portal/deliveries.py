"""What is sent to other places: lists of it, and sending again what did not arrive."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from ccportal.portal.options import Option, period_options
from ccportal.portal.outgoing import outgoing
from ccportal.portal.page import AccountView, CaretakerView, read_id
from ccportal.portal.period import Period, read_period
from ccportal.portal.switches import Clock
from ccportal.portal.wording import capped
from cdr.search import PAGE_SIZE, Cursor, count_capped, page_of
from recordings.delivery.again import Chosen, send_list_again, send_some_again
from recordings.delivery.models import DeliveryState
from recordings.models import Delivery

STATES = {
    "": "Any state",
    DeliveryState.FAILED.value: "Not delivered",
    DeliveryState.PENDING.value: "Waiting",
    DeliveryState.SENT.value: "Delivered",
}
SENTENCES = {
    "": "What is sent to other places, the newest first.",
    DeliveryState.FAILED.value: "Given up, and kept until somebody sends it again.",
    DeliveryState.PENDING.value: "To be sent, or to be tried again by itself.",
    DeliveryState.SENT.value: "Taken by the receiver; forgotten after 30 days.",
}


@dataclass(frozen=True)
class Filters:
    """Which list an address asks for."""

    state: str
    period: Period
    recording: uuid.UUID | None

    @classmethod
    def read(cls, params: QueryDict, zone: Any, now: datetime) -> Filters:
        state = params.get("state", "")
        period = read_period(
            params.get("period", ""), params.get("from", ""), params.get("to", ""), zone, now
        )
        return cls(state if state in STATES else "", period, read_id(params.get("recording", "")))

    @property
    def chosen(self) -> Chosen:
        return Chosen(self.state, self.period.since, self.period.until, self.recording)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The address's own words, those that are not usual."""
        recording = self.recording.hex if self.recording else ""
        found = [("state", self.state), *self.period.pairs, ("recording", recording)]
        return [(name, value) for name, value in found if value]

    def address(self, **changes: str) -> str:
        pairs = dict(self.pairs) | changes
        return f"?{urlencode({name: value for name, value in pairs.items() if value})}"


class DeliveriesView(CaretakerView, AccountView):
    """One list, newest first."""

    section = "health"

    @cached_property
    def filters(self) -> Filters:
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        return Filters.read(asked, self.zone, timezone.now())

    def get(self, request: HttpRequest) -> HttpResponse:
        filters, clock = self.filters, Clock(timezone.now(), self.zone)
        listed = filters.chosen.of(self.rows(Delivery))
        dated = listed.annotate(started_at=F("created_at")).select_related(
            "webhook", "connector", "recording"
        )
        page = page_of(
            [dated.defer("payload", "recording__grants", "recording__masked", "recording__speech")],
            older=Cursor.parse(request.GET.get("older", "")),
            newer=Cursor.parse(request.GET.get("newer", "")),
        )
        rows = [outgoing(row, clock) for row in page.rows]
        return self.show(
            "portal/deliveries.html",
            filters=filters,
            title=STATES[filters.state] if filters.state else "Deliveries",
            sentence=SENTENCES[filters.state],
            states=[Option(key, label, key == filters.state) for key, label in STATES.items()],
            periods=period_options(filters.period),
            rows=rows,
            any_failed=any(row.has_failed for row in rows),
            has_any=bool(rows) or self.rows(Delivery).exists(),
            count=capped(count_capped([listed])),
            newer_url=filters.address(newer=str(page.newer)) if page.newer else None,
            older_url=filters.address(older=str(page.older)) if page.older else None,
            widest_url=filters.address(**{"period": "all", "from": "", "to": "", "state": ""}),
            policies_url=self.set_up("admin:policies_recordingpolicy_changelist"),
            webhooks_url=self.set_up("admin:recordings_webhook_changelist"),
            page_size=PAGE_SIZE,
        )


class SendAgainView(DeliveriesView):
    """Send one again, or those that were ticked, or all of the list that were not delivered."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "POST"})

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("action") == "all":
            self.send_all()
        else:
            named = request.POST.getlist("only") or request.POST.getlist("delivery")
            self.send([key for text in named if (key := read_id(text))])
        return redirect(f"{reverse('deliveries')}{self.filters.address()}")

    def send(self, keys: list[uuid.UUID]) -> None:
        if not keys:
            messages.error(self.request, "Tick the deliveries first.")
            return
        done = send_some_again(self.actor, self.rows(Delivery).filter(pk__in=keys[:PAGE_SIZE]))
        rest = "" if done >= len(keys) else " The others are not among those that failed."
        messages.success(self.request, f"{counted(done)} sent again.{rest}")

    def send_all(self) -> None:
        chosen = self.filters.chosen
        failed = chosen.of(self.rows(Delivery)).filter(state=DeliveryState.FAILED)
        found = count_capped([failed])
        send_list_again(self.actor, self.chosen, chosen)
        messages.success(self.request, f"{counted(found)} sent again.")


def counted(count: int) -> str:
    return f"{capped(count)} {'delivery is' if count == 1 else 'deliveries are'}"
