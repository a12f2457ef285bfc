"""What the filters of a list of calls ask the database for, among the rows that somebody sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.contacts import Contact, digits_named
from ccportal.portal.filters import REVIEWS, Filters, known, without_nul
from cdr.figures import limits_of
from cdr.models import AgentOffer, Leg, QueueVisit
from cdr.search import Beside, Term, Wanted, number_forms, read_term, split_terms
from queues.models import Queue
from recordings.models import Tag
from reviews.models import Assignment

CONTACTS_SEARCHED = 50
Rows = Callable[[Any], QuerySet[Any]]


def wanted_by(
    filters: Filters,
    country: str,
    agents: dict[str, str],
    rows: Rows,
    counted: QuerySet[Any] | None,
    person: uuid.UUID | None,
) -> Wanted:
    """``agents`` leads from names to labels; ``person`` is who asks, for what is theirs to review."""
    terms = (read_term(term, country, agents, rows(Leg)) for term in split_terms(filters.text))
    named = [with_numbers(term, rows(Contact), country) for term in terms]
    return filters.wanted(named, counted, list(besides(filters, person)))


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


def besides(filters: Filters, person: uuid.UUID | None) -> Iterator[Beside]:
    """Conditions on what hangs from calls; the calls themselves are narrowed to what is seen elsewhere."""
    if tags := without_nul(filters.chosen.get("tag", ())):
        of_call = Tag.objects.filter(call=OuterRef("pk"), name__in=tags)
        yield Beside([beside_call("tags", name=name) for name in tags], Q(Exists(of_call)))
    if states := known(filters.chosen.get("review", ()), REVIEWS):
        sets = [in_review(state, person) for state in states]
        yield Beside([along for along, _ in sets], Q(*(probe for _, probe in sets), _connector=Q.OR))


def beside_call(relation: str, **named: Any) -> Q:
    """Moment and account lead the database along the index of what hangs from calls, in the list's order."""
    same = {"started_at": F("started_at"), "account": F("account")}
    return Q(**{f"{relation}__{name}": value for name, value in (same | named).items()})


def in_review(state: str, person: uuid.UUID | None) -> tuple[Q, Q]:
    """The calls in this state of review, along the assignments' index, and the same asked of one call."""
    own = Assignment.objects.filter(call=OuterRef("pk"))
    if state == "none":
        return Q(assignment__isnull=True), ~Q(Exists(own))
    conditions: dict[str, dict[str, Any]] = {
        "assigned": {"done_at__isnull": True},
        "mine": {"done_at__isnull": True, "reviewer": person},
        "reviewed": {"done_at__isnull": False},
    }
    return beside_call("assignment", **conditions[state]), Q(Exists(own.filter(**conditions[state])))
