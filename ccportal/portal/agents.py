"""Agents: what each does now, their day, and having them logged in or out from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from ccportal.portal.clock import clock_time, duration
from ccportal.portal.live import LivePage, LivePart
from ccportal.portal.page import address_of, read_id
from ccportal.portal.period import midnight
from ccportal.portal.presence import MARKS, Person, liveness_of, person_of
from ccportal.portal.rows import Names, party
from ccportal.portal.strips import Strip, hours_of, strip_of
from ccportal.portal.wording import offer_state, on_one_line
from cdr.models import AgentOffer, OfferOutcome
from queues.history import Told, changes_since
from queues.live_rows import AgentNow
from queues.models import Agent, AgentChange, SwitchOrder
from queues.presence import Presence, Session, Span, breaks_of, sessions_of, spans_of, total
from queues.status import STATUSES, NoSwitch, ask, may_set

PAGE_SIZE = 100
AGENTS_AT_MOST = 2000
ORDERS_SHOWN_FOR = timedelta(seconds=60)
NOT_MISSED = ("ORIGINATOR_CANCEL", "LOSE_RACE")
ASKED = {
    "login": "Login",
    "on_demand": "Login on demand",
    "logout": "Logout",
    "pause": "Break",
    "resume": "The end of the break",
}
WORD_OF = {
    "Available": "login",
    "Available (On Demand)": "on_demand",
    "On Break": "pause",
    "Logged Out": "logout",
}
CHOICES = {
    Presence.OUT: (("login", "Log in"), ("on_demand", "Log in on demand")),
    Presence.BREAK: (("resume", "End the break"), ("logout", "Log out")),
}
BUSY = (Presence.CALL, Presence.RINGING)
LOGGED_IN = (("pause", "Break"), ("logout", "Log out"))
IN_A_CALL = (("pause", "Break after this call"), ("logout", "Log out after this call"))


@dataclass(frozen=True)
class Order:
    """What was asked for an agent a moment ago, and how far it is."""

    words: str
    tone: str


@dataclass(frozen=True)
class Row:
    """An agent of the list."""

    person: Person
    short: str
    strip: Strip
    first_login: str
    login: str
    pauses: str
    missed: int
    missed_url: str
    choices: Sequence[tuple[str, str]]
    order: Order | None


class AgentsPage(LivePage):
    """The agents that the person sees, a page of them by name."""

    section = "agents"
    template = "portal/agents.html"
    part_template = "portal/agents_live.html"

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def today(self) -> datetime:
        return midnight(self.now.astimezone(self.zone).date(), self.zone)

    @cached_property
    def live(self) -> dict[str, AgentNow]:
        return {row.agent_name: row for row in self.rows(AgentNow)[:AGENTS_AT_MOST]}

    @cached_property
    def called(self) -> Names:
        """The names, also of who talks."""
        return self.names_with(row.caller_number for row in self.live.values())

    def person(self, agent: Agent) -> Person:
        row = self.live.get(agent.name) or AgentNow(agent_name=agent.name)
        return person_of(row, self.called, self.chosen, self.now, agent.pk.hex)

    @cached_property
    def shown(self) -> str:
        asked = self.request.GET.get("state", "")
        return asked if asked in list(Presence) else ""

    @cached_property
    def people(self) -> dict[str, Person]:
        agents = self.rows(Agent).select_related("user").order_by("name")[:AGENTS_AT_MOST]
        self.agents = {agent.name: agent for agent in agents}
        return {name: self.person(agent) for name, agent in self.agents.items()}

    def contents(self) -> dict[str, Any]:
        wanted = [name for name, one in self.people.items() if self.shown in ("", one.presence)]
        after = self.request.GET.get("after", "")
        rest = [name for name in wanted if name > after]
        names = rest[:PAGE_SIZE]
        switches = {row.switch_id for row in self.live.values()}
        return {
            "liveness": liveness_of(self.chosen, switches, self.now),
            "states": self.states(),
            "rows": self.rows_of(names),
            "hours": self.hours,
            "more_url": self.address(after=names[-1]) if len(rest) > PAGE_SIZE else "",
            "total": len(wanted),
            "shown": self.shown,
            "add_url": self.set_up("admin:queues_agent_add"),
        }

    def states(self) -> list[tuple[str, str, int, bool]]:
        counts = Counter(person.presence for person in self.people.values())
        found = [("", "All", len(self.people), not self.shown)]
        for presence in Presence:
            if counts[presence] or presence == self.shown:
                url = f"?state={presence.value}"
                found.append((url, MARKS[presence].word, counts[presence], presence == self.shown))
        return [(url or address_of("agents") or "", *rest) for url, *rest in found]  # type: ignore[misc]

    def address(self, **more: str) -> str:
        return "?" + urlencode(
            {name: value for name, value in ({"state": self.shown} | more).items() if value}
        )

    def rows_of(self, names: Sequence[str]) -> list[Row]:
        told = changes_since(self.rows(AgentChange), self.rows(Agent), names, self.today, self.now)
        spans = {name: self.spans(self.agents[name], told[name]) for name in names}
        self.hours = hours_of(spans.values(), self.today, self.now, self.zone)
        missed, orders = self.missed(names), self.orders(names)
        return [self.row(name, told[name], spans[name], missed[name], orders.get(name)) for name in names]

    def spans(self, agent: Agent, told: Iterable[Told]) -> list[Span]:
        wrap_up = timedelta(seconds=agent.wrap_up_time)
        return spans_of([one.change for one in told], self.today, self.now, wrap_up)

    def row(self, name: str, told: list[Told], spans: list[Span], missed: int, order: Order | None) -> Row:
        changes = [one.change for one in told]
        sessions = sessions_of(changes, self.today, self.now)
        person = self.people[name]
        query = urlencode({"agent": name, "period": "today"})
        return Row(
            person,
            name.partition("@")[0],
            strip_of(spans, self.hours, self.zone),
            first_login(sessions, self.zone),
            length(sum((one.end - one.start for one in sessions), timedelta())),
            length(total(breaks_of(changes, self.today, self.now), Presence.BREAK)),
            missed,
            f"{address_of('agent', id=person.id)}#offers" if missed else f"{address_of('calls')}?{query}",
            self.choices(self.agents[name], person),
            order,
        )

    def choices(self, agent: Agent, person: Person) -> Sequence[tuple[str, str]]:
        if not may_set(self.actor, agent) or agent.name not in self.live:
            return ()
        return CHOICES.get(person.presence, IN_A_CALL if person.presence in BUSY else LOGGED_IN)

    def missed(self, names: Sequence[str]) -> Counter[str]:
        """Offers of today that were not taken, but for those that the caller or a colleague ended."""
        offers = self.rows(AgentOffer).filter(
            agent_name__in=names, offered_at__gte=self.today, outcome=OfferOutcome.FAILED
        )
        found = offers.exclude(hangup_cause__in=NOT_MISSED).order_by().values_list("agent_name")
        return Counter(dict(found.annotate(count=Count("pk"))))

    def orders(self, names: Sequence[str]) -> dict[str, Order]:
        """The newest order of each agent in the last minute that is under way or was refused."""
        since = self.now - ORDERS_SHOWN_FOR
        rows = (
            self.rows(SwitchOrder).filter(kind="set_agent_status", asked_at__gte=since).order_by("asked_at")
        )
        newest = {str(row.arguments[0]): row for row in rows if row.arguments}
        found = ((name, order_of(newest[name])) for name in names if name in newest)
        return {name: order for name, order in found if order}


class AgentsView(AgentsPage):
    """The list as a page, and the orders that are placed on it."""

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        id_, _sep, wanted = request.POST.get("order", "").partition(":")
        key = read_id(id_)
        agent = self.rows(Agent).filter(pk=key).first() if key else None
        if agent is None or wanted not in STATUSES or self.actor is None:
            raise Http404("There is no such agent.")
        if not may_set(self.actor, agent):
            raise PermissionDenied
        called = self.names.agent(agent.name)
        try:
            ask(agent, wanted, self.actor)
        except NoSwitch:
            messages.error(request, f"No switch knows {called} yet: nobody could be asked.")
        else:
            messages.success(request, f"{ASKED[wanted]} of {called} is on its way to the switch.")
        return redirect(self.back(agent))

    def back(self, agent: Agent) -> str:
        page = self.request.POST.get("page", "")
        here = address_of("agent", id=agent.pk) if page == "agent" else address_of("agents")
        return (here or "") + (page if page.startswith("?") else "")


class AgentsPart(LivePart, AgentsPage):
    """The list's live part."""


