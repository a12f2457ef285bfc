"""What somebody asked for during a call: from a phone, the dialplan or a program, and none of it trusted.

What is kept of it goes into rows. None of it is ever part of a command: paths and ids are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ccportal.recorder.takes import HIGHEST_RATE, LONGEST_LIMIT, LOWEST_RATE, SHORTEST_LIMIT, Reason
from switch import events as ev

ACTIONS: Final = ("start", "stop", "mask", "unmask", "record_caller")
FORMATS: Final = ("mp3", "wav")
METHODS: Final = ("put", "post")
DEFAULT_LIMIT: Final = 3600
LONGEST_TEXT: Final = 200
LARGEST: Final = 2_147_483_647
NUMBERS: Final = {
    "time_limit": (SHORTEST_LIMIT, LONGEST_LIMIT),
    "record_sample_rate": (LOWEST_RATE, HIGHEST_RATE),
    "record_min_sec": (0, LARGEST),
}
CHOICES: Final = {"format": FORMATS, "method": METHODS}
DEFAULT_METHOD: Final = "put"
MESSAGE_PARAMETERS: Final = ("enabled", "format", "label", "media_name", "method", "time_limit", "url")
TEXTS: Final = ("label", "media_name", "url")


@dataclass(frozen=True, slots=True)
class Asked:
    """An action for a live leg; ``by`` says who asked, in words, and ``id`` a program's asking."""

    leg: str
    action: str
    params: Mapping[str, Any] = field(default_factory=dict)
    by: str = "the dialplan or a key"
    id: str = ""


def from_event(event: ev.RecordingAsked) -> Asked:
    """Read what came from the switch; a url is nothing that a channel may choose."""
    told = {name: value for name, value in event.parameters.items() if name != "url"}
    return Asked(event.channel.uuid, event.action, params_of(told))


def params_of(told: Mapping[str, object]) -> dict[str, Any]:
    """Keep what is one of the parameters and within its bounds; leave the rest."""
    found: dict[str, Any] = {"time_limit": DEFAULT_LIMIT}
    for name, (least, most) in NUMBERS.items():
        number = number_of(told.get(name))
        if number is not None and least <= number <= most:
            found[name] = number
    found |= {name: told[name] for name, allowed in CHOICES.items() if told.get(name) in allowed}
    found |= {name: text for name in TEXTS if (text := one_line(told.get(name)))}
    return found | {name: True for name in ("record_on_answer", "record_on_bridge") if flag(told.get(name))}


def number_of(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else None


def flag(value: object) -> bool:
    return value is True or value == "true"


def one_line(value: object) -> str:
    """A text to show: one line without what cannot be printed."""
    text = value if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:LONGEST_TEXT]


def message_reason(asked: Asked) -> Reason:
    """The grant of a file that the caller speaks into, which the dialplan itself records."""
    params = {"enabled": True, "method": DEFAULT_METHOD, **asked.params}
    told = {name: value for name, value in params.items() if name in MESSAGE_PARAMETERS}
    because = f"The caller's message, asked for by {asked.by}."
    return Reason("action", "now", told, because, asked.leg, kind="record_caller")


def reason_of(asked: Asked) -> Reason:
    """The grant that a start makes."""
    params = asked.params
    start = "now"
    if params.get("record_on_answer"):
        start = "answer"
    elif params.get("record_on_bridge"):
        start = "bridge"
    return Reason("action", start, {"enabled": True, **params}, f"Asked for by {asked.by}.", asked.leg)
