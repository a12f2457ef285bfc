"""The facts of a call and the decision, in the JSON that the command and the API speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.decide import Decision, Facts, Forwarder, Grant
from policies.settings import Settings, account_settings, endpoint_settings


def facts_of(call: Mapping[str, Any]) -> Facts:
    """Read from, to, account, caller, callees and forwarder; documents are as tenants write them."""
    account = call.get("account")
    forwarder = call.get("forwarder")
    return Facts(
        from_=str(call.get("from")),
        to=str(call.get("to")),
        account=account_settings(account),
        caller=_endpoint(call.get("caller"), account),
        callees=tuple(_endpoint(callee, account) for callee in call.get("callees") or ()),
        forwarder=_forwarder(forwarder, account) if isinstance(forwarder, Mapping) else None,
    )


def _endpoint(endpoint: object, account: object) -> Settings | None:
    if not isinstance(endpoint, Mapping):
        return None
    return endpoint_settings(endpoint.get("device"), endpoint.get("user"), account)


def _forwarder(forwarder: Mapping[str, Any], account: object) -> Forwarder:
    settings = endpoint_settings(forwarder.get("device"), forwarder.get("user"), account)
    return Forwarder(settings, str(forwarder.get("original_from")))


def grants_as_json(decision: Decision) -> list[dict[str, Any]]:
    return [_grant(grant) for grant in decision.grants]


def _grant(grant: Grant) -> dict[str, Any]:
    callee = {} if grant.callee is None else {"callee": grant.callee}
    return {
        "scope": grant.scope,
        **callee,
        "leg": grant.leg,
        "cell": grant.cell,
        "start": grant.start,
        "params": dict(grant.params),
        "because": grant.because,
    }


def refusals_as_json(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "scope": refusal.scope,
            **({} if refusal.callee is None else {"callee": refusal.callee}),
            "leg": refusal.leg,
            "because": refusal.because,
            "pending": refusal.pending,
        }
        for refusal in decision.refusals
    ]
