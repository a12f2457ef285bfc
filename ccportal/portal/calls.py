"""The calls list."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from accounts.access import Action
from accounts.contacts import Contact, contact_names
from accounts.models import User
from ccportal.measures import AGENT_MEASURES, QUEUE_MEASURES
from ccportal.portal.facets import Menus
from ccportal.portal.filters import Filters, written_counted
from ccportal.portal.first_steps import FirstSteps, first_steps
from ccportal.portal.page import AccountView, address_of
from ccportal.portal.period import period_between
from ccportal.portal.reviewing import may_assign, may_review, reviewers_offered, reviews_by_call
from ccportal.portal.rows import Names, Row, by_day, other_number, row_of
from ccportal.portal.saved_views import ViewsOfPerson
from ccportal.portal.searches import note_search
from ccportal.portal.searching import counted_by, wanted_by
from ccportal.portal.tags import tags_by_call
from ccportal.portal.wording import capped, on_one_line
from cdr.models import Call
from cdr.saved_views import LONGEST_NAME
from cdr.search import (
    COUNT_LIMIT,
    PAGE_SIZE,
    Cursor,
    Page,
    Wanted,
    count_capped,
    matching,
    page_of,
)
from queues.models import Agent, Queue
from recordings.call_tags import LONGEST_TAG, names_in
from recordings.models import Recording, Tag
from reviews.models import Assignment

RESULTS = "results"
FIRST_CALL = "first-call"
SEARCHED = ("queue", "agent", "tag")
NAMES_AT_MOST = 1000
MOST_AT_ONCE = 1000
Rows = Callable[[Any], QuerySet[Any]]


class NamedView(AccountView):
    """A page that calls queues and agents by the account's names for them."""

    @cached_property
    def names(self) -> Names:
        queues = labelled_queues(self.rows(Queue))
        agents = labelled_agents(self.rows(Agent))
        return Names(self.chosen.country, queues, agents)

    def names_with(self, numbers: Iterable[str]) -> Names:
        """The names, with those of the contacts who have one of the numbers."""
        return with_contacts(self.names, self.rows(Contact), numbers)


class SearchingView(NamedView):
    """A page about the calls that the filters of its address let through."""

    @cached_property
    def filters(self) -> Filters:
        return Filters.read(self.request.GET, self.zone, timezone.now())

    @cached_property
    def wanted(self) -> Wanted:
        return self.wanted_of(self.filters, self.counted)

    def wanted_of(self, filters: Filters, counted: QuerySet[Any] | None) -> Wanted:
        return wanted_by(filters, self.chosen.country, self.names.agents, self.rows, counted, self.user.pk)

    @cached_property
    def menus(self) -> Menus:
        return Menus(
            self.filters,
            self.request.GET,
            self.chosen,
            self.rows,
            self.names.queues,
            self.names.agents,
            self.tag_names,
            may_review=self.may_review,
        )

    @cached_property
    def tag_names(self) -> list[str]:
        return names_in(self.chosen)

    @property
    def may_review(self) -> bool:
        """Whether who reviews what is any of the person's business."""
        return bool(self.actor and self.actor.may(Action.COMMENT))

    @cached_property
    def counted(self) -> QuerySet[Any] | None:
        return counted_by(self.filters, self.rows)


