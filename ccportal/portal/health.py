"""What an account's switches and recordings need, for those who look after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.access import Action
from accounts.models import Account, Switch
from accounts.tenancy import M
from ccportal.portal.deliveries import Filters as Sendings
from ccportal.portal.kinds import (
    DAMAGED,
    DELIVERIES,
    FLOW,
    FOUND,
    GONE,
    ON_THE_WAY,
    TO_MEND,
    Figure,
    Kind,
    figures,
)
from ccportal.portal.options import Option, period_options
from ccportal.portal.page import CaretakerView, address_of
from ccportal.portal.period import Period
from ccportal.portal.recordings import Filters, progress_of
from ccportal.portal.refusals import Refusal, refusals_of_calls, refusals_of_files
from ccportal.portal.switches import (
    ROWS_AT_MOST,
    Clock,
    Heard,
    gaps_of,
    heard,
    serving,
    shared,
    with_newest_gap,
)
from ccportal.portal.wording import capped, listed
from cdr.models import Call, StatisticsCheck
from cdr.search import COUNT_LIMIT, count_capped
from queues.models import Difference
from recordings.expected import REFUSED
from recordings.models import Decision, Delivery, Orphan, OrphanState, Recording, Redo, State

CALLS_LOOKED_AT = 1000
NUMBER_WORDS = (
    "Nothing needs",
    "One thing needs",
    "Two things need",
    "Three things need",
    "Four things need",
    "Five things need",
    "Six things need",
    "Seven things need",
    "Eight things need",
)


class HealthView(CaretakerView):
    """Switches, recordings and refused commands; an operator without an account sees the switches."""

    section = "health"

    def get(self, request: HttpRequest) -> HttpResponse:
        clock = Clock(timezone.now(), self.zone)
        context = self.switches(clock) | {"quarantined": self.quarantined()}
        if self.account:
            context |= self.recordings(self.account, clock)
        problems = list(problems_of(context))
        return self.show(
            "portal/health.html",
            **context,
            quarantined_shown=capped(context["quarantined"]),
            drift_shown=capped(context.get("drift", 0)),
            drift_url=self.set_up("admin:queues_difference_changelist"),
            orphaned_shown=capped(context.get("orphaned", 0)),
            rows_at_most=ROWS_AT_MOST,
            checked=f"{clock.now.astimezone(self.zone):%H:%M:%S}",
            problems=listed(problems),
            heading=needs(len(problems)),
            orphans_url=address_of("orphans"),
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

    def recordings(self, account: Account, clock: Clock) -> dict[str, Any]:
        filters = Filters.read(self.request.GET, self.zone, clock.now)
        files = self.visible(Recording).filter(account=account)
        decisions = self.visible(Decision).filter(call__account=account)
        calls = self.visible(Call).filter(account=account)

        def counted(kinds: Iterable[Kind]) -> list[Figure]:
            return figures(kinds, files, filters.chosen, lambda key: filters.address(show=key))

        return {
            "filters": filters,
            "periods": periods_of(filters),
            "flow": flow(counted(FLOW), counted(ON_THE_WAY)),
            "to_mend": counted(TO_MEND),
            "deliveries": self.deliveries(account, filters.period),
            "found": [each for each in counted((*FOUND, *GONE)) if each.count],
            "refusals": [
                (clock.at(refusal.at), refusal)
                for refusal in newest_refusals(decisions, calls, files, filters.period)
            ],
            "drift": count_capped([self.visible(Difference)]),
            "orphaned": count_capped([self.visible(Orphan).filter(state=OrphanState.WAITING)]),
            "check": StatisticsCheck.newest(self.visible(StatisticsCheck).filter(account=account)),
            **progress_of(self.visible(Redo).filter(account=account), clock),
        }

    def deliveries(self, account: Account, period: Period) -> list[Figure]:
        """How much did not arrive elsewhere, and how much is on its way, each with its list."""
        rows = self.visible(Delivery).filter(account=account)
        lists = [(kind, Sendings(kind.key, period, None)) for kind in DELIVERIES]
        return [
            Figure(kind, count_capped([of.chosen.of(rows)]), f"{reverse('deliveries')}{of.address()}")
            for kind, of in lists
        ]


def periods_of(filters: Filters) -> list[tuple[Option, str]]:
    """The presets, and where each leads."""
    days = {"from": "", "to": "", "show": ""}
    return [
        (option, filters.address(**days, period=option.value)) for option in period_options(filters.period)
    ]


def flow(figures: list[Figure], on_the_way: list[Figure]) -> list[Figure]:
    """Beside each stage what has not come there yet: not begun, being recorded, being processed."""
    behind = dict(zip(("expected", "present", "ready"), on_the_way, strict=True))
    return [replace(figure, also=behind.get(figure.kind.key)) for figure in figures]


def newest_refusals(
    decisions: QuerySet[Decision], calls: QuerySet[Call], files: QuerySet[Recording], period: Period
) -> list[Refusal]:
    """The newest of both places where they are kept, each once."""
    failed = files.filter(state__in=[State.FAILED, State.EXPECTED])
    told = looked_at(decisions.exclude(complaints=[]), "call__started_at", calls, period)
    told = told.select_related("call").only("complaints", "call")
    reasons = looked_at(failed.filter(state_reason__startswith=REFUSED), "started_at", failed, period)
    found = [
        *refusals_of_calls(told.order_by("-call__started_at")[:ROWS_AT_MOST]),
        *refusals_of_files(reasons.select_related("call").order_by("-started_at", "-id")[:ROWS_AT_MOST]),
    ]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda refusal: refusal.at, reverse=True)[:ROWS_AT_MOST]


def looked_at(rows: QuerySet[M], began: str, among: QuerySet[Any], period: Period) -> QuerySet[M]:
    """Rows of the period, of the newest 10,000 there are to look among."""
    newest = of_period(among, "started_at", period).order_by("-started_at", "-id")
    bound = newest.values_list("started_at", flat=True)[COUNT_LIMIT : COUNT_LIMIT + 1].first()
    rows = of_period(rows, began, period)
    return rows.filter(**{f"{began}__gte": bound}) if bound else rows


def of_period(rows: QuerySet[M], began: str, period: Period) -> QuerySet[M]:
    rows = rows.filter(**{f"{began}__gte": period.since}) if period.since else rows
    return rows.filter(**{f"{began}__lt": period.until}) if period.until else rows


def problems_of(context: dict[str, Any]) -> Iterator[str]:
    """What needs somebody, each in a few words."""
    if silent := sum(switch.needs_someone for switch in context["switches"]):
        yield f"{counted_noun(silent, 'switch is', 'switches are')} not heard as usual"
    counts = {each.kind.key: each.count for each in context.get("to_mend", ())}
    if missing := counts.get("missing"):
        yield f"{counted_noun(missing, 'recording has', 'recordings have')} no file"
    if failed := counts.get("failed"):
        yield f"{counted_noun(failed, 'recording', 'recordings')} failed"
    if undelivered := {each.kind.key: each.count for each in context.get("deliveries", ())}.get("failed"):
        yield f"{counted_noun(undelivered, 'delivery', 'deliveries')} did not arrive"
    if damaged := counts.get(DAMAGED):
        yield f"{counted_noun(damaged, 'recording is', 'recordings are')} damaged"
    if drift := context.get("drift"):
        yield f"{counted_noun(drift, 'setting of queues differs', 'settings of queues differ')} on a switch"
    if orphaned := context.get("orphaned"):
        yield f"{counted_noun(orphaned, 'file belongs', 'files belong')} to no recording"
    if quarantined := context["quarantined"]:
        yield f"{counted_noun(quarantined, 'call belongs', 'calls belong')} to no account"


def counted_noun(count: int, one: str, many: str) -> str:
    return f"{capped(count)} {one if count == 1 else many}"


def needs(problems: int) -> str:
    """Three things need you."""
    return f"{NUMBER_WORDS[problems]} you."
