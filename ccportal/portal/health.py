"""What an account's switches and recordings need, for those who look after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.access import Action
from accounts.models import Account, Switch
from ccportal.portal.page import PortalView
from ccportal.portal.period import DAYS, midnight
from ccportal.portal.refusals import Refusal, refusals_of_calls, refusals_of_files
from ccportal.portal.rows import Names, other_party
from ccportal.portal.switches import (
    ROWS_AT_MOST,
    Clock,
    Heard,
    Moment,
    gaps_of,
    heard,
    serving,
    shared,
    with_newest_gap,
)
from ccportal.portal.takes import FINDINGS, MARKS
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import listed, on_one_line
from cdr.models import Call
from cdr.search import COUNT_LIMIT, count_capped
from recordings.expected import REFUSED
from recordings.models import Decision, Finding, Recording, State

PERIOD = "30d"
CALLS_LOOKED_AT = 1000
NUMBER_WORDS = (
    "Nothing needs",
    "One thing needs",
    "Two things need",
    "Three things need",
    "Four things need",
)


@dataclass(frozen=True)
class Kind:
    """Recordings that have one of the states or one of the findings."""

    key: str
    title: str
    sentence: str
    states: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    tone: str = ""

    def has(self, state: str, finding: str) -> bool:
        return state in self.states or finding in self.findings

    @property
    def wanted(self) -> Q:
        return Q(state__in=self.states) | Q(finding__in=self.findings)


STATES = (
    Kind("ready", "Ready", "Checked, and ready to be heard.", (State.READY,)),
    Kind(
        "received",
        "Still received",
        "The file has arrived and is being checked and converted.",
        (State.RECEIVED, State.PROCESSING),
    ),
    Kind("missing", "Missing", "There should be a file, and none was found.", (State.MISSING,), tone="warn"),
    Kind(
        "failed", "Failed", "The file could not be made ready, or never began.", (State.FAILED,), tone="bad"
    ),
)
FOUND = (
    *(
        Kind(finding.value, title, FINDINGS[finding], findings=(finding.value,))
        for finding, title in (
            (Finding.EMPTY, "Empty"),
            (Finding.UNFINISHED, "Unfinished"),
            (Finding.OVERWRITTEN, "Overwritten"),
            (Finding.OUTSIDE, "Outside the folders"),
            (Finding.UNREADABLE, "Not audio"),
            (Finding.LENGTH, "Another length"),
        )
    ),
    Kind(
        "discarded",
        "Discarded",
        "Thrown away, because shorter than what is kept.",
        (State.DISCARDED,),
        (Finding.DISCARDED,),
    ),
)
KINDS = {kind.key: kind for kind in (*STATES, *FOUND)}


@dataclass(frozen=True)
class Figure:
    """How many recordings are of a kind, and whether their list is the one shown."""

    kind: Kind
    count: int
    is_shown: bool

    @property
    def shown(self) -> str:
        return f"{self.count:,}"

    @property
    def tone(self) -> str:
        return self.kind.tone if self.count else ""


@dataclass(frozen=True)
class File:
    """A recording as a row of a list."""

    when: Moment
    call: str
    party: str
    state: Mark
    why: str


class HealthView(PortalView):
    """Switches, recordings and refused commands; an operator without an account sees the switches."""

    section = "health"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.CONFIGURE)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        clock = Clock(timezone.now(), self.zone)
        context = self.switches(clock) | {"quarantined": self.quarantined()}
        if self.account:
            context |= self.recordings(self.account, clock, KINDS.get(request.GET.get("show", "")))
        problems = list(problems_of(context))
        return self.show(
            "portal/health.html",
            **context,
            quarantined_shown=capped(context["quarantined"]),
            days=DAYS[PERIOD],
            rows_at_most=ROWS_AT_MOST,
            checked=f"{clock.now.astimezone(self.zone):%H:%M:%S}",
            problems=listed(problems),
            heading=needs(len(problems)),
        )

    def switches(self, clock: Clock) -> dict[str, Any]:
        """Those of an operator are all, those of others the ones that serve the account."""
        visible: QuerySet[Switch] = self.visible(Switch)
        if self.account and not self.sees_everything:
            visible = serving(visible, self.account)
        own = list(with_newest_gap(visible))
        rows, unusable = heard(own, clock)
        return {
            "has_own": bool(own),
            "switches": rows + self.shared_switches(own, clock.now),
            "gaps": gaps_of(own, clock),
            "unusable": unusable,
        }

    def shared_switches(self, own: Iterable[Switch], now: datetime) -> list[Heard]:
        """Of those that took the account's newest calls, the ones that are not its own."""
        if self.sees_everything or not self.account:
            return []
        newest = self.visible(Call).filter(account=self.account).order_by("-started_at", "-id")
        used = set(newest.values_list("switch", flat=True)[:CALLS_LOOKED_AT])
        others = Switch.objects.filter(pk__in=used - {switch.pk for switch in own})
        return shared(with_newest_gap(others), now)

    def quarantined(self) -> int:
        """How many calls belong to nobody; none for those who may not see them."""
        if not (self.actor and self.actor.may(Action.OPERATE)):
            return 0
        return count_capped([self.visible(Call).filter(account=None)])

    def recordings(self, account: Account, clock: Clock, show: Kind | None) -> dict[str, Any]:
        today = clock.now.astimezone(account.zone).date()
        since = midnight(today - timedelta(days=DAYS[PERIOD] - 1), account.zone)
        files = self.visible(Recording).filter(account=account, started_at__gte=since)
        calls = self.visible(Call).filter(account=account, started_at__gte=since)
        bound = oldest_looked_at(files)
        files = files.filter(started_at__gt=bound) if bound else files
        counted = list(files.order_by().values_list("state", "finding").annotate(number=Count("pk")))
        names = Names(account.country, {}, {})
        decisions = self.visible(Decision).filter(call__account=account)
        figures = [figure(kind, counted, show) for kind in KINDS.values()]
        return {
            "states": figures[: len(STATES)],
            "found": [each for each in figures[len(STATES) :] if each.count],
            "bound": clock.at(bound),
            "limit": f"{COUNT_LIMIT:,}",
            "shown": show,
            "files": [file_of(row, names, clock) for row in newest(files, show)] if show else [],
            "more": any(each.is_shown and each.count > ROWS_AT_MOST for each in figures),
            "refusals": [
                (clock.at(refusal.at), refusal) for refusal in newest_refusals(decisions, calls, files, since)
            ],
        }


