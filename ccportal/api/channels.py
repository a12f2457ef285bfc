"""``/accounts/A/channels/{call_id}``: what a program asks for on a live call."""

from __future__ import annotations

import time
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
from policies.schema import HOW, LINE_FORMAT, keyed, unsafe_urls, validate
from recordings.models import RecordingRequest

LONGEST_LABEL = 200
PATIENCE_SECONDS = 1.0
LOOK_SECONDS = 0.05
LINE = {"type": "string", "format": LINE_FORMAT, "maxLength": LONGEST_LABEL}
REQUEST = keyed(
    HOW["properties"]
    | {
        "module": {"type": "string", "enum": ["record_call", "record_caller"]},
        "action": {"type": "string", "enum": ["start", "stop", "mask", "unmask"], "default": "start"},
        "label": LINE | {"description": "Shown with the recording"},
        "media_name": LINE | {"description": "The name that a delivered file has"},
        "method": {
            "type": "string",
            "enum": ["put", "post"],
            "description": "How a caller's message is delivered",
        },
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
        "found": serializers.BooleanField(
            allow_null=True, help_text="true: it is being done; null: nobody said so within a second"
        ),
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
        problems = problems or {where.lstrip("."): said for where, said in unsafe_urls(asked, "").items()}
        if problems:
            raise Invalid(problems)
        row = self.write(leg, asked)
        found = self.outcome(row)
        if found is False:
            raise Http404
        told = {"call_id": leg.uuid, "module": asked["module"], "action": row.action}
        return Answer(told | {"request": row.pk.hex, "found": found})

    def live_leg(self, call_id: str) -> Leg:
        """The leg of that uuid, as long as it lives."""
        leg = self.within(Leg).filter(uuid=clean(call_id), ended_at=None).select_related("switch").first()
        if leg is None:
            raise Http404
        return leg

    def outcome(self, row: RecordingRequest) -> bool | None:
        """Wait a moment for the listener to say whether the leg is still there; None when it does not."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.within(RecordingRequest).values_list("found", flat=True).get(pk=row.pk)) is None:
            if time.monotonic() > deadline:
                return None
            time.sleep(LOOK_SECONDS)
        return found

    def write(self, leg: Leg, asked: dict[str, Any]) -> RecordingRequest:
        """Leave the request for the switch's listener, wherever that runs."""
        is_message = asked["module"] == "record_caller"
        action = "record_caller" if is_message else asked.get("action", "start")
        audit.record(self.actor, "record_caller" if is_message else f"{action}_recording", leg)
        return RecordingRequest.objects.create(
            account=self.account,
            switch=leg.switch,
            leg_uuid=leg.uuid,
            action=action,
            params={name: value for name, value in asked.items() if name not in ("module", "action")},
            asked_by=self.actor.label if self.actor else "",
        )
