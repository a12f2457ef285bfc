"""Recordings of a call in words, and what the player needs of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ccportal.portal.clock import between, day_and_time, duration
from ccportal.portal.outgoing import Outgoing
from ccportal.portal.timeline import Scale
from ccportal.portal.wave import Hearing, Player, player_of
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line, size
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
class File:
    title: str
    detail: str
    check: str
    media: str
    damage: bool


@dataclass(frozen=True)
class Sounds:
    """The recordings of a call and all their files."""

    recordings: list[Recording]
    media: list[Media]

    def media_of(self, recording: Recording) -> list[Media]:
        return [file for file in self.media if file.recording_id == recording.pk]

    @property
    def heard(self) -> list[tuple[Recording, Media]]:
        """Those that can be heard, with the file that the player plays."""
        found = [(each, heard_file(each, self.media_of(each))) for each in self.recordings]
        return [(recording, media) for recording, media in found if media]


@dataclass(frozen=True)
class Stage:
    """One step of making a recording ready, as the page tells of it."""

    title: str
    took: str
    note: str
    error: str
    attempts: int


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
    scale: Scale,
    zone: ZoneInfo,
    hearing: Hearing,
    steps: Iterable[ProcessingStep] = (),
    deliveries: Iterable[Outgoing] = (),
) -> Take:
    files = sorted(media, key=lambda file: (file.variant != Variant.CALL, file.part, file.format))
    state = State(recording.state)
    heard = heard_file(recording, files)
    finding = FINDINGS.get(Finding(recording.finding)) if recording.finding in Finding else None
    return Take(
        id=recording.pk.hex,
        title=title_of(recording, heard, scale),
        mark=MARKS[state],
        sentence=finding or (HEARD_ALREADY.get(state) if heard else None) or SENTENCES[state],
        reason=on_one_line(recording.state_reason),
        where=recording.path,
        origin=ORIGINS[Origin(recording.origin)],
        files=[file_of(file, zone) for file in files],
        player=player_of(recording, heard, scale, hearing) if heard else None,
        legal_hold=recording.legal_hold,
        stages=[stage_of(step) for step in sorted(steps, key=lambda step: step.position)],
        next_try=next_try_of(recording, zone),
        again=again_for(recording),
        deliveries=list(deliveries),
    )


def heard_file(recording: Recording, media: Iterable[Media]) -> Media | None:
    """The file that the player plays, if it can be heard yet."""
    files = sorted(media, key=lambda file: file.format)
    if recording.state not in PLAYABLE:
        return None
    return next((file for file in files if file.variant == Variant.CALL), None)


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


def title_of(recording: Recording, heard: Media | None, scale: Scale) -> str:
    start = scale.offset(recording.started_at)
    length = heard.duration_ms if heard else between(recording.started_at, recording.stopped_at)
    return (
        f"{duration(start)} to {duration(start + length)}"
        if length is not None
        else f"From {duration(start)}"
    )


def file_of(media: Media, zone: ZoneInfo) -> File:
    return File(
        title=file_title(media),
        detail=f"{media.format}, {duration(media.duration_ms)}, {size(media.size)}{damage_of(media)}",
        check=f"SHA-256 {media.sha256}, compared {day_and_time(media.verified_at, zone)}",
        media=f"variant={media.variant}&format={media.format}&part={media.part}",
        damage=media.damage in Damage,
    )


def damage_of(media: Media) -> str:
    """That the file is damaged, if it was when it was last read."""
    return f". Damaged: {Damage(media.damage).label.lower()}" if media.damage in Damage else ""


def file_title(media: Media) -> str:
    title = Variant(media.variant).label if media.variant in Variant else media.variant
    return f"{title}, {on_one_line(media.agent_name)}" if media.agent_name else title


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
