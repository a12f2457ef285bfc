"""Find conversations: what a list of calls may ask for, and its pages by keyset."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import phonenumbers
from django.db.models import Q, QuerySet

from accounts.models import Switch, digits_of
from cdr.models import Call, CallAlias, Leg

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
TERMS_AT_MOST = 20
SHORTEST_NUMBER_WITHOUT_PREFIX = 7
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

NUMBER = re.compile(r"\+?[\d\s()./-]*\d[\d\s()./-]*")
ID_BEGINNING = re.compile(r"(?=.*\d)[0-9a-f]{8}[0-9a-f-]{0,28}", re.IGNORECASE)
SWITCH_ID = re.compile(r"[0-9a-f-]{32,36}|\d{9,10}\.\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """What is asked for: every field narrows, an empty one does not; ``since`` is in, ``until`` is out."""

    since: datetime | None = None
    until: datetime | None = None
    directions: Collection[str] = ()
    outcomes: Collection[str] = ()
    queues: Collection[str] = ()
    agents: Collection[str] = ()
    recorded: bool | None = None
    terms: Collection[Term] = ()


@dataclass(frozen=True)
class Term:
    """One thing searched for, read in every way it can be meant."""

    text: str
    number_forms: Collection[str] = ()
    name: str = ""
    agents: Collection[str] = ()
    id_range: tuple[uuid.UUID, uuid.UUID] | None = None
    ids: Collection[uuid.UUID] = ()


@dataclass(frozen=True)
class Cursor:
    """Where a page ends: the call's start and id."""

    started_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{(self.started_at - EPOCH) // MICROSECOND}-{self.id.hex}"

    @classmethod
    def of(cls, call: Call) -> Cursor:
        return cls(call.started_at, call.pk)

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        micros, _, hexadecimal = text.partition("-")
        try:
            return cls(EPOCH + int(micros) * MICROSECOND, uuid.UUID(hexadecimal))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Page:
    """Calls from new to old, and the cursors that lead on from both ends."""

    calls: list[Call] = field(default_factory=list)
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
    is_name = not is_number and id_range is None
    folded = text.casefold()
    return Term(
        text=text,
        number_forms=number_forms(text, country) if is_number else (),
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


def matching(calls: QuerySet[Call], wanted: Wanted) -> QuerySet[Call]:
    """Narrow calls to those that are wanted."""
    narrowed = calls.filter(in_period(wanted) & one_of(wanted))
    if wanted.recorded is not None:
        narrowed = (
            narrowed.filter(recording_count__gt=0) if wanted.recorded else narrowed.filter(recording_count=0)
        )
    return narrowed.filter(any_of(meant_by(term) for term in wanted.terms)) if wanted.terms else narrowed


def in_period(wanted: Wanted) -> Q:
    since = Q(started_at__gte=wanted.since) if wanted.since else Q()
    return since & Q(started_at__lt=wanted.until) if wanted.until else since


def one_of(wanted: Wanted) -> Q:
    choices = {
        "direction__in": wanted.directions,
        "outcome__in": wanted.outcomes,
        "queue_name__in": wanted.queues,
        "agent_name__in": wanted.agents,
    }
    return Q(**{lookup: list(values) for lookup, values in choices.items() if values})


def meant_by(term: Term) -> Q:
    """Each reading of a term is one an index answers, but for names, which are read along the period."""
    readings = [
        beginning_with(column, form)
        for column in ("caller_digits", "dialed_digits", "callee_digits")
        for form in term.number_forms
    ]
    if term.name:
        readings += [Q(caller_name__icontains=term.name), Q(callee_name__icontains=term.name)]
    if term.agents:
        readings.append(Q(agent_name__in=list(term.agents)))
    if term.id_range:
        readings.append(Q(pk__gte=term.id_range[0], pk__lte=term.id_range[1]))
    if term.ids:
        readings.append(Q(pk__in=list(term.ids)))
    return any_of(readings)


def any_of(conditions: Iterable[Q]) -> Q:
    """Join by OR; of nothing comes nothing."""
    joined = Q()
    for condition in conditions:
        joined |= condition
    return joined or Q(pk__in=[])


def beginning_with(column: str, digits: str) -> Q:
    """A range, which an ordinary index answers in any collation; LIKE would need an index of its own."""
    stem = digits.rstrip("9")
    below = Q(**{f"{column}__lt": stem[:-1] + str(int(stem[-1]) + 1)}) if stem else Q()
    return Q(**{f"{column}__gte": digits}) & below


def count_capped(calls: QuerySet[Call], limit: int = COUNT_LIMIT) -> int:
    """Count, but no further than one over the limit."""
    return calls.order_by()[: limit + 1].count()


def page_of(
    calls: QuerySet[Call], *, older: Cursor | None = None, newer: Cursor | None = None, size: int = PAGE_SIZE
) -> Page:
    """The page older than one cursor, or newer than the other, or the newest."""
    if newer is not None:
        above = page_above(calls, newer, size)
        if above.newer is not None:
            return above
    return page_below(calls, None if newer is not None else older, size)


def page_below(calls: QuerySet[Call], cursor: Cursor | None, size: int) -> Page:
    if cursor is not None:
        calls = calls.filter(
            Q(started_at__lt=cursor.started_at) | Q(started_at=cursor.started_at, pk__lt=cursor.id),
            started_at__lte=cursor.started_at,
        )
    found = list(calls.order_by("-started_at", "-id")[: size + 1])
    shown = found[:size]
    return Page(
        calls=shown,
        newer=Cursor.of(shown[0]) if shown and cursor is not None else None,
        older=Cursor.of(shown[-1]) if len(found) > size else None,
    )


def page_above(calls: QuerySet[Call], cursor: Cursor, size: int) -> Page:
    calls = calls.filter(
        Q(started_at__gt=cursor.started_at) | Q(started_at=cursor.started_at, pk__gt=cursor.id),
        started_at__gte=cursor.started_at,
    )
    found = list(calls.order_by("started_at", "id")[: size + 1])
    shown = found[:size][::-1]
    return Page(
        calls=shown,
        newer=Cursor.of(shown[0]) if len(found) > size else None,
        older=Cursor.of(shown[-1]) if shown else None,
    )
