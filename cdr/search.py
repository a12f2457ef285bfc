"""Find conversations: what a list of calls may ask for, and its pages by keyset."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import product
from math import prod
from operator import and_
from typing import Any, Generic, TypeVar

import phonenumbers
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from accounts.models import Switch, digits_of
from cdr.models import AgentOffer, Call, CallAlias, Leg

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
TERMS_AT_MOST = 20
SHORTEST_NUMBER_WITHOUT_PREFIX = 7
SHORTEST_ENDING = 4
SETS_AT_MOST = 12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

R = TypeVar("R", bound=Model)
Span = tuple[int | None, int | None]

ENDING = re.compile(r"(?:…|\.{2,}|\*+)\s*([\d\s()/-]*\d)")
NUMBER = re.compile(r"\+?[\d\s()./-]*\d[\d\s()./-]*")
ID_BEGINNING = re.compile(r"(?=.*\d)[0-9a-f]{8}[0-9a-f-]{0,28}", re.IGNORECASE)
SWITCH_ID = re.compile(r"[0-9a-f-]{32,36}|\d{9,10}\.\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Beside:
    """A condition on rows that hang from calls, told twice.

    ``along`` has sets that together are the calls, each read along an index of those rows in the order of the
    list; ``probe`` asks the same of a call that was found otherwise.
    """

    along: Sequence[Q]
    probe: Q


@dataclass(frozen=True)
class Wanted:
    """What is asked for: every field narrows, an empty one does not; ``since`` is in, ``until`` is out.

    ``counted`` are visits to queues, or offers to agents, whose calls are asked for. Of ``waits``, ``talks``
    and ``lengths`` both ends, in milliseconds, are in.
    """

    since: datetime | None = None
    until: datetime | None = None
    directions: Collection[str] = ()
    outcomes: Collection[str] = ()
    queues: Collection[str] = ()
    agents: Collection[str] = ()
    recorded: bool | None = None
    waits: Span = (None, None)
    talks: Span = (None, None)
    lengths: Span = (None, None)
    counted: QuerySet[Any] | None = None
    beside: Collection[Beside] = ()
    terms: Collection[Term] = ()


@dataclass(frozen=True)
class Term:
    """One thing searched for, read in every way it can be meant."""

    text: str
    number_forms: Collection[str] = ()
    is_whole_number: bool = False
    ending: str = ""
    name: str = ""
    agents: Collection[str] = ()
    contact_digits: Collection[str] = ()
    id_range: tuple[uuid.UUID, uuid.UUID] | None = None
    ids: Collection[uuid.UUID] = ()


@dataclass(frozen=True)
class Cursor:
    """Where a page ends: the start and id of its last row."""

    started_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{(self.started_at - EPOCH) // MICROSECOND}-{self.id.hex}"

    @classmethod
    def of(cls, row: Any) -> Cursor:
        return cls(row.started_at, row.pk)

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        micros, _, hexadecimal = text.partition("-")
        try:
            return cls(EPOCH + int(micros) * MICROSECOND, uuid.UUID(hexadecimal))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Page(Generic[R]):
    """Calls, or recordings, from new to old, and the cursors that lead on from both ends."""

    rows: list[R] = field(default_factory=list)
    newer: Cursor | None = None
    older: Cursor | None = None


def split_terms(text: str) -> list[str]:
    """Cut a search at commas, semicolons and line ends; keep the first twenty."""
    parts = (" ".join(part.split()) for part in re.split(r"[,;\n]", text.replace("\x00", "")))
    return [part for part in parts if part][:TERMS_AT_MOST]


def read_term(text: str, country: str, agent_labels: dict[str, str], legs: QuerySet[Leg]) -> Term:
    """Read a term as a number, a name, an agent and an id; ``agent_labels`` leads from names to labels."""
    is_number = NUMBER.fullmatch(text) is not None
    id_range = range_of_ids(text)
    ending = ending_of(text, country)
    is_name = not is_number and id_range is None and not ending
    folded = text.casefold()
    return Term(
        text=text,
        number_forms=number_forms(text, country) if is_number else (),
        is_whole_number=is_number and is_whole(text, country),
        ending=ending,
        name=text if is_name else "",
        agents=[
            name
            for name, label in agent_labels.items()
            if is_name and (folded in label.casefold() or folded in name.casefold())
        ],
        id_range=id_range,
        ids=ids_named(text, legs),
    )


def number_forms(text: str, country: str) -> frozenset[str]:
    """The digits a switch may have noted for a number, or for its beginning, however it is written here."""
    digits = digits_of(text)
    code = str(phonenumbers.country_code_for_region(country) or "")
    plan = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    trunk = (plan and plan.national_prefix) or ""
    international = digits.removeprefix("00") if digits.startswith("00") else digits
    if text.startswith("+") or digits.startswith("00"):
        national = international.removeprefix(code) if code and international.startswith(code) else ""
        return frozenset({digits, international, f"{trunk}{national}" if national else digits} - {""})
    if trunk and digits.startswith(trunk):
        return frozenset({digits, f"{code}{digits.removeprefix(trunk)}"})
    if len(digits) >= SHORTEST_NUMBER_WITHOUT_PREFIX and code:
        forms = {digits, f"{trunk}{digits}", f"{code}{digits}"}
        if digits.startswith(code):
            forms.add(f"{trunk}{digits.removeprefix(code)}")
        return frozenset(forms)
    return frozenset({digits})


def ending_of(text: str, country: str) -> str:
    """The last digits of a number: those after dots, or of a few that are not a whole number."""
    marked = ENDING.fullmatch(text)
    is_plain = NUMBER.fullmatch(text) and not text.startswith("+") and not is_whole(text, country)
    digits = digits_of(marked[1] if marked else text) if marked or is_plain else ""
    return digits if len(digits) >= SHORTEST_ENDING else ""


def is_whole(text: str, country: str) -> bool:
    """Whether this is a number that can be called as it stands, and not the beginning of one."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, country))
    except phonenumbers.NumberParseException:
        return False


