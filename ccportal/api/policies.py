"""``/accounts/A/recording_decision``: what would be recorded of a call, and why."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.access import Action
from ccportal.api.attributes import refuse_deep
from ccportal.api.body import data_of
from ccportal.api.documents import ERROR, REFUSALS, Fields, envelope_of, schema_of
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid
from ccportal.api.shapes import in_data
from ccportal.api.views import AccountView
from policies.json_facts import grants_as_json, refusals_as_json
from policies.schema import ACCOUNT_SCHEMA, ENDPOINT_SCHEMA, keyed, validate
from policies.simulate import simulate

NETWORK = {"type": "string", "enum": ["onnet", "offnet"]}
NOBODY = {"type": "null"}
KNOWN = {"type": "string", "description": "The id of a device or a user of the account"}
PART = {"anyOf": [KNOWN, ENDPOINT_SCHEMA, NOBODY]}
PARTS = {"device": PART, "user": PART}
ENDPOINT = {"anyOf": [KNOWN, keyed(PARTS, "A device and its user, by id or as documents"), NOBODY]}
FORWARDER = keyed(PARTS | {"original_from": NETWORK}, "Whose call forward sent the call out again")
CALL = keyed(
    {
        "from": NETWORK,
        "to": {"type": "string", "enum": ["onnet", "offnet", "unknown"], "default": "unknown"},
        "account": {"anyOf": [ACCOUNT_SCHEMA, NOBODY], "description": "Tried in the place of the stored one"},
        "caller": ENDPOINT,
        "callees": {"type": "array", "maxItems": 200, "items": ENDPOINT},
        "forwarder": {"anyOf": [FORWARDER, NOBODY]},
    },
    "The facts of a call",
) | {"required": ["from"]}

REASON: Fields = {
    "scope": serializers.CharField(help_text="account, caller, callee or forwarder"),
    "callee": serializers.IntegerField(required=False, help_text="Which of the callees, from 0"),
    "leg": serializers.CharField(),
    "because": serializers.CharField(),
}
GRANT = schema_of(
    "Grant",
    REASON
    | {
        "cell": serializers.CharField(),
        "start": serializers.ChoiceField(["now", "answer", "bridge"]),
        "params": serializers.DictField(),
    },
)
REFUSAL = schema_of(
    "NotGranted",
    REASON | {"pending": serializers.BooleanField(help_text="Waits for where the call goes")},
)
DECISION = schema_of("RecordingDecision", {"grants": GRANT(many=True), "refusals": REFUSAL(many=True)})


class RecordingDecision(AccountView):
    @extend_schema(
        summary="Try what would be recorded of a call",
        request=in_data(CALL),
        responses={
            200: envelope_of("RecordingDecisionAnswer", DECISION()),
            **dict.fromkeys((400, 403, 413), ERROR),
            **REFUSALS,
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        self.require(Action.CONFIGURE)
        data = data_of(request)
        refuse_deep(data)
        call, problems = validate(data, CALL, path="")
        if problems:
            raise Invalid(problems)
        _, decision = simulate(self.account, call)
        return Answer({"grants": grants_as_json(decision), "refusals": refusals_as_json(decision)})
