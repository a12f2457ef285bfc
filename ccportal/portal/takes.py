"""Recordings of a call in words, and what the player needs of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ccportal.portal.clock import between, day_and_time, duration
from ccportal.portal.outgoing import Outgoing
from ccportal.portal.timeline import Scale
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line, size
from cdr.models import CallDirection
from recordings.listening import Heard, Taken
from recordings.models import (
    PLAYABLE,
    Damage,
    Finding,
    Media,
    Origin,
    ProcessingStep,
    Recording,
    RedoAction,
    State,
    Variant,
)

STEREO = 2
SECOND_MS = 1000
LONGEST_IN_SECONDS_MS = 60_000

STEPS = {
    "probe": "Read the file",
    "length": "Check its length",
    "name": "Name it",
    "levels": "Measure its sound",
    "mp3": "Make the MP3",
    "parts": "Cut the agent's part",
    "finish": "Tidy up",
}

MARKS = {
    State.EXPECTED: Mark("Expected", "talk"),
    State.RECORDING: Mark("Recording", "bad"),
    State.RECEIVED: Mark("Received", "talk"),
    State.PROCESSING: Mark("Processing", "talk"),
    State.READY: Mark("Ready", "good"),
    State.DISCARDED: Mark("Discarded", "off"),
    State.MISSING: Mark("Missing", "warn"),
    State.FAILED: Mark("Failed", "bad"),
    State.DELETING: Mark("Being deleted", "off"),
    State.DELETED: Mark("Deleted", "off"),
}

SENTENCES = {
    State.EXPECTED: "The switch was asked to record and has not begun yet.",
    State.RECORDING: "Being recorded at this moment. It can be heard soon after the call.",
    State.RECEIVED: "The file has arrived and waits to be checked. It can be heard in a moment.",
    State.PROCESSING: "The file is being checked and converted. It can be heard in a moment.",
    State.READY: "Checked against its SHA-256 and ready to be heard.",
    State.DISCARDED: "It was thrown away: shorter than what is kept.",
    State.MISSING: "The switch recorded, but its file was not found. It can be looked for again.",
    State.FAILED: "The file could not be used. It can be processed again once the cause is mended.",
    State.DELETING: "The audio is being deleted. The record of the call stays.",
    State.DELETED: "The audio was deleted. The record of the call stays.",
}

FINDINGS = {
    Finding.MISSING: "The switch says it recorded, but there is no file where it said.",
    Finding.EMPTY: "The file is there and holds no audio: the call ended before any sound.",
    Finding.UNFINISHED: "The switch never closed the file, so its end may be missing.",
    Finding.OVERWRITTEN: "A later recording was written over this one.",
    Finding.DISCARDED: "The switch threw it away: shorter than the shortest it keeps.",
    Finding.OUTSIDE: "The file lies outside the folders that are mapped for this switch.",
    Finding.UNREADABLE: "The file is not audio that can be read.",
    Finding.LENGTH: "It is not as long as the switch said.",
    Finding.MIXED: "The call was recorded twice into one file, and the parts overwrite each other.",
}

HEARD_ALREADY = {
    State.PROCESSING: "It can be heard. Its other formats and the agent's part are being made.",
    State.FAILED: "It can be heard. Making its other formats failed.",
}

ORIGINS = {
    Origin.POLICY: "a recording policy",
    Origin.ACTION: "somebody asking for it during the call",
    Origin.QUEUE: "the queue",
    Origin.DIALPLAN: "the dialplan of the switch",
    Origin.CONFERENCE: "a conference",
    Origin.UPLOAD: "whoever sent the file",
    Origin.LINKED: "a file that was found in the switch's folder",
}


@dataclass(frozen=True)
class Lane:
    """Who is heard on a channel; ``is_ours`` is the account's side."""

    name: str
    is_ours: bool


