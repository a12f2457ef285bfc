"""``/accounts/A/queue_calls``: a row is a visit to a queue, with the columns call centres ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import QueryDict
from rest_framework.request import Request

from ccportal.api.cdrs import CallersNamed, recordings_of_calls, told_recordings
from ccportal.api.cells import Form
from ccportal.api.columns import (
    EVERY_ROW,
    Column,
    Gathered,
    Kind,
    as_id,
    by_name,
    moment,
    present,
    reading,
    seconds,
    text,
    whole,
)
from ccportal.api.contacts import CONTACT_NAME
from ccportal.api.documents import listed
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.views import find
from cdr.models import AgentOffer, OfferOutcome, QueueVisit
from queues.models import Agent
from recordings.models import Recording

NO_REASON = "NONE"

OFFER_COLUMNS = (
    text("agent_name", "agent_name"),
    text("uuid", "agent_leg_uuid", "The agent's channel"),
    text("outcome", "outcome"),
    text("hangup_cause", "hangup_cause", "Why the agent was not reached"),
    moment("offered_stamp", "offered_at"),
    moment("answer_stamp", "answered_at"),
    moment("end_stamp", "ended_at"),
    seconds("ring_seconds", "ring_ms"),
    seconds("talk_seconds", "talk_ms"),
)


def offers_of_visits(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    visits = [visit for (visit,) in keys]
    for offer in view.visible(AgentOffer).filter(visit__id__any_of=visits).order_by("offered_at", "id"):
        found.setdefault(offer.visit_id.hex, []).append(present(OFFER_COLUMNS, offer))
    return [found.get(visit, []) for visit in visits]


QUEUE_CALL_COLUMNS = (
    text("caller_id_number", "caller_number"),
    text("destination_number", "destination_number", "What the caller dialled, also after a transfer"),
    text("queue_name", "queue_name", "The switch's name of the queue"),
    text("agent_name", "agent_name"),
    text("answered_number", "answered_number", "The agent leg's own number"),
    moment("system_entered_stamp", "entered_system_at"),
    moment("queue_entered_stamp", "joined_at"),
    moment("ring_stamp", "ring_at"),
    moment("answer_stamp", "answered_at"),
    moment("end_stamp", "left_at", "When the caller left the queue's care"),
    seconds("wait_seconds", "wait_ms", "Joined to answered, or to left"),
    seconds("duration", "duration_ms", "Answered to left, 0 when nobody answered"),
    whole("billsec", "billsec", "The member leg's, as the switch counts it"),
    text("hangup_cause", "hangup_cause", "The member leg's final one"),
    text("cause", "cause", "Terminated or Cancel"),
    Column(
        "cancel_reason",
        Kind.TEXT,
        lambda visit: visit.cancel_reason or NO_REASON,
        lambda value: Q(cancel_reason__in=[value, ""] if value == NO_REASON else [value]),
        EVERY_ROW,
        path="cancel_reason",
        form=Form(lambda values, zone: [value or NO_REASON for value in values]),
        about="BREAK_OUT, TIMEOUT, NO_AGENT_TIMEOUT, EXIT_WITH_KEY or NONE",
    ),
    text("uuid", "session_uuid", "The member channel"),
    text("bleg_uuid", "agent_leg_uuid", "The agent's channel"),
    Column(
        "recording_ids",
        Kind.IDS,
        lambda visit: [recording.pk.hex for recording in visit.call.seen_recordings],
        lambda value: Q(call__recordings=as_id(value)),
        Q(call__recording_count__gt=0),
        about="Recordings of the conversation",
        gathered=Gathered(
            ("call_id", "call__recording_count"),
            reading(recordings_of_calls),
            lambda view: told_recordings(view, "call__recording_count", call="call_id"),
        ),
    ),
    Column(
        "offers",
        Kind.LIST,
        lambda visit: [present(OFFER_COLUMNS, offer) for offer in visit.seen_offers],
        about="Every agent who was asked, in order",
        gathered=Gathered(("id",), reading(offers_of_visits)),
    ),
    CONTACT_NAME,
)


class QueueCallList(CallersNamed):
    columns = QUEUE_CALL_COLUMNS
    filters = Filters(by_name(QUEUE_CALL_COLUMNS))
    keyset = Keyset("joined_at")
    file_name = "queue_calls.csv"

    def rows(self) -> QuerySet[QueueVisit]:
        recordings = self.visible(Recording).only("id", "call").order_by("started_at", "id")
        offers = self.visible(AgentOffer).order_by("offered_at", "id")
        return (
            self.within(QueueVisit)
            .select_related("call")
            .prefetch_related(Prefetch("call__recordings", recordings, to_attr="seen_recordings"))
            .prefetch_related(Prefetch("offers", offers, to_attr="seen_offers"))
        )

    def condition(self, query: QueryDict) -> Q:
        """An agent is looked for among all who answered a visit, one after another."""
        agent = replace(self.filters.columns["agent_name"], equals=self.answered_by)
        columns = {**self.filters.columns, "agent_name": agent}
        return replace(self.filters, columns=columns).condition(query)

    def answered_by(self, agent_name: str) -> Q:
        offers = self.within(AgentOffer).filter(agent_name=agent_name, outcome=OfferOutcome.ANSWERED)
        return Q(pk__in=offers.order_by().values("visit"))

    @listed("List visits to queues", QUEUE_CALL_COLUMNS, name="QueueCall")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


class AgentQueueCallList(QueueCallList):
    """The visits that the agent answered, first or after another."""

    scope_name = "queue_calls"

    def rows(self) -> QuerySet[QueueVisit]:
        agent = find(self.within(Agent), self.kwargs["agent_id"])
        return super().rows().filter(self.answered_by(agent.name))
