"""``/accounts/A/agents/G/status``: what an agent does now, and having it changed on the switch."""

from __future__ import annotations

import time
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from ccportal.api.body import data_of
from ccportal.api.documents import ERROR, REFUSALS, envelope_of, schema_of
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid
from ccportal.api.shapes import in_data
from ccportal.api.times import iso
from ccportal.api.views import AccountView, find
from ccportal.api.writing import Conflict
from policies.schema import keyed, validate
from queues.live_rows import AgentNow
from queues.models import Agent, SwitchOrder
from queues.presence import presence_of
from queues.status import STATUSES, NoSwitch, ask, may_set

PATIENCE_SECONDS = 1.0
LOOK_SECONDS = 0.05
REQUEST = keyed(
    {
        "status": {
            "type": "string",
            "enum": list(STATUSES),
            "description": "on_demand is a login for one call at a time; resume ends a break",
        }
    },
    "What the agent is to do",
) | {"required": ["status"]}
NOW = schema_of(
    "AgentStatus",
    {
        "id": serializers.RegexField(r"^[0-9a-f]{32}$"),
        "name": serializers.CharField(),
        "presence": serializers.ChoiceField(["call", "ringing", "wrap_up", "ready", "break", "out"]),
        "status": serializers.CharField(allow_null=True, help_text="As the switch has it; null: not known"),
        "status_stamp": serializers.DateTimeField(allow_null=True),
        "state": serializers.CharField(allow_null=True),
        "state_stamp": serializers.DateTimeField(allow_null=True),
        "queues": serializers.ListField(child=serializers.CharField()),
    },
)
ORDERED = schema_of(
    "AgentOrder",
    {
        "id": serializers.RegexField(r"^[0-9a-f]{32}$"),
        "name": serializers.CharField(),
        "asked": serializers.ChoiceField(list(STATUSES)),
        "order": serializers.ChoiceField(SwitchOrder.State.values, help_text="waiting: not answered yet"),
        "answer": serializers.CharField(help_text="What the switch said"),
    },
)


class AgentStatusView(AccountView):
    """The agent's status, and orders to change it."""

    @extend_schema(
        summary="What an agent does now", responses={200: envelope_of("AgentStatusAnswer", NOW()), **REFUSALS}
    )
    def get(self, request: Request, agent_id: str, **_: Any) -> Answer:
        agent = find(self.within(Agent), agent_id)
        return Answer(self.status_of(agent))

    @extend_schema(
        summary="Log an agent in or out, or into or out of a break",
        request=in_data(REQUEST),
        responses={
            200: envelope_of("AgentOrderAnswer", ORDERED()),
            **dict.fromkeys((400, 409, 413), ERROR),
            **REFUSALS,
        },
    )
    def post(self, request: Request, agent_id: str, **_: Any) -> Answer:
        agent = find(self.within(Agent), agent_id)
        if self.actor is None or not may_set(self.actor, agent):
            raise PermissionDenied
        asked, problems = validate(data_of(request), REQUEST, path="")
        if problems:
            raise Invalid(problems)
        try:
            orders = ask(agent, asked["status"], self.actor)
        except NoSwitch:
            raise Conflict({"agent": {"switch": {"message": "No switch has told of this agent."}}}) from None
        order = self.outcome(orders[-1])
        told = {"id": agent.pk.hex, "name": agent.name, "asked": asked["status"]}
        return Answer(told | {"order": order.state, "answer": order.answer})

    def outcome(self, order: SwitchOrder) -> SwitchOrder:
        """Wait a moment for the switch's answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while order.state == SwitchOrder.State.WAITING and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            order.refresh_from_db()
        return order

    def status_of(self, agent: Agent) -> dict[str, Any]:
        rows = self.within(AgentNow).filter(agent_name=agent.name).order_by("-status_since")
        row = rows.first() or AgentNow()
        wrapping_up = bool(row.wrap_up_until and row.wrap_up_until > timezone.now())
        return {
            "id": agent.pk.hex,
            "name": agent.name,
            "presence": presence_of(row.status, row.state, wrapping_up).value,
            "status": row.status or None,
            "status_stamp": iso(row.status_since) if row.status_since else None,
            "state": row.state or None,
            "state_stamp": iso(row.state_since) if row.state_since else None,
            "queues": row.queues,
        }
