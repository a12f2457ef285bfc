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
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from accounts.contacts import Contact, contact_names, digits_named
from ccportal.measures import AGENT_MEASURES, QUEUE_MEASURES
from ccportal.portal.filters import Filters, facets, period_options, written_counted
from ccportal.portal.first_steps import FirstSteps, first_steps
from ccportal.portal.page import AccountView, address_of
from ccportal.portal.period import period_between
from ccportal.portal.rows import Names, Row, by_day, other_number, row_of
from ccportal.portal.tags import tags_by_call
from ccportal.portal.wording import capped, on_one_line
from cdr.figures import limits_of
from cdr.models import AgentOffer, Call, Leg, QueueVisit
from cdr.search import (
    COUNT_LIMIT,
    PAGE_SIZE,
    Cursor,
    Page,
    Term,
    Wanted,
    count_capped,
    matching,
    number_forms,
    page_of,
    read_term,
    split_terms,
)
from queues.models import Agent, Queue
from recordings.models import Recording, Tag

RESULTS = "results"
FIRST_CALL = "first-call"
NAMES_AT_MOST = 1000
CONTACTS_SEARCHED = 50
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
        return wanted_by(self.filters, self.chosen.country, self.names.agents, self.rows, self.counted)

    @cached_property
    def counted(self) -> QuerySet[Any] | None:
        return counted_by(self.filters, self.rows)


def wanted_by(
    filters: Filters, country: str, agents: dict[str, str], rows: Rows, counted: QuerySet[Any] | None
) -> Wanted:
    """What filters ask for among the rows that somebody sees; ``agents`` leads from names to labels."""
    terms = (read_term(term, country, agents, rows(Leg)) for term in split_terms(filters.text))
    return filters.wanted((with_numbers(term, rows(Contact), country) for term in terms), counted)


def with_numbers(term: Term, contacts: QuerySet[Contact], country: str) -> Term:
    """The term, and the numbers of the contacts whose names begin so."""
    if not term.name:
        return term
    found = digits_named(contacts, term.name, CONTACTS_SEARCHED)
    forms = {form for digits in found for form in number_forms(f"+{digits}", country)}
    return replace(term, contact_digits=sorted(forms))


def counted_by(filters: Filters, rows: Rows) -> QuerySet[Any] | None:
    """The visits or offers of the figure whose calls are asked for."""
    counted = filters.counted
    if counted is None:
        return None
    if counted.is_of_agents:
        return counted.offers(rows(AgentOffer))
    return counted.visits(rows(QueueVisit), limits_of(rows(Queue)))


class CallsView(SearchingView):
    """One row per conversation, newest first."""

    section = "calls"

    def get(self, request: HttpRequest) -> HttpResponse:
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
        return {
            "filters": self.filters,
            "facets": facets(self.filters, self.names.queues, self.names.agents),
            "periods": period_options(self.filters.period),
            "days": list(by_day(self.rows_of(page.rows), now)),
            "count": self.known_count(page),
            "figure": self.figure(),
            "count_url": address_of("calls-count") + self.filters.address(),  # type: ignore[operator]
            "newer_url": self.filters.address(newer=str(page.newer)) if page.newer else None,
            "older_url": self.filters.address(older=str(page.older)) if page.older else None,
            "all_time_url": self.filters.address(period="all", **{"from": "", "to": ""}),
            "page_size": PAGE_SIZE,
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
        return [row_of(call, names, self.zone, states[call.pk], tags[call.pk]) for call in calls]

    def first_steps(self) -> FirstSteps:
        return first_steps(self.chosen, self.rows, self.visible, self.sees_everything)

    def still_first(self, page: Page[Call]) -> HttpResponse:
        """The answer to a page that waits for the first call: nothing new, or look anew."""
        done = self.request.GET.get("done", "")
        if page.rows or (done and done != self.first_steps().mark):
            return HttpResponseClientRefresh()
        return HttpResponse(status=204)


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
