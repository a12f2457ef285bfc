"""What would be recorded of a call that did not happen: facts by ids or documents in, the decision out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from accounts.models import Account, Device, User
from policies.change import document_of
from policies.decide import Decision, Refusal, decide
from policies.json_facts import facts_of

NOBODY = "There is no such phone or person, or it is switched off."


def simulate(account: Account, call: Mapping[str, Any]) -> tuple[dict[str, Any], Decision]:
    """Return the facts with documents in the place of ids, and what is decided from them.

    ``account`` in the call is a document to try in the place of the stored one. ``caller``, each of
    ``callees`` and ``forwarder`` are the id of a device or a user, or an object with ``device`` and ``user``,
    each an id or a document.
    """
    facts = filled(account, call)
    decision = decide(facts_of(facts))
    for scope, callee in nobodies(call, facts):
        leg = "A" if scope == "caller" else "B"
        decision.refusals.append(Refusal(scope, leg, NOBODY, callee))
    return facts, decision


def filled(account: Account, call: Mapping[str, Any]) -> dict[str, Any]:
    tried = call.get("account")
    forwarder = call.get("forwarder")
    facts: dict[str, Any] = {
        "from": call.get("from"),
        "to": call.get("to", "unknown"),
        "account": document_of(account) if tried is None else tried,
        "caller": endpoint(account, call.get("caller")),
        "callees": [endpoint(account, callee) for callee in call.get("callees") or ()],
    }
    found = endpoint(account, forwarder)
    if found is not None and isinstance(forwarder, Mapping):
        facts["forwarder"] = found | {"original_from": forwarder.get("original_from", call.get("from"))}
    return facts


def nobodies(call: Mapping[str, Any], facts: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Who was named and is not there."""
    alone = [(scope, None) for scope in ("caller", "forwarder") if call.get(scope) and not facts.get(scope)]
    callees = [("callee", place) for place, callee in enumerate(facts["callees"]) if callee is None]
    return [*alone, *callees]


def endpoint(account: Account, told: object) -> dict[str, Any] | None:
    """The documents of an endpoint; None for one that contributes nothing."""
    if isinstance(told, str):
        return known(account, told)
    if not isinstance(told, Mapping):
        return None
    if isinstance(device := told.get("device"), str):
        return known(account, device)
    user = told.get("user")
    if isinstance(user, str):
        found = known(account, user)
        return None if found is None else {"device": device, "user": found["user"]}
    return {"device": device, "user": user}


def known(account: Account, key: str) -> dict[str, Any] | None:
    """The documents of a device and its owner, or of a user alone."""
    try:
        pk = uuid.UUID(key)
    except ValueError:
        return None
    device = Device.objects.filter(account=account, pk=pk, enabled=True).select_related("owner").first()
    if device:
        owner = device.owner if device.owner and device.owner.is_active else None
        return {"device": document_of(device), "user": document_of(owner)}
    user = User.objects.filter(account=account, pk=pk, is_active=True).first()
    return {"device": None, "user": document_of(user)} if user else None
