"""Who reviews a call: assigned to somebody, reviewed, or nobody's."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import Action
from accounts.actors import actor_for
from accounts.models import Account, Role, User
from accounts.tenancy import Actor, TenantView
from ccportal.portal.clock import day_and_time
from ccportal.portal.page import PortalView, read_id
from ccportal.portal.period import read_date, short
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line
from cdr.models import Call
from reviews.assigning import assign, finish, withdraw
from reviews.assignments import LONGEST_NOTE
from reviews.models import Assignment

REVIEWERS_AT_MOST = 100
REVIEWING_ROLES = (Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN)


@dataclass(frozen=True)
class Review:
    """How far the review of a call is."""

    mark: Mark
    who: str
    detail: str = ""
    note: str = ""
    is_done: bool = False
    is_mine: bool = False

    @property
    def told(self) -> str:
        return f"{self.mark.word}: {self.who}" if self.who else self.mark.word


def review_of(row: Assignment, person: uuid.UUID, zone: ZoneInfo, today: date) -> Review:
    if row.done_at:
        return Review(
            Mark("Reviewed", "good"),
            on_one_line(row.done_by),
            day_and_time(row.done_at, zone),
            on_one_line(row.note),
            is_done=True,
        )
    late = row.due_on is not None and row.due_on < today
    due = f", due {short(row.due_on)}" if row.due_on else ""
    return Review(
        Mark("Overdue" if late else "To review", "bad" if late else "note"),
        on_one_line(row.reviewer_name),
        f"given by {on_one_line(row.assigned_by)}{due}",
        on_one_line(row.note),
        is_mine=row.reviewer_id == person,
    )


def reviews_by_call(
    rows: QuerySet[Assignment], calls: Iterable[Call], person: uuid.UUID, zone: ZoneInfo, today: date
) -> dict[uuid.UUID, Review]:
    found = rows.filter(call__in=[call.pk for call in calls]).order_by()
    return {row.call_id: review_of(row, person, zone, today) for row in found}


def may_review(actor: Actor | None) -> bool:
    return bool(actor and (actor.may(Action.EVALUATE) or actor.may(Action.ASSIGN_REVIEWS)))


def may_assign(actor: Actor | None) -> bool:
    return bool(actor and actor.may(Action.ASSIGN_REVIEWS))


class Seeing(TenantView):
    """Rows as another person sees them."""

    def __init__(self, person: User) -> None:
        self.person = person

    @property
    def actor(self) -> Actor | None:
        return actor_for(self.person)


def seen_by(person: User, calls: Iterable[Call]) -> list[Call]:
    """Those of the calls that the person sees too."""
    some = list(calls)
    seen = set(
        Seeing(person).visible(Call).filter(pk__in=[call.pk for call in some]).values_list("pk", flat=True)
    )
    return [call for call in some if call.pk in seen]


def reviewers_of(people: QuerySet[User], account: Account) -> QuerySet[User]:
    """People of the account who may be given calls."""
    rows = people.filter(account=account, role__in=REVIEWING_ROLES, is_active=True)
    return rows.order_by("name", "username")


def reviewers_offered(people: QuerySet[User], account: Account) -> list[tuple[str, str]]:
    rows = reviewers_of(people, account)[:REVIEWERS_AT_MOST]
    return [(row.pk.hex, on_one_line(str(row))) for row in rows]


@dataclass(frozen=True)
class Wish:
    """What somebody asked for in the form that gives calls to a reviewer."""

    reviewer: User | None
    due_on: date | None
    note: str


def read_wish(request: HttpRequest, people: QuerySet[User], account: Account) -> Wish:
    key = read_id(request.POST.get("reviewer", ""))
    reviewer = reviewers_of(people, account).filter(pk=key).first() if key else None
    note = on_one_line(request.POST.get("note", "")).strip()[:LONGEST_NOTE]
    return Wish(reviewer, read_date(request.POST.get("due", "")), note)


def give(calls: Iterable[Call], wish: Wish, actor: Actor | None) -> tuple[int, str]:
    """Assign what the reviewer sees; return how many, and what is said about it."""
    if wish.reviewer is None:
        return 0, "Choose who is to review."
    some = list(calls)
    seen = seen_by(wish.reviewer, some)
    count = assign(seen, wish.reviewer, actor, wish.due_on, wish.note)
    name = on_one_line(str(wish.reviewer))
    left = len(some) - count
    calls_told = f"{count:,} call{'' if count == 1 else 's'}"
    if not left:
        return count, f"{calls_told} for {name} to review."
    return count, f"{calls_told} for {name} to review; {left:,} left out, which {name} does not see."


class CallReviewView(PortalView):
    """Give one call to a reviewer, take it back, or say that it was reviewed."""

    section = "calls"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.call = self.visible(Call).select_related("account").filter(pk=kwargs["id"]).first()
            if self.call is None or self.call.account is None:
                raise Http404("There is no such call.")
            what = request.POST.get("do", "")
            if not may_review(self.actor) or (what in ("assign", "withdraw") and not may_assign(self.actor)):
                raise PermissionDenied("Your account does not let you do this with reviews.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        call = self.call
        if call is None or call.account is None:
            raise Http404("There is no such call.")
        what = request.POST.get("do", "")
        if what == "done":
            finish(call, self.actor)
            messages.success(request, "Reviewed.")
        elif what == "withdraw":
            withdraw([call.pk], self.actor)
            messages.success(request, "Nobody is to review it.")
        else:
            wish = read_wish(request, self.visible(User), call.account)
            count, told = give([call], wish, self.actor)
            (messages.success if count else messages.error)(request, told)
        return redirect(f"{reverse('call', kwargs={'id': id})}#review")
