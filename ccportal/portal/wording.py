"""Numbers, names, sizes and outcomes as people read them; what a phone line sent stays what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from ccportal.logs import NOT_PLAIN
from cdr.models import CallDirection, OfferOutcome, Outcome
from cdr.search import COUNT_LIMIT

LONGEST_NUMBER_READ = 24
KILOBYTE = 1024


@dataclass(frozen=True)
class State:
    """A word, and the tone of the mark beside it."""

    word: str
    tone: str


OUTCOMES = {
    Outcome.IN_PROGRESS: State("In progress", "talk"),
    Outcome.ANSWERED: State("Answered", "good"),
    Outcome.ABANDONED: State("Abandoned", "warn"),
    Outcome.TIMED_OUT: State("Timed out", "warn"),
    Outcome.NO_AGENT: State("No agent", "warn"),
    Outcome.CONGESTION: State("Congestion", "bad"),
    Outcome.UNAVAILABLE: State("Unavailable", "bad"),
    Outcome.EXITED: State("Left by key", "warn"),
    Outcome.NO_ANSWER: State("No answer", "bad"),
    Outcome.BUSY: State("Busy", "off"),
    Outcome.CANCELLED: State("Cancelled", "off"),
    Outcome.FAILED: State("Failed", "bad"),
}

DIRECTION_ICONS = {
    CallDirection.INBOUND: "in",
    CallDirection.OUTBOUND: "out",
    CallDirection.INTERNAL: "internal",
    CallDirection.FORWARDED: "fwd",
    CallDirection.UNKNOWN: "calls",
}

CAUSES = {
    "NO_ANSWER": "No answer",
    "USER_BUSY": "Busy",
    "CALL_REJECTED": "Rejected",
    "USER_NOT_REGISTERED": "Phone not registered",
    "UNREGISTERED": "Phone not registered",
    "ORIGINATOR_CANCEL": "Caller gave up",
    "LOSE_RACE": "Taken by another",
    "NO_ROUTE_DESTINATION": "No route",
    "UNALLOCATED_NUMBER": "Number does not exist",
    "NORMAL_CLEARING": "Hung up",
    "SUCCESS": "Hung up",
    "ALLOTTED_TIMEOUT": "Time was up",
    "NORMAL_TEMPORARY_FAILURE": "Temporary failure",
}


def outcome_state(outcome: str) -> State:
    return (
        OUTCOMES.get(Outcome(outcome), State(outcome, "off")) if outcome in Outcome else State(outcome, "off")
    )


def direction_word(direction: str) -> str:
    return CallDirection(direction).label if direction in CallDirection else direction


def direction_icon(direction: str) -> str:
    return DIRECTION_ICONS[CallDirection(direction)] if direction in CallDirection else "calls"


def cause_word(cause: str) -> str:
    """A hangup cause in words; one we have no words for, in its own."""
    return CAUSES.get(cause, cause.replace("_", " ").capitalize())


def offer_state(outcome: str, cause: str) -> State:
    if outcome == OfferOutcome.ANSWERED:
        return State("Answered", "good")
    if outcome == OfferOutcome.RINGING:
        return State("Ringing", "talk")
    return State(
        cause_word(cause) or "Failed", "off" if cause in ("ORIGINATOR_CANCEL", "LOSE_RACE") else "bad"
    )


@lru_cache(maxsize=16_384)
def phone(number: str, country: str) -> str:
    """National and grouped, foreign with a plus; anything that is no public number as it is."""
    if len(number) > LONGEST_NUMBER_READ or not number.isascii():
        return number
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_valid_number(parsed):
        return number
    abroad = phonenumbers.region_code_for_number(parsed) != country
    style = (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL if abroad else phonenumbers.PhoneNumberFormat.NATIONAL
    )
    return phonenumbers.format_number(parsed, style)


def on_one_line(text: str) -> str:
    """For titles and tooltips: no line ends, no marks that turn the direction of what stands beside it."""
    return " ".join(NOT_PLAIN.sub(" ", text).split())


def size(count: int) -> str:
    """3.4 MB."""
    amount = float(count)
    for unit in ("bytes", "KB", "MB"):
        if amount < KILOBYTE:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= KILOBYTE
    return f"{amount:.1f} GB"


def initials(name: str) -> str:
    words = name.replace(".", " ").replace("@", " ").split()
    return "".join(word[0] for word in words[:2]).upper()


def listed(words: list[str], last: str = "and") -> str:
    """Anna; Anna and Ben; Anna, Ben and Mei."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


Namer = Callable[[str], str]


def capped(count: int) -> str:
    """A number that was counted up to a limit."""
    return f"{COUNT_LIMIT:,}+" if count > COUNT_LIMIT else f"{count:,}"