@dataclass(frozen=True)
class Player:
    """What the player is told: times in milliseconds, of the call's clock and of the file's."""

    id: str
    offset_ms: int
    length_ms: int
    total_ms: int
    format: str
    detail: str
    left: str
    width: str
    until: str
    has_part_before: bool
    lanes: list[Lane]

    @property
    def voices(self) -> str:
        """The lanes' colours, for the script that draws them."""
        return " ".join("agent" if lane.is_ours else "caller" for lane in self.lanes)


@dataclass(frozen=True)
class File:
    title: str
    detail: str
    sha256: str
    media: str


@dataclass(frozen=True)
class Stage:
    """One step of making a recording ready, as the page tells of it."""

    title: str
    took: str
    note: str
    error: str
    attempts: int


@dataclass(frozen=True)
class Listener:
    """One person who has listened, in words."""

    who: str
    what: str
    when: str


@dataclass(frozen=True)
class Take:
    id: str
    title: str
    mark: Mark
    sentence: str
    reason: str
    where: str
    origin: str
    files: list[File]
    player: Player | None
    legal_hold: bool
    stages: list[Stage]
    next_try: str
    again: str
    heard: list[Listener]
    deliveries: list[Outgoing]

    @property
    def has_trouble(self) -> bool:
        return any(stage.error for stage in self.stages)

    @property
    def is_playable(self) -> bool:
        return self.player is not None


def take_of(
    recording: Recording,
    media: Iterable[Media],
    scale: Scale | None,
    zone: ZoneInfo,
    steps: Iterable[ProcessingStep] = (),
    people: Iterable[Heard | Taken] = (),
    deliveries: Iterable[Outgoing] = (),
) -> Take:
    files = sorted(media, key=lambda file: (file.variant != Variant.CALL, file.part, file.format))
    state = State(recording.state)
    heard = next((file for file in files if state in PLAYABLE and file.variant == Variant.CALL), None)
    finding = FINDINGS.get(Finding(recording.finding)) if recording.finding in Finding else None
    return Take(
        id=recording.pk.hex,
        title=title_of(recording, heard, scale, zone),
        mark=MARKS[state],
        sentence=finding or (HEARD_ALREADY.get(state) if heard else None) or SENTENCES[state],
        reason=on_one_line(recording.state_reason),
        where=recording.path,
        origin=ORIGINS[Origin(recording.origin)],
        files=[file_of(file) for file in files],
        player=player_of(recording, heard, scale) if heard else None,
        legal_hold=recording.legal_hold,
        stages=[stage_of(step) for step in sorted(steps, key=lambda step: step.position)],
        next_try=next_try_of(recording, zone),
        again=again_for(recording),
        heard=[listener_of(each, heard.duration_ms if heard else 0, zone) for each in people],
        deliveries=list(deliveries),
    )


def listener_of(heard: Heard | Taken, length_ms: int, zone: ZoneInfo) -> Listener:
    if isinstance(heard, Taken):
        what = f"downloaded {on_one_line(heard.file)}".rstrip()
        return Listener(on_one_line(heard.who), what, day_and_time(heard.at, zone))
    whole = f" of {duration(length_ms)}" if length_ms else ""
    verb = "heard" if heard.played else "was sent"
    return Listener(
        who=on_one_line(heard.who),
        what=f"{verb} {duration(heard.heard_ms)}{whole}",
        when=day_and_time(heard.last_at, zone),
    )


def stage_of(step: ProcessingStep) -> Stage:
    return Stage(
        title=STEPS.get(step.name, on_one_line(step.name).capitalize()),
        took=took(step.milliseconds) if not step.error else "",
        note=on_one_line(step.note),
        error=on_one_line(step.error),
        attempts=step.attempts,
    )


def took(ms: int | None) -> str:
    """4 ms, 3.2 s, 12:31; nothing for what is not done."""
    if ms is None:
        return ""
    if ms < LONGEST_IN_SECONDS_MS:
        return f"{ms} ms" if ms < SECOND_MS else f"{ms / SECOND_MS:.1f} s"
    return duration(ms)


