"""The steps that make a stored recording ready; each can be done again and comes to the same files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO, cast

from django.core.files.storage import Storage
from django.db import transaction
from django.utils import timezone

from cdr.models import AgentOffer
from recordings.held import held_recordings
from recordings.models import Media, Origin, Recording, State, Variant
from recordings.naming import file_name, file_stem
from recordings.peaks import peaks_from, peaks_key, samples_from, save_peaks
from recordings.processing import mp3, wav
from recordings.processing.levels import Levels, measure, speech_of
from recordings.processing.moments import Placed
from recordings.processing.probe import Probe, probe
from recordings.storage import (
    StorageDamaged,
    Stored,
    copy,
    digest,
    is_on_disk,
    key_of,
    scratch_file,
    storage_at,
    storage_of,
    store,
)
from recordings.stores import AudioStore
from recordings.tags import is_ours, write_tags
from recordings.turns import turns_of


class TooShort(Exception):
    """Shorter than anyone asked for."""


class Withdrawn(Exception):
    """The recording is deleted, or somebody else's, while it is being processed."""


@dataclass
class Job:
    """One recording on its way, and what the steps share of it; ``opened`` closes what was opened.

    What is made is kept where the original is; what is in a bucket is fetched once.
    """

    recording: Recording
    opened: ExitStack
    fetched: dict[str, BinaryIO] = field(default_factory=dict)

    @property
    def original(self) -> Media:
        """The whole call's file that is nearest to what the switch wrote."""
        files = Media.objects.filter(recording=self.recording, variant=Variant.CALL)
        return files.select_related("store").order_by("-format")[0]

    @cached_property
    def store(self) -> AudioStore | None:
        return self.original.store

    @cached_property
    def storage(self) -> Storage:
        return storage_at(self.store)

    @cached_property
    def source(self) -> BinaryIO:
        return self.open(self.original)

    def open(self, media: Media) -> BinaryIO:
        """The file itself when it is on the disk, else a copy of it that is."""
        storage = storage_of(media)
        if is_on_disk(storage):
            return cast("BinaryIO", self.opened.enter_context(storage.open(media.key)))
        if media.sha256 not in self.fetched:
            self.fetched[media.sha256] = self.fetch(storage, media)
        return self.fetched[media.sha256]

    def fetch(self, storage: Storage, media: Media) -> BinaryIO:
        fetched = self.scratch()
        with storage.open(media.key) as file:
            copy(file, fetched)
        if digest(fetched) != (media.size, media.sha256):
            raise StorageDamaged(f"{media.key} is not what was stored")
        return fetched

    @cached_property
    def audio(self) -> Probe:
        return probe(self.source)

    @cached_property
    def levels(self) -> Levels:
        return measure(*samples_from(self.source, self.audio.format))

    @cached_property
    def formats(self) -> list[str]:
        return sorted(formats_of(self.recording, self.audio.format))

    def scratch(self) -> BinaryIO:
        return self.opened.enter_context(scratch_file())


Step = Callable[[Job], str]


def formats_of(recording: Recording, original: str) -> set[str]:
    """What the grants ask for, MP3 unless they say more; what the switch recorded by itself stays besides.

    What came as MP3 stays MP3: nothing is won by making it larger.
    """
    if original == "mp3":
        return {"mp3"}
    asked = {str((grant.get("params") or {}).get("format") or "mp3") for grant in recording.grants}
    if not recording.grants or recording.origin in (Origin.DIALPLAN, Origin.CONFERENCE):
        asked |= {"mp3", original}
    if recording.account and recording.account.keep_wav:
        asked.add(original)
    return asked


def examine(job: Job) -> str:
    """Read what the file is, and whether it is what was stored."""
    audio, media = job.audio, job.original
    if job.source.seek(0, 2) != media.size:
        raise StorageDamaged(f"{media.key} is not as large as it was")
    refuse_damaged(job, media)
    length = audio.milliseconds / 1000
    return f"{audio.format}, {length:.3f} s, {audio.channels} channels, {audio.sample_rate} Hz"


