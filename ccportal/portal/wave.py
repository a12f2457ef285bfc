"""What the player is told of a recording: where it lies on the call's clock, who is heard, what is marked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccportal.portal.clock import duration
from ccportal.portal.marks import Mask, Part, masks_of, parts_of, resumed_at
from ccportal.portal.rows import Names
from ccportal.portal.timeline import Scale
from ccportal.portal.wording import size
from cdr.models import AgentOffer, CallDirection
from recordings.models import Media, Recording

STEREO = 2
ROOM_FOR_WORDS = 18  # percent


@dataclass(frozen=True)
class Hearing:
    """Who was on the phone, and where in each file the person who looks stopped, in milliseconds."""

    offers: Sequence[AgentOffer]
    names: Names
    stopped: Mapping[uuid.UUID, int]


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
    masks: list[Mask]
    parts: list[Part]
    resume_ms: int | None

    @property
    def resume(self) -> str:
        """Where the person stopped listening, if there is more to hear."""
        return duration(self.resume_ms)

    def place(self, ms: int) -> str:
        """A moment of the call in the file's seconds, as the address of a part of it."""
        return f"#t={max(0, ms - self.offset_ms) / 1000:.1f}"

    @property
    def says_not_recorded(self) -> bool:
        """Whether there is room for the words before the recording."""
        return 100 * self.offset_ms >= ROOM_FOR_WORDS * self.total_ms

    @property
    def voices(self) -> str:
        """The lanes' colours, for the script that draws them."""
        return " ".join("agent" if lane.is_ours else "caller" for lane in self.lanes)


def player_of(recording: Recording, media: Media, scale: Scale, hearing: Hearing) -> Player:
    """Place the file on the call's clock."""
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
        masks=masks_of(recording, media.duration_ms, scale),
        parts=parts_of(recording, media, hearing.offers, scale, hearing.names),
        resume_ms=resumed_at(hearing.stopped.get(recording.pk), media, offset),
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