def next_try_of(recording: Recording, zone: ZoneInfo) -> str:
    """When it goes on by itself, where something went wrong."""
    waits = recording.state in (State.FAILED, State.RECEIVED) and recording.attempts
    return day_and_time(recording.next_try_at, zone) if waits else ""


def again_for(recording: Recording) -> str:
    """What can be done to it again, if anything."""
    if recording.stored_at and recording.state in PLAYABLE:
        return RedoAction.PROCESS.value
    return RedoAction.LOOK.value if recording.state in (State.MISSING, State.FAILED) else ""


def title_of(recording: Recording, heard: Media | None, scale: Scale | None, zone: ZoneInfo) -> str:
    if scale is None:
        return day_and_time(recording.started_at, zone)
    start = scale.offset(recording.started_at)
    length = heard.duration_ms if heard else between(recording.started_at, recording.stopped_at)
    return (
        f"{duration(start)} to {duration(start + length)}"
        if length is not None
        else f"From {duration(start)}"
    )


def file_of(media: Media) -> File:
    return File(
        title=file_title(media),
        detail=f"{media.format}, {duration(media.duration_ms)}, {size(media.size)}{damage_of(media)}",
        sha256=media.sha256,
        media=f"variant={media.variant}&format={media.format}&part={media.part}",
    )


def damage_of(media: Media) -> str:
    """That the file is damaged, if it was when it was last read."""
    return f". Damaged: {Damage(media.damage).label.lower()}" if media.damage in Damage else ""


def file_title(media: Media) -> str:
    title = Variant(media.variant).label if media.variant in Variant else media.variant
    return f"{title}, {on_one_line(media.agent_name)}" if media.agent_name else title


def player_of(recording: Recording, media: Media, scale: Scale | None) -> Player:
    """Place the file on the call's clock; what sticks out at its end is drawn to the end."""
    scale = scale or Scale(recording.started_at, max(1, media.duration_ms))
    offset = scale.offset(recording.started_at)
    left = min(99.0, 100 * offset / scale.total_ms)
    width = max(1.0, min(100 - left, 100 * media.duration_ms / scale.total_ms))
    return Player(
        id=recording.pk.hex,
        offset_ms=offset,
        length_ms=media.duration_ms,
        total_ms=max(scale.total_ms, offset + media.duration_ms),
        format=media.format,
        detail=f"{duration(offset)} to {duration(offset + media.duration_ms)}, {size(media.size)}",
        left=f"{left:.3f}%",
        width=f"{width:.3f}%",
        until=f"{left + width:.3f}%",
        has_part_before=left >= 1,
        lanes=lanes_of(recording, media),
    )


def lanes_of(recording: Recording, media: Media) -> list[Lane]:
    """Name the channels: the left one is the recorded leg's own voice, the right one what it hears."""
    if media.channels < STEREO:
        return [Lane("Both sides", is_ours=False)]
    first_leg = recording.call is None or recording.leg_uuid == recording.call.leg_uuid
    called_out = recording.direction == CallDirection.OUTBOUND
    ours = Lane("Agent" if recording.agent_name else "Our side", is_ours=True)
    theirs = Lane("Called" if called_out else "Caller", is_ours=False)
    return [theirs, ours] if first_leg != called_out else [ours, theirs]


def why(takes: list[Take], *, is_over: bool, answered: datetime | None) -> tuple[str, str]:
    """Whether it was recorded, in a word or two and the rest of the sentence."""
    if not takes:
        if not is_over:
            return "Not recorded so far.", "Nothing has asked the switch to record this call."
        if answered is None:
            return "Not recorded.", "Nobody answered, and nothing asked for the ringing to be recorded."
        return "Not recorded.", "Nothing asked the switch to record this call."
    playable = [take for take in takes if take.is_playable]
    if playable:
        spans = ", ".join(take.title for take in playable)
        return f"Recorded from {spans}", f"by {playable[0].origin}."
    return f"{takes[0].mark.word}.", takes[0].sentence
