"""Choosing the account to look at, for those who reach several."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import Action
from accounts.models import Account
from ccportal.portal.forms import ChooseAccountForm
from ccportal.portal.page import CHOSEN_ACCOUNT, PortalView
from ccportal.portal.wording import capped
from cdr.models import Call
from cdr.search import count_capped

SHOWN_AT_MOST = 100


class AccountsView(PortalView):
    """The accounts a person reaches, and what waits in quarantine for an operator."""

    section = "accounts"

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:128]
        found = self.visible(Account).select_related("parent").order_by("name")
        shown = list((found.filter(name__icontains=text) if text else found)[: SHOWN_AT_MOST + 1])
        return self.show(
            "portal/accounts.html",
            accounts=shown[:SHOWN_AT_MOST],
            more=len(shown) > SHOWN_AT_MOST,
            text=text,
            quarantined=self.quarantined(),
        )

    def quarantined(self) -> str:
        """How many calls nobody is known to own; empty for those who may not see them."""
        if not (self.actor and self.actor.may(Action.OPERATE)):
            return ""
        count = count_capped([self.visible(Call).filter(account=None)])
        return capped(count)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ChooseAccountForm(request.POST)
        form.fields["account"].queryset = self.visible(Account)  # type: ignore[attr-defined]
        if not form.is_valid():
            raise Http404("There is no such account.")
        request.session[CHOSEN_ACCOUNT] = form.cleaned_data["account"].pk.hex
        return redirect("calls")
