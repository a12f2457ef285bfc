"""``/accounts/A/channels/{call_id}``: what a program asks for on a live call."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts import audit
from accounts.access import Action
from accounts.audit import clean
from ccportal.api.attributes import refuse_deep
from ccportal.api.body import data_of
from ccportal.api.documents import ERROR, REFUSALS, envelope_of, schema_of
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid
from ccportal.api.shapes import in_data
from ccportal.api.views import AccountView
from cdr.models import Leg
from policies.schema import LINE_FORMAT, PARAMETERS, keyed, validate
from recordings.models import RecordingRequest

LONGEST_LABEL = 200
LINE = {"type": "string", "format": LINE_FORMAT, "maxLength": LONGEST_LABEL}
REQUEST = keyed(
    {name: schema for name, schema in PARAMETERS["properties"].items() if name != "enabled"}
    | {
        "module": {"type": "string", "enum": ["record_call"]},
        "action": {"type": "string", "enum": ["start", "stop", "mask", "unmask"], "default": "start"},
        "label": LINE | {"description": "Shown with the recording"},
        "media_name": LINE | {"description": "The name that a delivered file has"},
    },
    "What is asked for, with the parameters of a start",
) | {"required": ["module"]}
ASKED = schema_of(
    "ChannelAction",
    {
        "call_id": serializers.CharField(),
        "module": serializers.CharField(),
        "action": serializers.CharField(),
        "request": serializers.RegexField(r"^[0-9a-f]{32}$", help_text="The id of this request"),
    },
)


class Channel(AccountView):
    @extend_schema(
        summary="Start, stop, mask or unmask the recording of a live call",
        request=in_data(REQUEST),
        responses={
            200: envelope_of("ChannelActionAnswer", ASKED()),
            **dict.fromkeys((400, 403, 413), ERROR),
            **REFUSALS,
        },
    )
    def post(self, request: Request, call_id: str, **_: Any) -> Answer:
        leg = self.live_leg(call_id)
        self.require(Action.RECORD)
        data = data_of(request)
        refuse_deep(data)
        asked, problems = validate(data, REQUEST, path="")
        if problems:
            raise Invalid(problems)
        row = self.write(leg, asked)
        told = {"call_id": leg.uuid, "module": "record_call", "action": row.action, "request": row.pk.hex}
        return Answer(told)

    def live_leg(self, call_id: str) -> Leg:
        """The leg of that uuid, as long as it lives."""
        leg = self.within(Leg).filter(uuid=clean(call_id), ended_at=None).select_related("switch").first()
        if leg is None:
            raise Http404
        return leg

    def write(self, leg: Leg, asked: dict[str, Any]) -> RecordingRequest:
        """Leave the request for the switch's listener, wherever that runs."""
        action = asked.get("action", "start")
        audit.record(self.actor, f"{action}_recording", leg)
        return RecordingRequest.objects.create(
            account=self.account,
            switch=leg.switch,
            leg_uuid=leg.uuid,
            action=action,
            params={name: value for name, value in asked.items() if name not in ("module", "action")},
            asked_by=self.actor.label if self.actor else "",
        )