class AgentPage(AgentsPage):
    """One agent's day."""

    template = "portal/agent.html"
    part_template = "portal/agent_live.html"

    @cached_property
    def agent(self) -> Agent:
        agent = self.rows(Agent).filter(pk=self.kwargs["id"]).select_related("user").first()
        if agent is None:
            raise Http404("There is no such agent.")
        return agent

    @cached_property
    def day(self) -> date:
        here = self.now.astimezone(self.zone).date()
        try:
            return min(date.fromisoformat(self.request.GET.get("day", "")), here)
        except ValueError:
            return here

    def contents(self) -> dict[str, Any]:
        since, until = midnight(self.day, self.zone), midnight(self.day + timedelta(days=1), self.zone)
        end = min(until, self.now)
        told = changes_since(self.rows(AgentChange), self.rows(Agent), [self.agent.name], since, end)[
            self.agent.name
        ]
        changes = [one.change for one in told]
        spans = spans_of(changes, since, end, timedelta(seconds=self.agent.wrap_up_time))
        sessions = sessions_of(changes, since, end)
        self.people = {self.agent.name: (person := self.person(self.agent))}
        self.hours = hours_of([spans], since, end, self.zone)
        switches = [row.switch_id for row in (self.live.get(self.agent.name),) if row]
        offers = self.offers(since, until)
        return {
            "liveness": liveness_of(self.chosen, switches, self.now),
            "now": person,
            "agent": self.agent,
            "choices": self.choices(self.agent, person),
            "order": self.orders([self.agent.name]).get(self.agent.name),
            "figures": self.figures(changes, spans, sessions, offers, (since, end)),
            "strip": strip_of(spans, self.hours, self.zone),
            "hours": self.hours,
            "sessions": [self.session(one) for one in sessions],
            "happened": [self.happened(one) for one in told if one.change.at >= since][::-1],
            "offers": offers[:PAGE_SIZE],
        }

    def beside(self) -> dict[str, Any]:
        today = self.now.astimezone(self.zone).date()
        return {
            "title": self.names.agent(self.agent.name),
            "day": self.day,
            "day_before": self.day - timedelta(days=1),
            "day_after": self.day + timedelta(days=1) if self.day < today else None,
        }

    def figures(
        self,
        changes: Any,
        spans: Sequence[Span],
        sessions: Sequence[Session],
        offers: Sequence[AgentOffer],
        window: tuple[datetime, datetime],
    ) -> list[tuple[str, str, str]]:
        login = sum((one.end - one.start for one in sessions), timedelta())
        missed = sum(is_missed(offer) for offer in offers)
        return [
            (
                "Logged in",
                length(login) or "0:00",
                f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}",
            ),
            ("Break", length(total(breaks_of(changes, *window), Presence.BREAK)) or "0:00", ""),
            ("On calls", length(total(spans, Presence.CALL)) or "0:00", f"{len(offers):,} offered"),
            ("Wrap-up", length(total(spans, Presence.WRAP_UP)) or "0:00", ""),
            ("Ready", length(total(spans, Presence.READY)) or "0:00", ""),
            ("Missed", f"{missed:,}", "rung and not taken"),
        ]

    def offers(self, since: datetime, until: datetime) -> list[AgentOffer]:
        rows = self.rows(AgentOffer).filter(
            agent_name=self.agent.name, offered_at__gte=since, offered_at__lt=until
        )
        found = list(rows.select_related("visit").order_by("-offered_at")[: PAGE_SIZE * 10])
        names = self.names_with(offer.visit.caller_number for offer in found)
        for offer in found:
            offer.shown = offer_row(offer, names, self.zone)  # type: ignore[attr-defined]
        return found

    def session(self, one: Session) -> tuple[str, str, str]:
        begin = "earlier" if one.open_start else f"{one.start.astimezone(self.zone):%H:%M:%S}"
        end = "now" if one.open_end and one.end == self.now else f"{one.end.astimezone(self.zone):%H:%M:%S}"
        return begin, end if not (one.open_end and one.end < self.now) else "on", length(one.end - one.start)

    def happened(self, told: Told) -> tuple[str, str, str]:
        words = f"{told.change.value}" if told.change.kind == "status" else f"State: {told.change.value}"
        return (
            f"{told.change.at.astimezone(self.zone):%H:%M:%S}",
            on_one_line(words),
            on_one_line(told.asked_by),
        )


