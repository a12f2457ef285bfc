"""What is noted on a leg itself, in channel variables, so that the next listener knows it without a database.

The parameters of what was asked for stay with the row; here is what names the grant there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ccportal.recorder.takes import FIRST_STARTS, FOLLOW_VARIABLE, TAKE_VARIABLE, Reason
from switch.commands import LONGEST_PATH, Command, set_variables

MASKED_VARIABLE: Final = "ccportal_masked"
ASKED_VARIABLE: Final = "ccportal_asked"
NOTHING: Final = "-"
MOST_TAKES: Final = 1000
Asked = list[tuple[str, str, str]]


def note_masked(leg: str, *, masked: bool) -> Command:
    """Note that the leg's conversation is silenced, or that it is heard again."""
    return set_variables(leg, {MASKED_VARIABLE: "true" if masked else "false"})


def note_asked(leg: str, reasons: Iterable[Reason]) -> Command:
    """Note the grants that actions made and nobody ended; the newest, when there are too many."""
    told = [(each.start, each.leg, each.because) for each in reasons if each.scope == "action"]
    value = written(told)
    while len(value) > LONGEST_PATH:
        told = told[1:]
        value = written(told)
    return set_variables(leg, {ASKED_VARIABLE: value})


def note_following(leg: str) -> Command:
    """Have the leg's recordings go on when the leg passes the call on."""
    return set_variables(leg, {FOLLOW_VARIABLE: "true"})


def written(told: Asked) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(told)).decode().rstrip("=") if told else NOTHING


def is_masked(dump: Mapping[str, Any]) -> bool:
    return variable(dump, MASKED_VARIABLE) == "true"


def asked_of(dump: Mapping[str, Any]) -> list[Reason]:
    """The grants that `note_asked` noted; nothing that it did not write."""
    value = variable(dump, ASKED_VARIABLE)
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        told = msgspec.json.decode(text, type=Asked)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return []
    return [
        Reason("action", start, {}, because, leg) for start, leg, because in told if start in FIRST_STARTS
    ]


def take_number(dump: Mapping[str, Any]) -> int:
    """How many takes of ours the leg had."""
    text = variable(dump, TAKE_VARIABLE)
    return min(int(text), MOST_TAKES) if text.isascii() and text.isdigit() else 0


def is_following(dump: Mapping[str, Any]) -> bool:
    return variable(dump, FOLLOW_VARIABLE) == "true"


def had_a_recording(dump: Mapping[str, Any]) -> bool:
    """Whether the switch ended a recording of the leg."""
    return bool(variable(dump, "record_completion_cause"))


def variable(dump: Mapping[str, Any], name: str) -> str:
    value = dump.get(f"variable_{name}")
    return value if isinstance(value, str) else ""