class CallsView(SearchingView, ViewsOfPerson):
    """One row per conversation, newest first."""

    section = "calls"

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.GET and not request.htmx and (view := self.default()):  # type: ignore[attr-defined]
            return redirect(self.address_of_view(view))
        note_search(self.actor, self.chosen, self.filters.text)
        page = page_of(
            matching(self.rows(Call).select_related("user"), self.wanted),
            older=Cursor.parse(request.GET.get("older", "")),
            newer=Cursor.parse(request.GET.get("newer", "")),
        )
        target = request.htmx.target  # type: ignore[attr-defined]
        if target == FIRST_CALL:
            return self.still_first(page)
        if target == RESULTS:
            return self.show("portal/calls_results.html", **self.contents(page), partial=True)
        if not page.rows and not self.rows(Call).exists():
            return self.show("portal/calls_none.html", steps=self.first_steps())
        return self.show("portal/calls.html", **self.contents(page))

    def contents(self, page: Page[Call]) -> dict[str, Any]:
        now = timezone.now().astimezone(self.zone)
        tabs = self.tabs(self.filters, may_review=may_review(self.actor))
        on = {"view": tabs.view}
        return {
            "filters": self.filters,
            **self.bulk(),
            "tabs": tabs,
            "longest_view_name": LONGEST_NAME,
            **self.menus.context(),
            "days": list(by_day(self.rows_of(page.rows), now)),
            "count": self.known_count(page),
            "figure": self.figure(),
            "count_url": address_of("calls-count") + self.filters.address(),  # type: ignore[operator]
            "newer_url": self.filters.address(newer=str(page.newer), **on) if page.newer else None,
            "older_url": self.filters.address(older=str(page.older), **on) if page.older else None,
            "all_time_url": self.filters.address(period="all", **{"from": "", "to": ""}),
            "page_size": PAGE_SIZE,
        }

    def bulk(self) -> dict[str, Any]:
        """What may be done to ticked calls."""
        actor = self.actor
        may = {
            "export": self.frame()["sees_exports"],
            "tag": bool(actor and actor.may(Action.TAG)),
            "hold": bool(actor and actor.may(Action.HOLD)),
            "assign": may_assign(actor),
            "review": may_review(actor),
        }
        return {
            "may": may if any(may.values()) else None,
            "tag_names": self.tag_names if may["tag"] else [],
            "longest_tag": LONGEST_TAG,
            "reviewers": reviewers_offered(self.visible(User), self.chosen) if may["assign"] else [],
            "most_at_once": MOST_AT_ONCE,
            "back": self.request.GET.urlencode(),
        }

    def figure(self) -> dict[str, Any] | None:
        """What the number was that led here: so many visits or offers, in the calls of the list."""
        if self.counted is None or self.filters.counted is None:
            return None
        asked = self.filters.counted
        measures = AGENT_MEASURES if asked.is_of_agents else QUEUE_MEASURES
        names = self.names.agents if asked.is_of_agents else self.names.queues
        number = self.counted.order_by()[: COUNT_LIMIT + 1].count()
        zone = self.zone
        between = period_between(
            asked.since and asked.since.astimezone(zone), asked.until and asked.until.astimezone(zone)
        )
        return {
            "label": next((each.label for each in measures if each.calls == asked.figure), ""),
            "names": [names.get(name, name) for name in asked.names],
            "number": capped(number),
            "noun": "offer" if asked.is_of_agents else "visit",
            "plural": "" if number == 1 else "s",
            "period": between.label,
            "pairs": written_counted(asked),
        }

    def known_count(self, page: Page[Call]) -> int | None:
        """How many there are, when this page has them all."""
        return len(page.rows) if page.newer is None and page.older is None else None

    def rows_of(self, calls: list[Call]) -> list[Row]:
        states: defaultdict[uuid.UUID | None, list[str]] = defaultdict(list)
        takes = self.rows(Recording).filter(call__in=[call.pk for call in calls]).order_by()
        for call_id, state in takes.values_list("call_id", "state"):
            states[call_id].append(state)
        names = self.names_with(map(other_number, calls))
        tags = tags_by_call(self.rows(Tag), calls)
        today = timezone.now().astimezone(self.zone).date()
        reviews = (
            reviews_by_call(self.rows(Assignment), calls, self.user.pk, self.zone, today)
            if self.may_review
            else {}
        )
        return [
            row_of(call, names, self.zone, states[call.pk], tags[call.pk], reviews.get(call.pk))
            for call in calls
        ]

    def first_steps(self) -> FirstSteps:
        return first_steps(self.chosen, self.rows, self.visible, self.sees_everything)

    def still_first(self, page: Page[Call]) -> HttpResponse:
        """The answer to a page that waits for the first call: nothing new, or look anew."""
        done = self.request.GET.get("done", "")
        if page.rows or (done and done != self.first_steps().mark):
            return HttpResponseClientRefresh()
        return HttpResponse(status=204)


class ChoicesView(SearchingView):
    """The options of a menu with very many, narrowed by what is written in it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        name = request.GET.get("of", "")
        if name not in SEARCHED:
            raise Http404("There is no such menu.")
        return self.show("portal/facet_options.html", facet=self.menus.of_names(name))


class CallsCountView(SearchingView):
    """How many calls the filters let through, asked for apart so that the list need not wait."""

    def get(self, request: HttpRequest) -> HttpResponse:
        count = count_capped(matching(self.rows(Call), self.wanted))
        text = capped(count)
        return self.show("portal/calls_count.html", count=text, plural="" if count == 1 else "s")


def with_contacts(names: Names, contacts: QuerySet[Contact], numbers: Iterable[str]) -> Names:
    return replace(names, contacts=contact_names(contacts, numbers, names.country))


def labelled_queues(queues: QuerySet[Queue]) -> dict[str, str]:
    return labelled(queues.order_by("name").values_list("name", "label")[:NAMES_AT_MOST])


def labelled_agents(agents: QuerySet[Agent]) -> dict[str, str]:
    """An agent without a label is called by the person's name."""
    told = Coalesce(NullIf("label", Value("")), "user__name", Value(""))
    return labelled(agents.order_by("name").values_list("name", told)[:NAMES_AT_MOST])


def labelled(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names and what they are called: ``3000@default`` is 3000, or 3000 Support when it has a label."""
    return {name: called(name.partition("@")[0], on_one_line(label)) for name, label in pairs}


def called(short: str, label: str) -> str:
    told = label.casefold().startswith(short.casefold())
    return label if told else f"{short} {label}".strip()
