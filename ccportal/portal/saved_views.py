"""Saved views of the calls list: the tabs above it, and what is done to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.access import Action
from ccportal.portal.filters import Filters
from ccportal.portal.page import AccountView
from ccportal.portal.wording import on_one_line
from cdr.saved_views import (
    LONGEST_NAME,
    LONGEST_QUERY,
    MOST_VIEWS,
    DefaultView,
    NotSaved,
    SavedView,
    keep,
    open_with,
    remove,
)

ALL = "all"
TO_REVIEW = "?period=all&review=mine"
NAME_IT = f"Give the view a name of up to {LONGEST_NAME} characters."


@dataclass(frozen=True)
class Tab:
    """A way to look at the calls: one of ours, or a saved one with its ``key``."""

    label: str
    href: str
    is_current: bool
    key: str = ""
    is_shared: bool = False
    is_default: bool = False
    shared_by: str = ""


@dataclass(frozen=True)
class Tabs:
    """What stands above the list; ``current`` is the saved view that is looked at."""

    tabs: Sequence[Tab]
    current: Tab | None
    is_changed: bool
    may_change: bool
    may_share: bool
    query: str

    @property
    def view(self) -> str:
        """What the address says of the view, to be kept on the way through its pages."""
        return self.current.key if self.current else ""


class ViewsOfPerson(AccountView):
    """Whatever knows the views that a person has or shares in the account."""

    section = "calls"

    def views(self) -> QuerySet[SavedView]:
        """Shared ones and one's own; what others keep for themselves, administrators do not see either."""
        return self.rows(SavedView).filter(Q(person=None) | Q(person=self.user))

    def default(self) -> SavedView | None:
        row = self.rows(DefaultView).filter(person=self.user).select_related("view").first()
        return row.view if row else None

    @property
    def may_share(self) -> bool:
        return bool(self.actor and self.actor.may(Action.SHARE_VIEWS))

    def may_change(self, view: SavedView) -> bool:
        return self.may_share if view.is_shared else view.person_id == self.user.pk

    def read(self, query: str) -> Filters:
        return Filters.read(QueryDict(query), self.zone, timezone.now())

    def address_of_view(self, view: SavedView) -> str:
        """Its filters as they are understood today."""
        return reverse("calls") + self.read(view.query).address(view=view.pk.hex)

    def tabs(self, filters: Filters, *, may_review: bool) -> Tabs:
        rows = list(self.views().order_by("person", "name")[: 2 * MOST_VIEWS])
        default = self.default()
        asked = self.request.GET.get("view", "")
        saved = [self.tab_of(row, asked, default) for row in rows]
        current = next((tab for tab in saved if tab.is_current), None)
        row = next((row for row in rows if current and row.pk.hex == current.key), None)
        query = filters.address()
        review = Tab("To review", reverse("calls") + TO_REVIEW, query == TO_REVIEW and not current)
        every = f"{reverse('calls')}{'?view=all' if default else ''}"
        whole = Tab("All calls", every, filters.is_plain and not current)
        return Tabs(
            tabs=[whole, *([review] if may_review else []), *saved],
            current=current,
            is_changed=bool(row) and self.read(row.query if row else "").address() != query,
            may_change=bool(row and self.may_change(row)),
            may_share=self.may_share,
            query=query,
        )

    def tab_of(self, view: SavedView, asked: str, default: SavedView | None) -> Tab:
        return Tab(
            on_one_line(view.name),
            self.address_of_view(view),
            is_current=view.pk.hex == asked,
            key=view.pk.hex,
            is_shared=view.is_shared,
            is_default=default is not None and default.pk == view.pk,
            shared_by=on_one_line(view.shared_by),
        )


class ViewsView(ViewsOfPerson):
    """Save the filters of the list under a name."""

    def post(self, request: HttpRequest) -> HttpResponse:
        name = named(request.POST.get("name", ""))
        query = self.read(request.POST.get("query", "").lstrip("?")).address().lstrip("?")
        shared = "shared" in request.POST
        if shared and not self.may_share:
            raise PermissionDenied("Your account does not let you share views.")
        if not name or len(query) > LONGEST_QUERY:
            messages.error(request, NAME_IT if not name else "These are too many filters for a view.")
            return redirect(f"{reverse('calls')}?{query}")
        view = SavedView(account=self.chosen, person=None if shared else self.user, name=name, query=query)
        try:
            keep(view, self.actor)
        except NotSaved as problem:
            messages.error(request, str(problem))
            return redirect(f"{reverse('calls')}?{query}")
        if "default" in request.POST:
            open_with(view, self.chosen, self.user)
        messages.success(request, f"Saved as “{view.name}”.")
        return redirect(self.address_of_view(view))


class ViewView(ViewsOfPerson):
    """Rename, replace, open with, or delete one view."""

    view: SavedView | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and self.account is not None:
            self.view = self.views().filter(pk=kwargs["id"]).first()
            if self.view is None:
                raise Http404("There is no such view.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        view = self.view
        if view is None:
            raise Http404("There is no such view.")
        what = request.POST.get("do", "")
        if what in ("default", "no-default"):
            open_with(view if what == "default" else None, self.chosen, self.user)
            return redirect(self.address_of_view(view))
        if not self.may_change(view):
            raise PermissionDenied("Your account does not let you change shared views.")
        if what == "delete":
            remove(view, self.actor)
            messages.success(request, f"“{view.name}” is deleted.")
            return redirect(f"{reverse('calls')}?view={ALL}")
        self.change(view, what)
        return redirect(self.address_of_view(view))

    def change(self, view: SavedView, what: str) -> None:
        before = view.name
        if what == "replace":
            view.query = self.read(self.request.POST.get("query", "").lstrip("?")).address().lstrip("?")
        else:
            view.name = named(self.request.POST.get("name", ""))
        if not view.name or len(view.query) > LONGEST_QUERY:
            messages.error(self.request, NAME_IT)
            return
        try:
            keep(view, self.actor)
        except NotSaved as problem:
            view.name = before
            messages.error(self.request, str(problem))


def named(text: str) -> str:
    """A name as tabs show it: one line, not too long."""
    name = " ".join(on_one_line(text.replace("\x00", "")).split())
    return name if len(name) <= LONGEST_NAME else ""
