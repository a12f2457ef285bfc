"""What an account keeps and for how long, what is on hold, whether files are whole, and who did what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.access import Action
from accounts.models import Account, AuditEntry
from ccportal.api.cells import as_cell
from ccportal.api.sheets import written
from ccportal.portal.audit_log import LogPage, asked_of, every_entry, read_log, told_by
from ccportal.portal.erased import erased
from ccportal.portal.forms import HoldForm, RetentionForm
from ccportal.portal.page import AccountView
from ccportal.portal.settings.saving import save_audited
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import capped, size
from cdr.search import COUNT_LIMIT
from recordings.erasure.models import Erasure
from recordings.holding import hold_number, hold_period, release
from recordings.holds import HoldKind, LegalHold
from recordings.models import Damage, Media
from recordings.retention import Preview, preview

HOLDS_SHOWN = 200
DAMAGED_SHOWN = 50
ERASURES_SHOWN = 20
AUDIT_HEADINGS = ("at", "who", "did", "to", "id", "address", "more")


@dataclass(frozen=True)
class HoldRow:
    """A hold as the page shows it."""

    key: str
    kind: str
    what: str
    call: str
    reason: str
    by: str
    placed: Moment
    released: Moment | None


@dataclass(frozen=True)
class DamagedFile:
    name: str
    call: str
    damage: str
    read: Moment


class ComplianceView(AccountView):
    """The page is there for those who look after the whole account."""

    section = "compliance"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.AUDIT)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)

    @property
    def clock(self) -> Clock:
        return Clock(timezone.now(), self.zone)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(RetentionForm(instance=self.chosen), HoldForm())

    def page(self, retention: RetentionForm, hold: HoldForm, status: int = 200) -> HttpResponse:
        holds = list(self.rows(LegalHold).select_related("call", "recording")[: HOLDS_SHOWN + 1])
        log = read_log(self.rows(AuditEntry), self.request.GET, self.clock)
        return self.show(
            "portal/compliance.html",
            status=status,
            retention=retention,
            hold=hold,
            night=told(preview(self.chosen)),
            holds=[self.hold_row(row) for row in holds[:HOLDS_SHOWN]],
            more_holds=len(holds) > HOLDS_SHOWN,
            damaged=self.damaged(),
            log=log,
            older_url=older_url(log),
            audit_file_url=f"{reverse('audit-file')}?{urlencode(log.asked)}",
            may_erase=bool(self.actor and self.actor.may(Action.DELETE)),
            erasures=[erased(row, self.clock) for row in self.rows(Erasure)[:ERASURES_SHOWN]],
        )

    def hold_row(self, hold: LegalHold) -> HoldRow:
        call_id = hold.call_id or (hold.recording.call_id if hold.recording else None)
        return HoldRow(
            key=hold.pk.hex,
            kind=hold.get_kind_display(),
            what=self.target_of(hold),
            call=call_id.hex if call_id else "",
            reason=hold.reason,
            by=hold.placed_by,
            placed=self.clock.at(hold.placed_at),
            released=self.clock.at(hold.released_at) if hold.released_at else None,
        )

    def target_of(self, hold: LegalHold) -> str:
        if hold.kind == HoldKind.NUMBER:
            return hold.number
        if hold.begins_at and hold.ends_at:
            first, last = (at.astimezone(self.zone) for at in (hold.begins_at, hold.ends_at))
            return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        if hold.recording:
            return f"{hold.recording.started_at.astimezone(self.zone):%Y-%m-%d %H:%M}"
        return f"{hold.call.started_at.astimezone(self.zone):%Y-%m-%d %H:%M}" if hold.call else ""

    def damaged(self) -> list[DamagedFile]:
        rows = self.visible(Media).filter(recording__account=self.chosen).exclude(damage="")
        found = rows.select_related("recording").order_by("-verified_at")[:DAMAGED_SHOWN]
        return [
            DamagedFile(
                media.file_name,
                media.recording.call_id.hex if media.recording.call_id else "",
                str(Damage(media.damage).label),
                self.clock.at(media.verified_at),
            )
            for media in found
        ]


class RetentionView(ComplianceView):
    """Save for how long the account keeps things."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("compliance")

    def post(self, request: HttpRequest) -> HttpResponse:
        account = self.visible(Account).get(pk=self.chosen.pk)
        form = RetentionForm(request.POST, instance=account)
        if not (self.actor and self.actor.may(Action.CONFIGURE)) or not form.is_valid():
            return self.page(form, HoldForm(), status=400)
        save_audited(self.actor, form)
        messages.success(request, "Saved. The next night goes by it.")
        return redirect("compliance")


class AuditFileView(ComplianceView):
    """The audit log as CSV, by the same filters; that it was taken is an entry of its own."""

    def get(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]
        rows = self.rows(AuditEntry).filter(at__lte=timezone.now())
        audit.record(self.actor, "audit.download", self.chosen, **asked_of(request.GET))
        stretches = (written(map(self.cells, some)) for some in every_entry(rows, request.GET, self.clock))
        return StreamingHttpResponse(
            chain([written([AUDIT_HEADINGS])], stretches),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="audit-log.csv"'},
        )

    def cells(self, row: AuditEntry) -> list[str]:
        told = (row.actor, row.action, row.object_type, row.object_id, row.address, told_by(row.detail))
        return [row.at.astimezone(self.zone).isoformat(), *map(as_cell, told)]


class HoldsView(ComplianceView):
    """Put a number or a period on hold."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("compliance")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = HoldForm(request.POST, zone=self.zone, country=self.chosen.country)
        if not form.is_valid():
            return self.page(RetentionForm(instance=self.chosen), form, status=400)
        data = form.cleaned_data
        if data["kind"] == HoldKind.NUMBER:
            hold_number(self.chosen, data["number"], self.actor, data["reason"])
        else:
            hold_period(self.chosen, data["begins_at"], data["ends_at"], self.actor, data["reason"])
        messages.success(request, "On hold from now on.")
        return redirect("compliance")


class ReleaseView(ComplianceView):
    def get(self, request: HttpRequest, id: Any = None) -> HttpResponse:  # noqa: A002
        self.hold(id)
        return redirect("compliance")

    def post(self, request: HttpRequest, id: Any) -> HttpResponse:  # noqa: A002
        if release(self.hold(id), self.actor):
            messages.success(request, "Released. What nothing else holds goes when its time is over.")
        return redirect("compliance")

    def hold(self, hold_id: Any) -> LegalHold:
        hold = self.rows(LegalHold).filter(pk=hold_id).first()
        if hold is None:
            raise Http404("There is no such hold.")
        return hold


def told(found: Preview) -> dict[str, str]:
    """The preview in words; counts end at ten thousand."""
    return {
        "recordings": capped(found.recordings),
        "size": size(found.bytes) + ("+" if found.recordings > COUNT_LIMIT else ""),
        "recordings_held": capped(found.recordings_held),
        "calls": capped(found.calls),
        "calls_held": capped(found.calls_held),
    }


def older_url(log: LogPage) -> str:
    if not log.older:
        return ""
    return f"?{urlencode({**log.asked, 'older': log.older})}#audit"
