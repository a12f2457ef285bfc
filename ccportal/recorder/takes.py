"""A take: one file of one leg, and every grant that shares it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from re import compile as pattern
from typing import Any, Final

from policies.decide import Grant
from policies.settings import DEFAULTS
from switch.commands import (
    Command,
    arm_recording,
    mask_recording,
    set_variables,
    start_recording,
    stop_recording,
    unmask_recording,
)

TAKE_VARIABLE: Final = "ccportal_take"
FOLLOW_VARIABLE: Final = "recording_follow_transfer"
FOLLOWING: Final = frozenset({"account", "queue", "action"})
NOT_THE_DIALPLANS: Final = {
    "RECORD_MIN_SEC": "0",
    "RECORD_INITIAL_TIMEOUT_MS": "0",
    "RECORD_FINAL_TIMEOUT_MS": "0",
    "RECORD_READ_ONLY": "false",
    "RECORD_WRITE_ONLY": "false",
    "RECORD_STEREO_SWAP": "false",
    "RECORD_BRIDGE_REQ": "false",
    "RECORD_APPEND": "false",
    "RECORD_TOGGLE_ON_REPEAT": "false",
    "RECORD_HANGUP_ON_ERROR": "false",
}
FIRST_STARTS: Final = ("now", "answer", "bridge")
LONGEST_LIMIT: Final = 10_800
SHORTEST_LIMIT: Final = 5
LOWEST_RATE: Final = 8_000
HIGHEST_RATE: Final = 48_000
OUR_PATH: Final = pattern(r"/ccportal/(?P<two>[0-9a-f]{2})/(?P<rid>(?P=two)[0-9a-f]{30})\.wav$")


class Stage(Enum):
    """How far a take is; ``ASKED`` is told to start, ``RUNNING`` has begun."""

    PLANNED = "planned"
    ARMED = "armed"
    ASKED = "asked"
    RUNNING = "running"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Reason:
    """A grant as it is kept: who asked, with what parameters, and why. ``ended`` is in microseconds.

    ``kind`` tells the files that a caller speaks into from others that were asked for.
    """

    scope: str
    start: str
    params: Mapping[str, Any]
    because: str
    leg: str = ""
    cell: str = ""
    ended: int = 0
    kind: str = ""

    @classmethod
    def of(cls, grant: Grant, leg: str) -> Reason:
        return cls(grant.scope, grant.start, dict(grant.params), grant.because, leg, grant.cell)

    def ended_at(self, moment: int) -> Reason:
        return replace(self, ended=moment)

    def as_json(self) -> dict[str, Any]:
        told = {
            "scope": self.scope,
            "kind": self.kind,
            "leg": self.leg,
            "cell": self.cell,
            "start": self.start,
            "params": dict(self.params),
            "because": self.because,
        }
        return {name: value for name, value in told.items() if value != ""} | (
            {"ended": self.ended} if self.ended else {}
        )


@dataclass(slots=True)
class LiveTake:
    """One file, recorded or about to be; ``on`` is the leg that has it now: a transfer may move it.

    A ``restored`` one was begun by a listener before us: only the row knows for whom it was first.
    """

    leg: str
    path: str
    number: int = 0
    rid: str = ""
    on: str = ""
    stage: Stage = Stage.PLANNED
    reasons: list[Reason] = field(default_factory=list)
    armed_at: float = 0.0
    started: int = 0
    masked: bool = False
    tries: int = 0
    restored: bool = False
    following: bool = False

    @property
    def ours(self) -> bool:
        return bool(self.rid)

    @property
    def wanted(self) -> list[Reason]:
        return [reason for reason in self.reasons if not reason.ended]

    @property
    def start(self) -> str:
        """The earliest moment that any grant asks for."""
        return min((reason.start for reason in self.wanted), key=FIRST_STARTS.index)

    @property
    def limit(self) -> int:
        """The longest length that any grant asks for, in seconds."""
        limits = (whole(reason.params, "time_limit", SHORTEST_LIMIT, LONGEST_LIMIT) for reason in self.wanted)
        return max(limits, default=LONGEST_LIMIT)

    @property
    def rate(self) -> int:
        """The highest sample rate that any grant asks for."""
        rates = (
            whole(reason.params, "record_sample_rate", LOWEST_RATE, HIGHEST_RATE) for reason in self.wanted
        )
        return max(rates, default=int(DEFAULTS["record_sample_rate"]))

    @property
    def origin(self) -> str:
        if self.restored:
            return ""
        first = self.reasons[0].scope if self.reasons else ""
        return first if first in ("action", "queue") else "policy"

    @property
    def follows(self) -> bool:
        """Whether it goes on when its leg passes the call on; what a phone wants ends with the phone."""
        return any(reason.scope in FOLLOWING for reason in self.wanted)

    @property
    def tags(self) -> dict[str, str]:
        """Our id, and what must not be as the dialplan set it for recordings of its own."""
        how = {"RECORD_STEREO": "true", "record_sample_rate": str(self.rate)}
        return {"rid": self.rid} | how | NOT_THE_DIALPLANS

    def prepare(self) -> Command:
        """Tell the leg how to record: always stereo, and whether along with a transfer."""
        return set_variables(
            self.leg,
            {
                "RECORD_STEREO": "true",
                "record_sample_rate": str(self.rate),
                FOLLOW_VARIABLE: "true" if self.follows else "false",
                TAKE_VARIABLE: str(self.number),
            },
        )

    def arm(self) -> Command:
        return arm_recording(self.leg, self.path, self.limit, self.tags)

    def begin(self) -> Command:
        return start_recording(self.leg, self.path, self.limit, self.tags)

    def end(self) -> Command:
        return stop_recording(self.on or self.leg, self.path)

    def mask(self, *, masked: bool) -> Command:
        return (mask_recording if masked else unmask_recording)(self.on or self.leg, self.path)


def whole(params: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number within its bounds, whatever somebody wrote."""
    value = params.get(name, DEFAULTS[name])
    if isinstance(value, bool) or not isinstance(value, int):
        value = DEFAULTS[name]
    return int(min(max(value, least), most))


def recording_id(switch: uuid.UUID, leg: str, number: int) -> str:
    """The id of a leg's take, the same for whoever asks."""
    return uuid.uuid5(switch, f"recording:{leg}:{number}").hex


def recording_path(folder: str, rid: str) -> str:
    return f"{folder}/ccportal/{rid[:2]}/{rid}.wav"


def rid_in(path: str) -> str:
    """The id in a path that `recording_path` made; none in any other."""
    found = OUR_PATH.search(path)
    return found["rid"] if found else ""


def new_take(switch: uuid.UUID, folder: str, leg: str, number: int, reasons: Iterable[Reason]) -> LiveTake:
    rid = recording_id(switch, leg, number)
    return LiveTake(leg, recording_path(folder, rid), number, rid, reasons=list(reasons))