def refuse_damaged(job: Job, media: Media) -> None:
    """Make nothing of a file that was found damaged, unless it was put back as it was."""
    if not media.damage:
        return
    if digest(job.source) != (media.size, media.sha256):
        raise StorageDamaged(f"{media.key} is not what was stored")
    Media.objects.filter(pk=media.pk, sha256=media.sha256).update(damage="", verified_at=timezone.now())


def check_length(job: Job) -> str:
    """Raise TooShort for what is shorter than every grant's minimum; exactly as long is kept."""
    recording, length = job.recording, job.audio.milliseconds
    asked = [int((grant.get("params") or {}).get("record_min_sec") or 0) for grant in recording.grants]
    least = min(asked, default=0)
    if length >= least * 1000:
        return ""
    reason = f"{length / 1000:.3f} s, shorter than the {least} s that are kept."
    if Recording.objects.filter(held_recordings(), pk=recording.pk).exists():
        return f"{reason} Kept by a hold."
    raise TooShort(reason)


def give_name(job: Job) -> str:
    media = job.original
    name = file_name(job.recording, media.format)
    Media.objects.filter(pk=media.pk).update(file_name=name)
    return name


def find_levels(job: Job) -> str:
    """Store waveform and silences beside the file, and who spoke for how long with the recording."""
    save_peaks(job.storage, job.original.key, peaks_from(job.levels))
    speech = speech_of(job.levels)
    Recording.objects.filter(pk=job.recording.pk).update(speech=speech)
    return f"{speech['overtalk_ms'] / 1000:.1f} s at once, {speech['silence_ms'] / 1000:.1f} s silent"


def make_mp3(job: Job) -> str:
    """Encode the whole call, unless it is wanted as WAV only or came as MP3."""
    if job.audio.wav is None:
        return tag_again(job)
    if "mp3" not in job.formats:
        return "Not asked for."
    target = job.scratch()
    made = mp3.encode(
        wav.samples_of(job.source, job.audio.wav), job.audio.channels, job.audio.sample_rate, target
    )
    media = keep(job, Made(target, "mp3", made.milliseconds, made.channels, made.sample_rate))
    save_peaks(job.storage, media.key, peaks_from(job.levels))
    return f"{media.size} bytes"


def tag_again(job: Job) -> str:
    """Give the MP3 that we made, and whose WAV is gone, its tags anew; one that came so is left as it is."""
    if not is_ours(job.source, job.recording):
        return "It came as MP3."
    audio, target = job.audio, job.scratch()
    copy(job.source, target)
    keep(job, Made(target, "mp3", audio.milliseconds, audio.channels, audio.sample_rate))
    return "Tagged again."


@dataclass(frozen=True)
class Made:
    """A file that was made, and what of the recording it is."""

    file: BinaryIO
    format: str
    milliseconds: int
    channels: int
    sample_rate: int
    part: int = 0
    agent: str = ""
    offset_ms: int = 0

    @property
    def variant(self) -> Variant:
        return Variant.AGENT if self.part else Variant.CALL


def keep(job: Job, made: Made) -> Media:
    """Tag, store, verify, and only then write the row."""
    recording = job.recording
    write_tags(made.file, made.format, recording, made.agent, file_stem(recording, made.agent, made.part))
    key = key_of(recording, made.variant, made.format, made.part)
    stored = store(job.storage, key, made.file)
    media = write_down(job, made, key, stored)
    if media is None:
        remove(job.storage, key)
        raise Withdrawn("It was deleted meanwhile.")
    return media


@transaction.atomic
def write_down(job: Job, made: Made, key: str, stored: Stored) -> Media | None:
    """Write the row of a stored file; None when the recording went another way meanwhile."""
    recording = job.recording
    if Recording.objects.select_for_update().filter(pk=recording.pk, state=State.PROCESSING).first() is None:
        return None
    media, _ = Media.objects.update_or_create(
        recording=recording,
        variant=made.variant,
        part=made.part,
        format=made.format,
        defaults={
            "store": job.store,
            "key": key,
            "file_name": file_name(recording, made.format, made.agent, made.part),
            "agent_name": made.agent,
            "offset_ms": made.offset_ms,
            "size": stored.size,
            "sha256": stored.sha256,
            "duration_ms": made.milliseconds,
            "channels": made.channels,
            "sample_rate": made.sample_rate,
            "verified_at": timezone.now(),
            "damage": "",
        },
    )
    return media


