"""What is marked on a waveform: where it is silenced, whose part is where, where somebody stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccportal.portal.clock import duration
from ccportal.portal.rows import Names
from ccportal.portal.timeline import Happening, Scale
from cdr.models import AgentOffer
from recordings.models import Media, Recording

SHORTEST_PART_MS = 1000
BEGINNING_MS = 5_000
END_MS = 5_000


@dataclass(frozen=True)
class Mask:
    """A stretch of a file that is silenced, on the call's clock and in percent of it."""

    offset_ms: int
    length_ms: int
    x: str
    width: str

    @property
    def told(self) -> str:
        return f"Masked for {duration(self.length_ms)}"


@dataclass(frozen=True)
class Part:
    """When an agent had the call within a recording, in milliseconds of the call's clock."""

    agent: str
    begins_ms: int
    ends_ms: int

    @property
    def at(self) -> str:
        return duration(self.begins_ms)


def masks_of(recording: Recording, length_ms: int, scale: Scale) -> list[Mask]:
    """The masks that lie in the file; one that was not ended lasts to its end."""
    offset = scale.offset(recording.started_at)
    found = []
    for begin, end in mask_spans(recording.masked, length_ms):
        left, right = (min(100.0, 100 * (offset + at) / scale.total_ms) for at in (begin, end))
        found.append(Mask(offset + begin, end - begin, f"{left:.3f}%", f"{max(0.35, right - left):.3f}%"))
    return found


def mask_spans(masked: object, length_ms: int) -> Iterator[tuple[int, int]]:
    for span in masked if isinstance(masked, list) else []:
        begin, end = (span.get("from_ms"), span.get("to_ms")) if isinstance(span, dict) else (None, None)
        if isinstance(begin, int) and 0 <= begin < length_ms:
            stop = min(end, length_ms) if isinstance(end, int) else length_ms
            if stop > begin:
                yield begin, stop


def parts_of(
    recording: Recording, media: Media, offers: Iterable[AgentOffer], scale: Scale, names: Names
) -> list[Part]:
    """Which agents are heard in a recording, from when to when."""
    begins = scale.offset(recording.started_at)
    ends = begins + media.duration_ms
    turns = [
        (names.agent(offer.agent_name), scale.offset(offer.answered_at), end_of(offer, scale, ends))
        for offer in offers
        if offer.answered_at
    ]
    clipped = [(agent, max(begins, since), min(ends, until)) for agent, since, until in turns]
    return [Part(agent, since, until) for agent, since, until in clipped if until - since >= SHORTEST_PART_MS]


def end_of(offer: AgentOffer, scale: Scale, otherwise: int) -> int:
    return scale.offset(offer.ended_at) if offer.ended_at else otherwise


def resumed_at(stopped_ms: int | None, media: Media, offset_ms: int) -> int | None:
    """Where to go on listening, on the call's clock; nothing for the beginning, or for what was heard out."""
    if stopped_ms is None or not BEGINNING_MS < stopped_ms < media.duration_ms - END_MS:
        return None
    return offset_ms + stopped_ms


def recorded_happenings(sounds: Iterable[tuple[Recording, Media]], scale: Scale) -> Iterator[Happening]:
    """When recordings began, and where they are silenced."""
    for recording, media in sounds:
        yield Happening(scale.offset(recording.started_at), "Recording begins")
        for mask in masks_of(recording, media.duration_ms, scale):
            yield Happening(mask.offset_ms, mask.told)


def end_of_sound(sounds: Iterable[tuple[Recording, Media]]) -> datetime | None:
    """When the last of the recordings is over."""
    ends = [recording.started_at + timedelta(milliseconds=media.duration_ms) for recording, media in sounds]
    return max(ends, default=None)


def masked_in_all(sounds: Iterable[tuple[Recording, Media]]) -> str:
    """How much of the recordings is silenced."""
    spans = [span for recording, media in sounds for span in mask_spans(recording.masked, media.duration_ms)]
    return duration(sum(end - begin for begin, end in spans)) if spans else ""
