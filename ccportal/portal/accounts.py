"""Choosing the account to look at, for those who reach several."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, When
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from accounts.access import Action
from accounts.models import Account
from ccportal.portal.forms import ChooseAccountForm
from ccportal.portal.page import CHOSEN_ACCOUNT, PortalView, read_id
from ccportal.portal.wording import capped
from cdr.models import Call
from cdr.search import count_capped

SHOWN_AT_MOST = 100
SUGGESTED = 8


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
        chosen: Account = form.cleaned_data["account"]
        request.session[CHOSEN_ACCOUNT] = chosen.pk.hex
        self.user.remember_account(chosen)
        return redirect("calls")


class SuggestionsView(PortalView):
    """The menu of accounts while somebody types: a few that fit, or those that were looked at last."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not self.may_choose_account:
            raise Http404("There is only one account.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:128]
        found = self.named(text) if text else self.recent()
        context = {"found": found[:SUGGESTED], "more": len(found) > SUGGESTED, "text": text}
        return render(request, "portal/accounts_menu.html", context | {"account": self.account})

    def named(self, text: str) -> list[Account]:
        """Those whose name begins so, then those that have it inside."""
        rows = self.visible(Account).filter(name__icontains=text)
        begins = Case(When(name__istartswith=text, then=0), default=1)
        return list(rows.order_by(begins, "name")[: SUGGESTED + 1])

    def recent(self) -> list[Account]:
        keys = [key for word in self.user.recent_accounts if (key := read_id(str(word)))]
        rows = {row.pk: row for row in self.visible(Account).filter(pk__in=keys)}
        return [rows[key] for key in keys if key in rows]
