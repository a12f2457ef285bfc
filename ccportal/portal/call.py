"""One conversation: its page and its drawer beside the list."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import Action
from accounts.contacts import Contact
from accounts.models import Account
from ccportal.portal.calls import labelled_agents, labelled_queues, with_contacts
from ccportal.portal.clock import between, clock_time, day_and_time, duration, whole
from ccportal.portal.decisions import reasons_of
from ccportal.portal.holds import HoldOfCall, hold_of
from ccportal.portal.outgoing import Outgoing, outgoing
from ccportal.portal.page import PortalView
from ccportal.portal.rows import Names, other_number, other_party, own_party
from ccportal.portal.switches import Clock
from ccportal.portal.tags import editor_of
from ccportal.portal.takes import Take, take_of, why
from ccportal.portal.timeline import Evidence, Timeline, draw
from ccportal.portal.wording import (
    cause_word,
    direction_icon,
    direction_word,
    offer_state,
    on_one_line,
    outcome_state,
)
from cdr.models import AgentOffer, Call, CallAlias, Leg, QueueVisit
from queues.models import Agent, Queue
from recordings.held import keeping
from recordings.listening import Heard, Taken, heard_by, taken_of
from recordings.models import (
    Decision,
    Delivery,
    LegalHold,
    Listening,
    Media,
    ProcessingStep,
    Recording,
)

PARTS_AT_MOST = 200
LONGEST_FIELD = 2000
SPEEDS = [(text, text) for text in ("0.5", "0.75", "1", "1.25", "1.5", "2", "2.5", "3")]


@dataclass(frozen=True)
class Fact:
    name: str
    value: str
    note: str = ""
    title: str = ""


class OneCallView(PortalView):
    """A call that the person may see, by its id or by one it once had; else there is none."""

    section = "calls"
    id: uuid.UUID

    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        self.id = id
        if self.found is None:
            return self.redirect_to_heir()
        return self.show_call(self.found)

    def show_call(self, call: Call) -> HttpResponse:
        raise NotImplementedError

    @cached_property
    def found(self) -> Call | None:
        return self.visible(Call).select_related("account", "switch", "user").filter(pk=self.id).first()

    def redirect_to_heir(self) -> HttpResponse:
        heir = self.visible(Call).filter(aliases__in=CallAlias.objects.filter(pk=self.id)).first()
        if heir is None:
            raise Http404("There is no such call.")
        route = self.request.resolver_match.view_name if self.request.resolver_match else "call"
        return redirect(route, id=heir.pk, permanent=True)

    @cached_property
    def account(self) -> Account | None:
        """The call's own account, so that its times are in its own zone."""
        return self.found.account if self.found else None

    @cached_property
    def names(self) -> Names:
        account = self.account
        if account is None:
            return Names("US", {}, {})
        queues = labelled_queues(self.visible(Queue).filter(account=account))
        agents = labelled_agents(self.visible(Agent).filter(account=account))
        names = Names(account.country, queues, agents)
        contacts = self.visible(Contact).filter(account=account)
        return with_contacts(names, contacts, [other_number(self.found)] if self.found else [])

    def evidence(self, call: Call) -> Evidence:
        return Evidence(
            call=call,
            legs=list(self.visible(Leg).filter(call=call).select_related("user")[:PARTS_AT_MOST]),
            visits=list(self.visible(QueueVisit).filter(call=call)[:PARTS_AT_MOST]),
            offers=list(self.visible(AgentOffer).filter(call=call)[:PARTS_AT_MOST]),
            now=timezone.now(),
        )

    def takes(self, call: Call, timeline: Timeline) -> list[Take]:
        recordings = list(
            self.visible(Recording)
            .select_related("call")
            .filter(call=call)
            .order_by("started_at", "id")[:PARTS_AT_MOST]
        )
        media = list(self.visible(Media).filter(recording__in=recordings))
        steps = list(self.visible(ProcessingStep).filter(recording__in=recordings).order_by())
        heard = self.listeners(recordings)
        sent = self.deliveries(recordings)
        return [
            take_of(
                take,
                [file for file in media if file.recording_id == take.pk],
                timeline.scale,
                self.zone,
                [step for step in steps if step.recording_id == take.pk],
                heard.get(take.pk, ()),
                sent.get(take.pk, ()),
            )
            for take in recordings
        ]

    def listeners(self, recordings: list[Recording]) -> Mapping[uuid.UUID, Sequence[Heard | Taken]]:
        """Who has listened or downloaded, for those who look after others."""
        if not recordings or not self.may_hold:
            return {}
        heard = heard_by(self.visible(Listening).filter(recording__in=recordings))
        taken = taken_of(recordings)
        return {take.pk: [*heard.get(take.pk, ()), *taken.get(take.pk, ())] for take in recordings}

    @property
    def may_hold(self) -> bool:
        return bool(self.actor and self.actor.may(Action.HOLD))

    def deliveries(self, recordings: list[Recording]) -> dict[uuid.UUID, list[Outgoing]]:
        """What became of sending each recording elsewhere."""
        clock = Clock(timezone.now(), self.zone)
        rows = self.visible(Delivery).filter(recording__in=recordings).order_by("created_at", "id")
        found: dict[uuid.UUID, list[Outgoing]] = {}
        for row in rows.select_related("recording", "webhook", "connector").defer("payload")[:PARTS_AT_MOST]:
            if row.recording_id:
                found.setdefault(row.recording_id, []).append(outgoing(row, clock))
        return found

    def chosen_take(self, takes: list[Take]) -> Take | None:
        """The take that the address names, else the first that can be heard."""
        playable = [take for take in takes if take.is_playable]
        named = [take for take in playable if take.id == self.request.GET.get("take")]
        return next(iter(named or playable), None)

    def common(self, call: Call) -> dict[str, Any]:
        evidence = self.evidence(call)
        timeline = draw(evidence, self.names)
        takes = self.takes(call, timeline)
        recorded, because = why(takes, is_over=call.ended_at is not None, answered=call.answered_at)
        actor = self.actor
        return {
            "call": call,
            "evidence": evidence,
            "party": other_party(call, self.names),
            "direction": direction_word(call.direction),
            "direction_icon": direction_icon(call.direction),
            "outcome": outcome_state(call.outcome),
            "timeline": timeline,
            "takes": takes,
            "take": self.chosen_take(takes),
            "recorded": recorded,
            "because": because,
            "reasons": reasons_of(self.visible(Decision).filter(call=call)),
            "may_hold": self.may_hold,
            "may_play": bool(actor and actor.may(Action.PLAY)),
            "may_do_again": bool(actor and actor.may(Action.CONFIGURE)),
            "may_download": bool(actor and actor.may(Action.DOWNLOAD)),
            "zone_short": f"{call.started_at.astimezone(self.zone):%Z}",
            "call_clock": clock_time_seconds(call.started_at, self.zone),
            "speeds": SPEEDS,
            "started": day_and_time(call.started_at, self.zone),
            "started_whole": whole(call.started_at, self.zone),
            **editor_of(call, may_tag=bool(actor and actor.may(Action.TAG))),
        }

    def agents_of(self, evidence: Evidence) -> str:
        answered = [self.names.agent(offer.agent_name) for offer in evidence.offers if offer.answered_at]
        return ", ".join(dict.fromkeys(answered)) or own_party(evidence.call, self.names)


