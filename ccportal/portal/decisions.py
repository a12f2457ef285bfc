"""Why a call was or was not recorded, from what was stored when it was decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from ccportal.portal.wording import on_one_line
from cdr.models import Call
from recordings.models import Decision

NETWORKS = {"onnet": "inside", "offnet": "outside", "unknown": "unknown"}
MARKS = {"grant": "Recorded", "refusal": "Not recorded", "complaint": "Refused by the switch"}


@dataclass(frozen=True)
class Why:
    """One reason: ``kind`` is grant, refusal or complaint; ``url`` is where the rule is changed."""

    kind: str
    text: str
    scope: str = ""
    url: str = ""

    @property
    def word(self) -> str:
        return MARKS[self.kind]


@dataclass(frozen=True)
class Reasons:
    """All reasons of a call, and what was known of it."""

    facts: str
    whys: list[Why]

    @property
    def grants(self) -> list[Why]:
        return [why for why in self.whys if why.kind == "grant"]

    @property
    def complaints(self) -> list[Why]:
        return [why for why in self.whys if why.kind == "complaint"]


def reasons_of(decisions: Iterable[Decision], urls: Mapping[str, str]) -> Reasons | None:
    """What was decided; None when nothing was. ``urls`` lead from scopes to rules."""
    rows = list(decisions)
    if not rows:
        return None
    whys = dict.fromkeys(why for row in rows for why in whys_of(row, urls))
    return Reasons(facts_of(rows[0].facts), list(whys))


def rules_of(call: Call) -> dict[str, str]:
    """Where the rules of a call's account, person and phone are changed, by the scopes of reasons."""
    targets = {"account": call.account_id, "user": call.user_id, "device": call.device_id}
    urls = {kind: reverse(f"admin:policies_{kind}", args=[key.hex]) for kind, key in targets.items() if key}
    own = urls.get("device") or urls.get("user") or ""
    return {"account": urls.get("account", ""), "caller": own, "callee": own, "forwarder": own}


def facts_of(facts: dict[str, Any]) -> str:
    """Where the call came from and went to, as it was known."""
    from_, to = (NETWORKS.get(str(facts.get(name)), "unknown") for name in ("from", "to"))
    return f"Came from {from_}, went to {to}."


def whys_of(row: Decision, urls: Mapping[str, str]) -> Iterator[Why]:
    named = (("grant", row.grants), ("refusal", row.refusals), ("complaint", row.complaints))
    for kind, reasons in named:
        for reason in reasons:
            scope = str(reason.get("scope", ""))
            yield Why(kind, on_one_line(str(reason.get("because", ""))), scope, urls.get(scope, ""))
