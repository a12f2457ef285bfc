"""Legal holds on a call and its recordings, placed and released on the page of the call."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.access import Action
from ccportal.portal.clock import day_and_time
from ccportal.portal.page import PortalView, read_id
from ccportal.portal.wording import on_one_line
from cdr.models import Call
from recordings.holding import hold_call, hold_recording, release
from recordings.holds import HoldKind, LegalHold
from recordings.models import Recording

OF_A_CALL = (HoldKind.CALL, HoldKind.RECORDING)
WHAT = {
    HoldKind.CALL: "The call",
    HoldKind.RECORDING: "A recording",
    HoldKind.NUMBER: "A number",
    HoldKind.PERIOD: "A period",
}


@dataclass(frozen=True)
class HoldOfCall:
    """A hold as the page of a call shows it; ``key`` where it can be released there."""

    key: str
    what: str
    reason: str
    by: str
    since: str


def hold_of(hold: LegalHold, zone: ZoneInfo) -> HoldOfCall:
    kind = HoldKind(hold.kind)
    what = WHAT[kind]
    if kind == HoldKind.RECORDING and hold.recording:
        what = f"The recording of {hold.recording.started_at.astimezone(zone):%H:%M:%S}"
    return HoldOfCall(
        key=hold.pk.hex if kind in OF_A_CALL else "",
        what=what,
        reason=on_one_line(hold.reason),
        by=on_one_line(hold.placed_by),
        since=day_and_time(hold.placed_at, zone),
    )


class CallHoldsView(PortalView):
    """Put a call, or one recording of it, on hold."""

    section = "calls"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.call = self.visible(Call).select_related("account").filter(pk=kwargs["id"]).first()
            if self.call is None:
                raise Http404("There is no such call.")
            if not (self.actor and self.actor.may(Action.HOLD)):
                raise PermissionDenied("Your account does not let you put calls on hold.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        reason = on_one_line(request.POST.get("reason", "")).strip()
        if not reason:
            messages.error(request, "Say why it must stay.")
        elif self.place(request.POST.get("recording", ""), reason):
            messages.success(request, "On hold from now on.")
        else:
            messages.error(request, "There is no such recording, or it belongs to no account.")
        return redirect("call", id=id)

    def place(self, recording: str, reason: str) -> LegalHold | None:
        if self.call is None:
            return None
        if not recording:
            return hold_call(self.call, self.actor, reason)
        key = read_id(recording)
        rows = self.visible(Recording).select_related("account").filter(call=self.call)
        found = rows.filter(pk=key).first() if key else None
        return hold_recording(found, self.actor, reason) if found else None


class CallReleaseView(CallHoldsView):
    """Release a hold on the call or on a recording of it."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        rows = self.visible(LegalHold).filter(pk=kwargs["hold"], kind__in=OF_A_CALL)
        self.hold = rows.filter(Q(call=kwargs["id"]) | Q(recording__call=kwargs["id"])).first()
        if request.user.is_authenticated and self.hold is None:
            raise Http404("There is no such hold.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID, **_: uuid.UUID) -> HttpResponse:  # noqa: A002
        if self.hold and release(self.hold, self.actor):
            messages.success(request, "Released. What nothing else holds goes when its time is over.")
        return redirect("call", id=id)