class CallView(OneCallView):
    """Everything about one conversation."""

    def show_call(self, call: Call) -> HttpResponse:
        context = self.common(call)
        evidence: Evidence = context["evidence"]
        return self.show(
            "portal/call.html",
            **context,
            facts=self.facts(evidence),
            visits=[self.visit_of(visit, evidence) for visit in evidence.visits],
            legs=[self.leg_of(leg) for leg in evidence.legs],
            holds=self.holds(call),
            title=f"{on_one_line(context['party'].shown)}, {clock_time(call.started_at, self.zone)}",
        )

    def holds(self, call: Call) -> list[HoldOfCall]:
        """What keeps the call, for those who may hold it."""
        if not self.may_hold:
            return []
        rows = self.visible(LegalHold).filter(keeping(call)).select_related("recording")[:PARTS_AT_MOST]
        return [hold_of(row, self.zone) for row in rows]

    def facts(self, evidence: Evidence) -> list[Fact]:
        call = evidence.call
        hold = f"and {duration(call.hold_ms)} hold" if call.hold_ms else ""
        length = between(call.started_at, evidence.end) if call.duration_ms is None else call.duration_ms
        facts = [
            Fact(
                "From",
                self.names.phone(on_one_line(call.caller_number)),
                title=on_one_line(call.caller_number),
            ),
            Fact(
                "Called",
                self.names.phone(on_one_line(call.dialed_number)),
                title=on_one_line(call.dialed_number),
            ),
            Fact("When", day_and_time(call.started_at, self.zone), title=whole(call.started_at, self.zone)),
            Fact("Queue", self.names.queue(call.queue_name), title=on_one_line(call.queue_name)),
            Fact("Agents" if evidence.offers else "With", self.agents_of(evidence)),
            Fact("Wait", duration(call.wait_ms)),
            Fact("Talk", duration(call.talk_ms) if call.talk_ms else "", hold),
            Fact("Whole call", duration(length)),
        ]
        return [fact for fact in facts if fact.value]

    def visit_of(self, visit: QueueVisit, evidence: Evidence) -> dict[str, Any]:
        offers = [offer for offer in evidence.offers if offer.visit_id == visit.pk]
        return {
            "queue": self.names.queue(visit.queue_name),
            "joined": clock_time_seconds(visit.joined_at, self.zone),
            "wait": duration(visit.wait_ms),
            "end": visit_end(visit),
            "resumed": visit.resumed,
            "offers": [self.offer_of(offer) for offer in offers],
        }

    def offer_of(self, offer: AgentOffer) -> dict[str, Any]:
        rang = (
            between(offer.offered_at, offer.answered_at or offer.ended_at)
            if offer.ring_ms is None
            else offer.ring_ms
        )
        return {
            "agent": self.names.agent(offer.agent_name),
            "state": offer_state(offer.outcome, offer.hangup_cause),
            "offered": clock_time_seconds(offer.offered_at, self.zone),
            "rang": duration(rang),
            "talk": duration(offer.talk_ms),
        }

    def leg_of(self, leg: Leg) -> dict[str, Any]:
        return {
            "leg": leg,
            "from": self.names.phone(on_one_line(leg.caller_number)),
            "to": self.names.phone(on_one_line(leg.destination_number)),
            "created": clock_time_seconds(leg.created_at, self.zone),
            "answered": clock_time_seconds(leg.answered_at, self.zone),
            "ended": clock_time_seconds(leg.ended_at, self.zone),
            "cause": cause_word(leg.hangup_cause),
            "codec": leg.read_codec or leg.write_codec,
            "fields": raw_fields(leg),
        }