def range_of_ids(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The first and the last id that begin so, for eight or more hexadecimal digits."""
    if not ID_BEGINNING.fullmatch(text):
        return None
    digits = text.replace("-", "").lower()[:32]
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def ids_named(text: str, legs: QuerySet[Leg]) -> list[uuid.UUID]:
    """Calls that had this id before they were merged, or that have a leg of this id."""
    if not SWITCH_ID.fullmatch(text):
        return []
    by_leg = legs.filter(switch__in=Switch.objects.all(), uuid__in={text, text.lower()})
    found = list(by_leg.order_by().values_list("call_id", flat=True)[:TERMS_AT_MOST])
    try:
        alias = uuid.UUID(text)
    except ValueError:
        return found
    return [*found, *CallAlias.objects.filter(pk=alias).values_list("call_id", flat=True)]


def matching(calls: QuerySet[Call], wanted: Wanted) -> list[QuerySet[Call]]:
    """Narrow calls to those that are wanted: each set is read along an index, together they are all of them.

    A number can stand in three columns and in several ways of writing. Asked for in one query with OR, an
    embedded database walks through the whole account; asked for apart, each is a few rows of one index.
    """
    narrowed = calls.filter(in_period(wanted) & one_of(wanted) & within_spans(wanted))
    if wanted.recorded is not None:
        recorded = Q(recording_count__gt=0)
        narrowed = narrowed.filter(recorded if wanted.recorded else ~recorded)
    if wanted.counted is not None:
        narrowed = narrowed.filter(pk__in=wanted.counted.order_by().values("call"))
    besides = [*wanted.beside, *([by_agents(wanted.agents)] if wanted.agents else [])]
    if wanted.terms:
        narrowed = narrowed.filter(*(each.probe for each in besides))
        return [narrowed.filter(reading) for term in wanted.terms for reading in readings_of(term)]
    return [narrowed.filter(condition) for condition in sets_of(besides)]


def sets_of(besides: Sequence[Beside]) -> list[Q]:
    """The sets of all conditions together, each with each; where that would be many, those of the first."""
    if prod(len(each.along) for each in besides) > SETS_AT_MOST:
        along = besides[0].along if len(besides[0].along) <= SETS_AT_MOST else [besides[0].probe]
        return [reduce(and_, (each.probe for each in besides[1:]), condition) for condition in along]
    return [reduce(and_, chosen, Q()) for chosen in product(*(each.along for each in besides))]


def by_agents(names: Collection[str]) -> Beside:
    """Calls that one of the agents had, first or after another."""
    first = Q(agent_name__in=list(names))
    answered = AgentOffer.objects.filter(call=OuterRef("pk"), listed_at__isnull=False)
    return Beside(
        along=[first, *(answered_by(name) for name in names)],
        probe=first | Q(Exists(answered.filter(agent_name__in=list(names)))),
    )


def answered_by(agent_name: str) -> Q:
    """Calls that an agent answered out of a queue; moment and account in it lead along the offers' index."""
    return Q(
        offers__agent_name=agent_name,
        offers__listed_at=F("started_at"),
        offers__account=F("account"),
    )


def in_period(wanted: Wanted) -> Q:
    since = Q(started_at__gte=wanted.since) if wanted.since else Q()
    return since & Q(started_at__lt=wanted.until) if wanted.until else since


def one_of(wanted: Wanted) -> Q:
    choices = {
        "direction__in": wanted.directions,
        "outcome__in": wanted.outcomes,
        "queue_name__in": wanted.queues,
    }
    return Q(**{lookup: list(values) for lookup, values in choices.items() if values})


def within_spans(wanted: Wanted) -> Q:
    spans = {"wait_ms": wanted.waits, "talk_ms": wanted.talks, "duration_ms": wanted.lengths}
    bounds = {
        f"{column}__{lookup}": bound
        for column, span in spans.items()
        for lookup, bound in zip(("gte", "lte"), span, strict=True)
        if bound is not None
    }
    return Q(**bounds)


def readings_of(term: Term) -> list[Q]:
    """What a term can mean; where there is no ``cdr.name_index``, names are read along the period."""
    readings = [
        number_in(column, form, whole=term.is_whole_number)
        for column in ("caller_digits", "dialed_digits", "callee_digits")
        for form in sorted(term.number_forms)
    ]
    if term.ending:
        readings.append(beginning_with("other_reversed", term.ending[::-1]))
    if term.name:
        readings.append(named(term))
    if term.agents:
        readings += sets_of([by_agents(term.agents)])
    if term.id_range:
        readings.append(Q(pk__gte=term.id_range[0], pk__lte=term.id_range[1]))
    if term.ids:
        readings.append(Q(pk__in=list(term.ids)))
    return readings


def named(term: Term) -> Q:
    """Who is called so by the line or by the account; contacts' numbers cost no walk of their own."""
    names = Q(caller_name__icontains=term.name) | Q(callee_name__icontains=term.name)
    if not term.contact_digits:
        return names
    digits = list(term.contact_digits)
    return names | Q(caller_digits__in=digits) | Q(dialed_digits__in=digits) | Q(callee_digits__in=digits)


def number_in(column: str, digits: str, *, whole: bool) -> Q:
    return Q(**{column: digits}) if whole else beginning_with(column, digits)


def beginning_with(column: str, digits: str) -> Q:
    """A range, which an ordinary index answers in any collation; LIKE would need an index of its own."""
    stem = digits.rstrip("9")
    below = Q(**{f"{column}__lt": stem[:-1] + str(int(stem[-1]) + 1)}) if stem else Q()
    return Q(**{f"{column}__gte": digits}) & below


def count_capped(sets: list[QuerySet[R]], limit: int = COUNT_LIMIT) -> int:
    """Count the rows of all sets, each once, but no further than one over the limit."""
    if len(sets) == 1:
        return sets[0].order_by()[: limit + 1].count()
    ids: set[uuid.UUID] = set()
    for rows in sets:
        ids.update(rows.order_by().values_list("pk", flat=True)[: limit + 1])
        if len(ids) > limit:
            return limit + 1
    return len(ids)


def page_of(
    sets: list[QuerySet[R]],
    *,
    older: Cursor | None = None,
    newer: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page[R]:
    """The page older than one cursor, or newer than the other, or the newest."""
    if newer is not None:
        above = page_above(sets, newer, size)
        if above.newer is not None:
            return above
    return page_below(sets, None if newer is not None else older, size)


def page_below(sets: list[QuerySet[R]], cursor: Cursor | None, size: int) -> Page[R]:
    if cursor is not None:
        sets = [rows.filter(below(cursor)) for rows in sets]
    found = first_of([rows.order_by("-started_at", "-id")[: size + 1] for rows in sets], reverse=True)
    shown = found[:size]
    return Page(
        rows=shown,
        newer=Cursor.of(shown[0]) if shown and cursor is not None else None,
        older=Cursor.of(shown[-1]) if len(found) > size else None,
    )


def page_above(sets: list[QuerySet[R]], cursor: Cursor, size: int) -> Page[R]:
    sets = [rows.filter(above(cursor)) for rows in sets]
    found = first_of([rows.order_by("started_at", "id")[: size + 1] for rows in sets], reverse=False)
    shown = found[:size][::-1]
    return Page(
        rows=shown,
        newer=Cursor.of(shown[0]) if len(found) > size else None,
        older=Cursor.of(shown[-1]) if shown else None,
    )


def below(cursor: Cursor) -> Q:
    """Older than the cursor; the first condition is the one an index answers."""
    at, pk = cursor.started_at, cursor.id
    return Q(started_at__lte=at) & (Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk))


def above(cursor: Cursor) -> Q:
    at, pk = cursor.started_at, cursor.id
    return Q(started_at__gte=at) & (Q(started_at__gt=at) | Q(started_at=at, pk__gt=pk))


def first_of(sets: Iterable[QuerySet[R]], *, reverse: bool) -> list[R]:
    """The rows of all sets in order, each once; every set brings no more than a page."""
    unique = {row.pk: row for rows in sets for row in rows}
    return sorted(unique.values(), key=place_of, reverse=reverse)


def place_of(row: Any) -> tuple[datetime, uuid.UUID]:
    return row.started_at, row.pk
