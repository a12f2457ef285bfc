"""Calls that belong to nobody yet, for operators to see and to give to an account."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import Action
from accounts.models import Account
from ccportal.portal.forms import AssignForm
from ccportal.portal.page import PortalView
from ccportal.portal.rows import Names, by_day, row_of
from cdr.assign import assign
from cdr.models import Call
from cdr.search import Cursor, page_of

ACCOUNTS_AT_MOST = 2000
ANYWHERE = Names("ZZ", {}, {})


class OperatorView(PortalView):
    """A page that is not there for anyone but operators."""

    section = "quarantine"
    account = None

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.OPERATE)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)


class QuarantineView(OperatorView):
    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_of(
            [self.visible(Call).filter(account=None).select_related("switch", "user")],
            older=Cursor.parse(request.GET.get("older", "")),
            newer=Cursor.parse(request.GET.get("newer", "")),
        )
        zone = ZoneInfo("UTC")
        switches = {call.pk.hex: call.switch.name for call in page.rows}
        rows = [row_of(call, ANYWHERE, zone, ()) for call in page.rows]
        dialed = {call.pk.hex: call.dialed_number for call in page.rows}
        return self.show(
            "portal/quarantine.html",
            days=list(by_day(rows, timezone.now())),
            switches=switches,
            dialed=dialed,
            accounts=self.visible(Account).order_by("name")[:ACCOUNTS_AT_MOST],
            newer_url=f"?newer={page.newer}" if page.newer else None,
            older_url=f"?older={page.older}" if page.older else None,
        )


class AssignView(OperatorView):
    """Give the calls that were ticked to one account."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AssignForm(request.POST)
        form.fields["account"].queryset = self.visible(Account)  # type: ignore[attr-defined]
        form.fields["call"].queryset = self.visible(Call).filter(account=None)  # type: ignore[attr-defined]
        if not form.is_valid():
            messages.error(request, str(next(iter(form.errors.values()))[0]))
            return redirect("quarantine")
        account = form.cleaned_data["account"]
        given = assign([call.pk for call in form.cleaned_data["call"]], account, self.actor)
        messages.success(request, f"{given} call{'' if given == 1 else 's'} given to {account}.")
        return redirect("quarantine")