def oldest_looked_at(rows: QuerySet[Any]) -> datetime | None:
    """When the row began that is one too many; None while all are looked at."""
    moments = rows.order_by("-started_at", "-id").values_list("started_at", flat=True)
    found: datetime | None = moments[COUNT_LIMIT : COUNT_LIMIT + 1].first()
    return found


def figure(kind: Kind, counted: Iterable[tuple[str, str, int]], show: Kind | None) -> Figure:
    count = sum(number for state, finding, number in counted if kind.has(state, finding))
    return Figure(kind, count, kind is show)


def newest(files: QuerySet[Recording], kind: Kind) -> QuerySet[Recording]:
    found = files.filter(kind.wanted).select_related("call").defer("grants", "masked", "speech")
    return found.order_by("-started_at", "-id")[:ROWS_AT_MOST]


def file_of(row: Recording, names: Names, clock: Clock) -> File:
    finding = FINDINGS.get(Finding(row.finding), "") if row.finding in Finding else ""
    return File(
        when=clock.at(row.started_at),
        call=row.call_id.hex if row.call_id else "",
        party=other_party(row.call, names).shown if row.call else on_one_line(row.conference_name),
        state=MARKS[State(row.state)],
        why=on_one_line(row.state_reason) or finding,
    )


def newest_refusals(
    decisions: QuerySet[Decision], calls: QuerySet[Call], files: QuerySet[Recording], since: datetime
) -> list[Refusal]:
    """The newest of both places where they are kept, each once."""
    bound = oldest_looked_at(calls) or since
    told = decisions.filter(call__started_at__gte=bound).exclude(complaints=[]).select_related("call")
    reasons = files.filter(state_reason__startswith=REFUSED).select_related("call")
    found = [
        *refusals_of_calls(told.only("complaints", "call").order_by("-call__started_at")[:ROWS_AT_MOST]),
        *refusals_of_files(reasons.order_by("-started_at", "-id")[:ROWS_AT_MOST]),
    ]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda refusal: refusal.at, reverse=True)[:ROWS_AT_MOST]


def problems_of(context: dict[str, Any]) -> Iterator[str]:
    """What needs somebody, each in a few words."""
    if silent := sum(switch.needs_someone for switch in context["switches"]):
        yield f"{counted_noun(silent, 'switch is', 'switches are')} not heard as usual"
    counts = {each.kind.key: each.count for each in context.get("states", ())}
    if missing := counts.get("missing"):
        yield f"{counted_noun(missing, 'recording has', 'recordings have')} no file"
    if failed := counts.get("failed"):
        yield f"{counted_noun(failed, 'recording', 'recordings')} failed"
    if quarantined := context["quarantined"]:
        yield f"{counted_noun(quarantined, 'call belongs', 'calls belong')} to no account"


def counted_noun(count: int, one: str, many: str) -> str:
    return f"{capped(count)} {one if count == 1 else many}"


def capped(count: int) -> str:
    return f"{COUNT_LIMIT:,}+" if count > COUNT_LIMIT else f"{count:,}"


def needs(problems: int) -> str:
    """Three things need you."""
    return f"{NUMBER_WORDS[problems]} you."