class DrawerView(OneCallView):
    """The same beside the list, shorter."""

    def show_call(self, call: Call) -> HttpResponse:
        context = self.common(call)
        evidence: Evidence = context["evidence"]
        return self.show(
            "portal/drawer.html",
            **context,
            agents=self.agents_of(evidence),
            called_number=self.names.phone(on_one_line(call.dialed_number)),
            queue=self.names.queue(call.queue_name),
            wait=duration(call.wait_ms),
            talk=duration(call.talk_ms or None),
        )


def clock_time_seconds(moment: Any, zone: Any) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}" if moment else ""


def visit_end(visit: QueueVisit) -> str:
    """How the queue's care ended, in words."""
    if visit.answered_at:
        return "Answered"
    if visit.left_at is None:
        return "Still waiting"
    words = {
        "BREAK_OUT": "Gave up",
        "TIMEOUT": "Timed out",
        "NO_AGENT_TIMEOUT": "No agent",
        "EXIT_WITH_KEY": "Left by a key",
    }
    return words.get(visit.cancel_reason, cause_word(visit.cancel_reason or visit.cause))


def raw_fields(leg: Leg) -> list[tuple[str, str]]:
    """Everything a leg carries, by the switch's own names."""
    fields: dict[str, Any] = {
        "uuid": leg.uuid,
        "channel": leg.channel_name,
        "profile": leg.profile,
        "context": leg.context,
        "gateway": leg.gateway,
        "network": leg.network,
        "final destination": leg.final_destination_number,
        "hangup cause": leg.hangup_cause,
        "SIP status": leg.sip_status,
        "billsec": leg.billsec,
        "duration": leg.duration,
        "post-dial delay, ms": leg.post_dial_delay_ms,
        "read codec": leg.read_codec,
        "write codec": leg.write_codec,
        **{f"quality: {name}": value for name, value in sorted(leg.quality.items())},
        **{f"custom: {name}": value for name, value in sorted(leg.custom.items())},
        **dict(sorted(leg.variables.items())),
    }
    return [(name, as_text(value)) for name, value in fields.items() if value not in ("", None)]


def as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_FIELD else text[:LONGEST_FIELD] + "…"
