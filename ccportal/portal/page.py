"""What every portal page stands on: someone signed in, the account they look at, the frame around it."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.generic.base import View
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import Action
from accounts.models import Account, User
from accounts.tenancy import M, TenantQuerySet, TenantView
from ccportal.portal.clock import zone_name, zone_offset
from ccportal.portal.wording import initials

CHOSEN_ACCOUNT = "account"


class PortalView(TenantView, View):
    """A page for whoever is signed in; others are shown the way in."""

    section = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or self.actor is None:
            return self.show_way_in(request)
        response = super().dispatch(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    def show_way_in(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(reverse("sign-in"))
        return redirect_to_login(request.get_full_path())

    @property
    def user(self) -> User:
        user = self.request.user
        if not isinstance(user, User):
            raise TypeError("The page was reached without signing in.")
        return user

    @cached_property
    def account(self) -> Account | None:
        """The account that was chosen in this session, else the person's own."""
        chosen = self.request.session.get(CHOSEN_ACCOUNT) or self.user.account_id
        return self.visible(Account).filter(pk=chosen).first() if chosen else None

    @property
    def zone(self) -> ZoneInfo:
        return self.account.zone if self.account else ZoneInfo("UTC")

    @property
    def sees_everything(self) -> bool:
        return bool(self.actor and self.actor.sees_everything)

    @property
    def may_choose_account(self) -> bool:
        actor = self.actor
        return actor is not None and (actor.sees_everything or len(actor.account_ids) > 1)

    def set_up(self, name: str) -> str | None:
        """The address of a page of the admin, for those who may set the account up."""
        return address_of(name) if self.actor and self.actor.may(Action.CONFIGURE) else None

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, template, self.frame() | context, status=status)

    def frame(self) -> dict[str, Any]:
        """What the shell around a page says."""
        now = timezone.now()
        return {
            "section": self.section,
            "account": self.account,
            "zone_name": zone_name(self.zone, now),
            "zone_offset": zone_offset(self.zone, now),
            "may_choose_account": self.may_choose_account,
            "sees_everything": self.sees_everything,
            "sees_health": bool(self.actor and self.actor.may(Action.CONFIGURE)),
            "sees_exports": bool(self.account and self.actor and self.actor.may(Action.EXPORT)),
            "may_download": bool(self.actor and self.actor.may(Action.DOWNLOAD)),
            "sees_compliance": bool(self.actor and self.actor.may(Action.AUDIT)),
            "person": str(self.user),
            "person_initials": initials(str(self.user)),
            "admin_url": address_of("admin:index") if self.user.is_staff else None,
            "api_docs_url": address_of("api:docs"),
        }


class CaretakerView(PortalView):
    """A page that is not there for anyone but those who look after an account."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.CONFIGURE)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)


class AccountView(PortalView):
    """A page about one account; who has none yet chooses first."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and self.actor is not None and self.account is None:
            return redirect("accounts")
        return super().dispatch(request, *args, **kwargs)

    @property
    def chosen(self) -> Account:
        if self.account is None:
            raise TypeError("The page was reached without an account.")
        return self.account

    def rows(self, model: type[M]) -> TenantQuerySet[M]:
        """The rows of this account that the person sees."""
        return self.visible(model).filter(account=self.chosen)


def address_of(name: str, **parts: object) -> str | None:
    """The address of a page, if there is one."""
    try:
        return reverse(name, kwargs=parts or None)
    except NoReverseMatch:
        return None


def read_id(hexadecimal: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(hexadecimal)
    except ValueError:
        return None
