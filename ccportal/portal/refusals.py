"""Commands about recordings that a switch did not carry out: what was asked, and what it answered."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ccportal.portal.wording import on_one_line
from recordings.expected import REFUSED
from recordings.models import Decision, Recording


@dataclass(frozen=True)
class Refusal:
    """One command; ``call`` is None for a file whose call is not known (yet)."""

    call: uuid.UUID | None
    at: datetime
    asked: str
    answer: str


def refusals_of_calls(decisions: Iterable[Decision]) -> Iterator[Refusal]:
    """Everything that was refused on calls, also where a file began in the end."""
    for row in decisions:
        if row.call is not None:
            for complaint in row.complaints:
                yield read(row.call_id, row.call.started_at, str(complaint.get("because", "")))


def refusals_of_files(recordings: Iterable[Recording]) -> Iterator[Refusal]:
    """What stands with the files themselves: those of a call that was never decided on, too."""
    for row in recordings:
        at = row.call.started_at if row.call else row.started_at
        yield read(row.call_id, at, row.state_reason)


def read(call: uuid.UUID | None, at: datetime, because: str) -> Refusal:
    asked, _, answer = because.removeprefix(REFUSED).partition(": ")
    asked = on_one_line(asked)
    return Refusal(call, at, asked[:1].upper() + asked[1:], on_one_line(answer) or "No reason given")
