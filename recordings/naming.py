"""The names people see: an account's template, filled in and made safe for any disk, header and page."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any, TypedDict

from accounts.models import CLIP_SUFFIX, FILE_NAME_TEMPLATE
from recordings.models import Recording
from recordings.storage import safe_name

DOUBLED = re.compile(r"[_\-. ]+(?=[_\-.])")


class About(TypedDict):
    """What is known of a recording, as names and tags say it; ``started`` in the account's zone."""

    started: Any
    caller: str
    destination: str
    agent: str
    queue: str
    direction: str
    account: str
    call_id: str
    recording_id: str
    label: str


def about(recording: Recording, agent: str = "") -> About:
    """Gather it from the recording, its call and its account; ``agent`` where a part has its own."""
    account, call = recording.account, recording.call
    return About(
        started=recording.started_at.astimezone(account.zone if account else None),
        caller=recording.caller_number,
        destination=(call.dialed_number or call.callee_number) if call else recording.callee_number,
        agent=(agent or recording.agent_name).partition("@")[0],
        queue=recording.queue_name,
        direction=recording.direction,
        account=account.name if account else "",
        call_id=recording.leg_uuid,
        recording_id=recording.pk.hex,
        label=label_of(recording),
    )


def label_of(recording: Recording) -> str:
    """The newest label that somebody asked for the recording with."""
    labels = [str((grant.get("params") or {}).get("label") or "") for grant in recording.grants]
    return next((label for label in reversed(labels) if label), "")


def file_stem(recording: Recording, agent: str = "", part: int = 0) -> str:
    """The name without its extension; what is not known leaves no gap, parts end in a suffix."""
    account = recording.account
    template = account.file_name_template if account else FILE_NAME_TEMPLATE
    suffix = account.clip_suffix if account else CLIP_SUFFIX
    return (filled(template, about(recording, agent)) or recording.pk.hex) + ending(suffix, part)


def filled(template: str, known: About) -> str:
    """The template with what is known, made safe for any disk, header and page; empty if nothing is known."""
    facts: Any = known
    values = {name: value if name == "started" else as_word(value) for name, value in facts.items()}
    return safe_name(DOUBLED.sub("", Formatter().vformat(template, (), values)).strip("_-. "))


def ending(suffix: str, part: int) -> str:
    """What tells a part from the whole call, and the second part from the first."""
    return f"{suffix}{part if part > 1 else ''}" if part else ""


def as_word(value: str) -> str:
    return safe_name(value).replace(" ", "_")


def file_name(recording: Recording, extension: str, agent: str = "", part: int = 0) -> str:
    return f"{file_stem(recording, agent, part)}.{extension}"
