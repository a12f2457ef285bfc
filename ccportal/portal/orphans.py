"""Files of a switch that no recording knows: their list, and what somebody decides about each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.access import Action
from ccportal.portal.clock import day_and_time, whole
from ccportal.portal.page import PortalView, read_id
from ccportal.portal.rows import Names, other_party
from ccportal.portal.wording import on_one_line, size
from cdr.models import Call
from recordings.models import Orphan, OrphanState
from recordings.orphans import discard, link, uuids_in

PAGE_ROWS = 50
MOST_SUGGESTIONS = 6
NEAR = timedelta(minutes=5)
LONGEST_CALL = timedelta(hours=4)


class LookAfterView(PortalView):
    """A page that is not there for those who do not look after an account."""

    section = "orphans"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.CONFIGURE)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)

    def waiting(self) -> QuerySet[Orphan]:
        return self.visible(Orphan).filter(state=OrphanState.WAITING).select_related("switch")


@dataclass(frozen=True)
class Row:
    id: str
    name: str
    folder: str
    switch: str
    written: str
    moment: str
    size: str


@dataclass(frozen=True)
class Suggestion:
    """A call that the file could be of, and why."""

    id: str
    party: str
    when: str
    why: str


class OrphansView(LookAfterView):
    def get(self, request: HttpRequest) -> HttpResponse:
        rows = self.waiting().filter(older_than(request.GET.get("older", "")))
        found = list(rows.order_by("-modified_at", "-id")[: PAGE_ROWS + 1])
        last = found[PAGE_ROWS - 1] if len(found) > PAGE_ROWS else None
        return self.show(
            "portal/orphans.html",
            rows=[row_of(orphan, self) for orphan in found[:PAGE_ROWS]],
            older=f"{last.modified_at.isoformat()}~{last.pk.hex}" if last else "",
        )


def row_of(orphan: Orphan, view: PortalView) -> Row:
    folder, _, name = orphan.path.rpartition("/")
    return Row(
        id=orphan.pk.hex,
        name=on_one_line(name),
        folder=on_one_line(folder),
        switch=orphan.switch.name,
        written=day_and_time(orphan.modified_at, view.zone),
        moment=whole(orphan.modified_at, view.zone),
        size=size(orphan.size),
    )


def older_than(cursor: str) -> Q:
    """The rows behind the last of the page before; nonsense is the first page."""
    moment, _, key = cursor.partition("~")
    try:
        at, last = datetime.fromisoformat(moment), uuid.UUID(key)
    except ValueError:
        return Q()
    return Q(modified_at__lt=at) | Q(modified_at=at, pk__lt=last) if at.tzinfo else Q()


class OrphanView(LookAfterView):
    """One file, and the calls it could be of."""

    def orphan(self, key: uuid.UUID) -> Orphan:
        found = self.waiting().filter(pk=key).first()
        if found is None:
            raise Http404("There is no such file.")
        return found

    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        orphan = self.orphan(id)
        return self.show("portal/orphan.html", row=row_of(orphan, self), suggestions=self.suggestions(orphan))

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        orphan = self.orphan(id)
        if request.POST.get("do") == "discard":
            if discard(orphan, self.actor):
                messages.success(request, "The file is off the list. It stays where it is.")
            return redirect("orphans")
        call = self.chosen_call(request.POST.get("other", "").strip() or request.POST.get("call", ""))
        if call is None:
            messages.error(request, "There is no such call. Give its ID, or the UUID of one of its legs.")
            return redirect("orphan", id=orphan.pk)
        if link(orphan, call, self.actor) is None:
            messages.error(request, "Somebody else has decided about this file meanwhile.")
            return redirect("orphans")
        messages.success(request, "The file belongs to this call now, and is being collected.")
        return redirect("call", id=call.pk)

    def chosen_call(self, text: str) -> Call | None:
        """The call by our id, or by the switch's of one of its legs."""
        key = read_id(text)
        named = Q(leg_uuid=text) | Q(legs__uuid=text)
        rows = self.visible(Call).filter(named | Q(pk=key) if key else named)
        return rows.exclude(account=None).order_by("-started_at").first() if text else None

    def suggestions(self, orphan: Orphan) -> list[Suggestion]:
        """By an id in the file's name, else what ended on this switch when the file did."""
        calls = self.visible(Call).filter(switch=orphan.switch, account__isnull=False)
        return by_name(calls, orphan, self) or by_time(calls, orphan, self)


def by_name(calls: QuerySet[Call], orphan: Orphan, view: PortalView) -> list[Suggestion]:
    uuids = uuids_in(orphan.path)
    named = (
        calls.filter(Q(leg_uuid__in=uuids) | Q(legs__uuid__in=uuids)).distinct() if uuids else calls.none()
    )
    rows = named.select_related("account")[:MOST_SUGGESTIONS]
    return [suggestion(call, "Its ID is in the file's name", view) for call in rows]


def by_time(calls: QuerySet[Call], orphan: Orphan, view: PortalView) -> list[Suggestion]:
    written = orphan.modified_at
    near = calls.filter(
        started_at__gt=written - LONGEST_CALL,
        started_at__lte=written,
        ended_at__range=(written - NEAR, written + NEAR),
    )
    rows = near.select_related("account").order_by("-started_at")[:PAGE_ROWS]
    nearest = sorted(rows, key=lambda call: abs((call.ended_at or written) - written))
    why = "Ended when the file was last written to"
    return [suggestion(call, why, view) for call in nearest[:MOST_SUGGESTIONS]]


def suggestion(call: Call, why: str, view: PortalView) -> Suggestion:
    names = Names(call.account.country if call.account else "US", {}, {})
    party = other_party(call, names).shown
    return Suggestion(call.pk.hex, party, day_and_time(call.started_at, view.zone), why)
