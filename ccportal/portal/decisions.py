"""Why a call was or was not recorded, from what was stored when it was decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ccportal.portal.wording import on_one_line
from recordings.models import Decision

NETWORKS = {"onnet": "inside", "offnet": "outside", "unknown": "unknown"}
MARKS = {"grant": "Recorded", "refusal": "Not recorded", "complaint": "Refused by the switch"}


@dataclass(frozen=True)
class Why:
    """One reason: ``kind`` is grant, refusal or complaint."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        return MARKS[self.kind]


@dataclass(frozen=True)
class Reasons:
    """All reasons of a call, and what was known of it."""

    facts: str
    whys: list[Why]


def reasons_of(decisions: Iterable[Decision]) -> Reasons | None:
    """What was decided; None when nothing was, as for calls from files."""
    rows = list(decisions)
    if not rows:
        return None
    return Reasons(facts_of(rows[0].facts), list(dict.fromkeys(why for row in rows for why in whys_of(row))))


def facts_of(facts: dict[str, Any]) -> str:
    """Where the call came from and went to, as it was known."""
    from_, to = (NETWORKS.get(str(facts.get(name)), "unknown") for name in ("from", "to"))
    return f"Came from {from_}, went to {to}."


def whys_of(row: Decision) -> Iterator[Why]:
    named = (("grant", row.grants), ("refusal", row.refusals), ("complaint", row.complaints))
    for kind, reasons in named:
        for reason in reasons:
            yield Why(kind, on_one_line(str(reason.get("because", ""))))