class AgentView(AgentPage):
    """One agent's day as a page."""


class AgentPart(LivePart, AgentPage):
    """One agent's live part."""


def is_missed(offer: AgentOffer) -> bool:
    return offer.outcome == OfferOutcome.FAILED and offer.hangup_cause not in NOT_MISSED


def offer_row(offer: AgentOffer, names: Any, zone: Any) -> dict[str, Any]:
    return {
        "time": f"{offer.offered_at.astimezone(zone):%H:%M:%S}",
        "party": party(offer.visit.caller_name, offer.visit.caller_number, names),
        "queue": names.queue(offer.visit.queue_name),
        "state": offer_state(offer.outcome, offer.hangup_cause),
        "ring": duration(offer.ring_ms),
        "talk": duration(offer.talk_ms),
    }


def order_of(row: SwitchOrder) -> Order | None:
    """What is worth saying of an order; one that was carried out shows in the agent's state."""
    asked = ASKED[WORD_OF.get(str(row.arguments[1]), "login")]
    if row.state == SwitchOrder.State.WAITING:
        return Order(f"{asked} asked for", "note")
    if row.state == SwitchOrder.State.DONE:
        return None
    return Order(f"{asked} refused: {on_one_line(row.answer) or row.get_state_display()}", "bad")


def first_login(sessions: Sequence[Session], zone: Any) -> str:
    if not sessions:
        return ""
    return "earlier" if sessions[0].open_start else clock_time(sessions[0].start, zone)


def length(time: timedelta) -> str:
    return duration(time // timedelta(milliseconds=1)) if time else ""
