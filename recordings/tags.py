"""What a file says of itself, in ID3 tags: so that it can be told from others wherever it went."""

from __future__ import annotations

from typing import Any, BinaryIO

from mutagen import MutagenError
from mutagen.id3 import ID3, TALB, TDRC, TIT2, TPE1, TPUB, TXXX
from mutagen.mp3 import MP3
from mutagen.wave import WAVE

from recordings.models import Recording
from recordings.naming import about

OWN_FIELDS = (
    "account",
    "queue",
    "agent",
    "caller",
    "destination",
    "direction",
    "call_id",
    "recording_id",
    "label",
)


def write_tags(file: BinaryIO, extension: str, recording: Recording, agent: str, title: str) -> None:
    """Replace the tags of an MP3 or WAV file that is open to be written; call it after every change."""
    file.seek(0)
    kind = MP3 if extension == "mp3" else WAVE
    audio: Any = kind(fileobj=file)
    audio.tags = None
    audio.add_tags()
    fill(audio.tags, recording, agent, title)
    file.seek(0)
    audio.save(fileobj=file)


def is_ours(file: BinaryIO, recording: Recording) -> bool:
    """Whether an MP3 has the tags of this recording, so that it was made and not only stored by us."""
    file.seek(0)
    try:
        found = ID3(fileobj=file).getall("TXXX:recording_id")
    except MutagenError:
        return False
    return [str(frame) for frame in found] == [recording.pk.hex]


def fill(tags: ID3, recording: Recording, agent: str, title: str) -> None:
    known = about(recording, agent)
    values = {name: as_tag(known[name]) for name in OWN_FIELDS}  # type: ignore[literal-required]
    tags.add(TIT2(encoding=3, text=values["label"] or title))
    tags.add(TDRC(encoding=3, text=known["started"].strftime("%Y-%m-%dT%H:%M:%S")))
    for frame, name in ((TPE1, "agent"), (TALB, "queue"), (TPUB, "account")):
        if values[name]:
            tags.add(frame(encoding=3, text=values[name]))
    tags.add(TXXX(encoding=3, desc="start", text=recording.started_at.isoformat(timespec="milliseconds")))
    for name, value in values.items():
        if value:
            tags.add(TXXX(encoding=3, desc=name, text=value))


def as_tag(value: str) -> str:
    """One line without control characters; what a file name could not have is fine here."""
    return "".join(char for char in value if char.isprintable())[:255]