@dataclass(frozen=True)
class Part:
    agent: str
    begin_ms: int
    end_ms: int


def cut_parts(job: Job) -> str:
    """Store what each agent had of the call, or say why there is nothing."""
    parts, why_not = parts_of(job)
    kept = [
        store_part(job, number, part, audio_format).pk
        for number, part in enumerate(parts, 1)
        for audio_format in job.formats
    ]
    old = Media.objects.filter(recording=job.recording, variant=Variant.AGENT).exclude(pk__in=kept)
    for media in old.select_related("store"):
        media.delete()
        remove(storage_of(media), media.key)
    return why_not or ", ".join(
        f"{part.agent} {part.begin_ms / 1000:.3f} to {part.end_ms / 1000:.3f} s" for part in parts
    )


def parts_of(job: Job) -> tuple[list[Part], str]:
    """Where the agents of the call are in the file, by the answer and end that the switch stamped."""
    recording = job.recording
    if recording.call is None:
        return [], "It belongs to no call."
    turns = turns_of([recording.call.pk]).get(recording.call.pk)
    if not turns:
        offered = AgentOffer.objects.filter(call=recording.call).exists()
        return [], "No agent answered." if offered else "The call was offered to no agent."
    placed = Placed(recording.started_at, recording.stopped_at, job.audio.milliseconds)
    spans = [(turn.agent, placed.span(turn.began, turn.ended)) for turn in turns]
    parts = [Part(agent, *span) for agent, span in spans if span]
    return parts, "" if parts else "No agent was on the phone while it was recorded."


def store_part(job: Job, number: int, part: Part, audio_format: str) -> Media:
    made = cut_part(job, number, part, audio_format)
    media = keep(job, made)
    save_peaks(job.storage, media.key, peaks_from(job.levels.part(part.begin_ms, part.end_ms)))
    return media


def cut_part(job: Job, number: int, part: Part, audio_format: str) -> Made:
    """Copy the part's frames: of the WAV for WAV, of the whole call's MP3 for MP3."""
    target, audio = job.scratch(), job.audio
    if audio_format == "wav" and audio.wav:
        frames = wav.cut(job.source, audio.wav, part.begin_ms, part.end_ms, target)
        length, channels, rate = round(frames * 1000 / audio.sample_rate), audio.channels, audio.sample_rate
    else:
        whole = Media.objects.get(recording=job.recording, variant=Variant.CALL, format="mp3")
        made = mp3.cut(job.open(whole), part.begin_ms, part.end_ms, target)
        length, channels, rate = made.milliseconds, made.channels, made.sample_rate
    return Made(target, audio_format, length, channels, rate, number, part.agent, part.begin_ms)


def finish(job: Job) -> str:
    """Let the WAV go where only MP3 is wanted, when the MP3 has been read again and is what was made."""
    recording = job.recording
    if "wav" in formats_of(recording, "wav"):
        return ""
    files = Media.objects.filter(recording=recording, variant=Variant.CALL)
    if files.filter(format="wav").exists():
        verify(files.get(format="mp3"))
        files.filter(format="wav").delete()
    remove(job.storage, key_of(recording, Variant.CALL, "wav"))
    return "Only the MP3 is kept."


def verify(media: Media) -> None:
    with storage_of(media).open(media.key) as file:
        if digest(file) != (media.size, media.sha256):
            raise StorageDamaged(f"{media.key} is not what was stored")


def remove(storage: Storage, key: str) -> None:
    """Remove a file that no row knows any more."""
    if not Media.objects.filter(key=key).exists():
        storage.delete(peaks_key(key))
        storage.delete(key)


STEPS: dict[str, Step] = {
    "probe": examine,
    "length": check_length,
    "name": give_name,
    "levels": find_levels,
    "mp3": make_mp3,
    "parts": cut_parts,
    "finish": finish,
}
