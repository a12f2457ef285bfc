"""One conversation: its page and its drawer beside the list."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import Action
from accounts.contacts import Contact
from accounts.models import Account, Role, User
from ccportal.portal.calls import labelled_agents, labelled_queues, with_contacts
from ccportal.portal.clock import between, clock_time, clock_time_seconds, day_and_time, duration, whole
from ccportal.portal.decisions import reasons_of, rules_of
from ccportal.portal.drawing import draw
from ccportal.portal.holds import HoldOfCall, hold_of
from ccportal.portal.legs import leg_of
from ccportal.portal.listeners import Listener, Sound, listeners_of
from ccportal.portal.marks import end_of_sound, masked_in_all, recorded_happenings
from ccportal.portal.outgoing import Outgoing, outgoing
from ccportal.portal.page import PortalView
from ccportal.portal.remarks import CommentForm, Remark, remarks_of
from ccportal.portal.reviewing import may_assign, may_review, reviewers_offered, reviews_by_call
from ccportal.portal.rows import Names, other_number, other_party, own_party
from ccportal.portal.switches import Clock
from ccportal.portal.tags import editor_of
from ccportal.portal.takes import Sounds, Take, take_of, why
from ccportal.portal.timeline import Evidence, Scale
from ccportal.portal.visits import visit_of
from ccportal.portal.wave import Hearing
from ccportal.portal.wording import direction_icon, direction_word, on_one_line, outcome_state
from cdr.models import AgentOffer, Call, CallAlias, Leg, QueueVisit
from queues.models import Agent, Queue
from recordings.held import keeping
from recordings.listening import heard_by, stopped_at, taken_of
from recordings.models import Decision, Delivery, LegalHold, Listening, Media, ProcessingStep, Recording
from reviews.models import Assignment, Comment

PARTS_AT_MOST = 200
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

    def evidence(self, call: Call, sounds: Sounds) -> Evidence:
        return Evidence(
            call=call,
            legs=list(self.visible(Leg).filter(call=call).select_related("user")[:PARTS_AT_MOST]),
            visits=list(self.visible(QueueVisit).filter(call=call)[:PARTS_AT_MOST]),
            offers=list(self.visible(AgentOffer).filter(call=call)[:PARTS_AT_MOST]),
            now=timezone.now(),
            sound_until=end_of_sound(sounds.heard),
        )

    def sounds(self, call: Call) -> Sounds:
        rows = self.visible(Recording).select_related("call").filter(call=call)
        recordings = list(rows.order_by("started_at", "id")[:PARTS_AT_MOST])
        return Sounds(recordings, list(self.visible(Media).filter(recording__in=recordings)))

    def takes(self, sounds: Sounds, evidence: Evidence, scale: Scale) -> list[Take]:
        recordings = sounds.recordings
        steps = list(self.visible(ProcessingStep).filter(recording__in=recordings).order_by())
        sent = self.deliveries(recordings)
        hearing = Hearing(evidence.offers, self.names, self.stopped(recordings))
        return [
            take_of(
                take,
                sounds.media_of(take),
                scale,
                self.zone,
                hearing,
                [step for step in steps if step.recording_id == take.pk],
                sent.get(take.pk, ()),
            )
            for take in recordings
        ]

    def stopped(self, recordings: list[Recording]) -> Mapping[uuid.UUID, int]:
        """Where this person stopped listening to each."""
        if not recordings or self.actor is None or not self.actor.may(Action.PLAY):
            return {}
        return stopped_at(self.visible(Listening).filter(recording__in=recordings), self.actor)

    def remarks(self, call: Call, scale: Scale) -> list[Remark]:
        rows = self.visible(Comment).filter(call=call).select_related("author")[:PARTS_AT_MOST]
        return remarks_of(rows, scale, self.actor, Clock(timezone.now(), self.zone))

    def rules(self, call: Call) -> Mapping[str, str]:
        """Where the rules are changed, for those who may."""
        may = self.actor and self.actor.may(Action.CONFIGURE) and self.user.is_staff
        return rules_of(call) if may else {}

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
        sounds = self.sounds(call)
        evidence = self.evidence(call, sounds)
        timeline = draw(evidence, self.names)
        timeline.tell(recorded_happenings(sounds.heard, timeline.scale))
        takes = self.takes(sounds, evidence, timeline.scale)
        remarks = self.remarks(call, timeline.scale)
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
            "sounds": sounds,
            "takes": takes,
            "remarks": remarks,
            "take": self.chosen_take(takes),
            "recorded": recorded,
            "because": because,
            "reasons": reasons_of(self.visible(Decision).filter(call=call), self.rules(call)),
            "masked": masked_in_all(sounds.heard),
            "may_hold": self.may_hold,
            "may_play": bool(actor and actor.may(Action.PLAY)),
            "has_pins": any(remark.number for remark in remarks),
            "sees_comments": bool(actor and actor.role != Role.AGENT),
            "may_comment": bool(actor and actor.may(Action.COMMENT)),
            "may_do_again": bool(actor and actor.may(Action.CONFIGURE)),
            "may_download": bool(actor and actor.may(Action.DOWNLOAD)),
            "zone_short": f"{call.started_at.astimezone(self.zone):%Z}",
            "call_clock": clock_time_seconds(call.started_at, self.zone),
            "speeds": SPEEDS,
            "started": day_and_time(call.started_at, self.zone),
            "started_whole": whole(call.started_at, self.zone),
            **editor_of(call, may_tag=bool(actor and actor.may(Action.TAG))),
            **self.review(call),
        }

    def review(self, call: Call) -> dict[str, Any]:
        """Who is to review the call, for those whose business that is."""
        account = call.account if may_review(self.actor) else None
        if account is None:
            return {"may_review": False}
        today = timezone.now().astimezone(self.zone).date()
        found = reviews_by_call(self.visible(Assignment), [call], self.user.pk, self.zone, today)
        assigns = may_assign(self.actor)
        return {
            "may_review": True,
            "may_assign": assigns,
            "review": found.get(call.pk),
            "reviewers": reviewers_offered(self.visible(User), account) if assigns else [],
        }

    def agents_of(self, evidence: Evidence) -> str:
        answered = [self.names.agent(offer.agent_name) for offer in evidence.offers if offer.answered_at]
        return ", ".join(dict.fromkeys(answered)) or own_party(evidence.call, self.names)


class CallView(OneCallView):
    """Everything about one conversation."""

    def show_call(self, call: Call) -> HttpResponse:
        return self.whole_page(call, CommentForm())

    def whole_page(self, call: Call, form: CommentForm, status: int = 200) -> HttpResponse:
        context = self.common(call)
        evidence: Evidence = context["evidence"]
        scale: Scale = context["timeline"].scale
        return self.show(
            "portal/call.html",
            status=status,
            **context,
            **self.commenting(form),
            facts=self.facts(evidence),
            visits=[visit_of(visit, evidence, self.names, self.zone) for visit in evidence.visits],
            legs=[leg_of(leg, self.names, self.zone) for leg in evidence.legs],
            holds=self.holds(call),
            listeners=self.listeners(context["sounds"], scale),
            title=f"{on_one_line(context['party'].shown)}, {clock_time(call.started_at, self.zone)}",
        )

    def commenting(self, form: CommentForm) -> dict[str, Any]:
        """What the form for comments shows; ``changing`` is the old comment that it is about."""
        return {"form": form, "changing": ""}

    def listeners(self, sounds: Sounds, scale: Scale) -> list[Listener]:
        """Who has listened or downloaded, for those who look after others."""
        recordings = sounds.recordings
        if not recordings or not self.may_hold:
            return []
        heard = heard_by(self.visible(Listening).filter(recording__in=recordings))
        taken = taken_of(recordings)
        people = {take.pk: [*heard.get(take.pk, ()), *taken.get(take.pk, ())] for take in recordings}
        lengths = {take.pk: media.duration_ms for take, media in sounds.heard}
        places = {
            take.pk: Sound(scale.offset(take.started_at), lengths.get(take.pk, 0)) for take in recordings
        }
        return listeners_of(people, places, Clock(timezone.now(), self.zone))

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
