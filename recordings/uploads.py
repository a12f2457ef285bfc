"""Files that are sent to the portal: a one-time token, a draft on disk, then the way every file goes.

Nothing of a body is kept before all of it is there and is audio: it is written to a draft that goes with the
request, its length and digest are compared with what the sender said, and only then is the row claimed, the
file stored and verified, and row, token and task written together. A body that was cut leaves the token good.
Sent again after success, the same bytes succeed again: a sender whose answer was lost may repeat itself.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.keys import hash_of, new_secret
from accounts.tenancy import Actor
from cdr.models import Call
from recordings.arrivals import UploadToken
from recordings.candidates import UPLOADED
from recordings.delivery import news
from recordings.intake import Kept, at_work, discard_copy, finished, give_up_or_wait, write_stored
from recordings.models import Finding, Media, Recording, State
from recordings.processing.probe import Probe
from recordings.sources import SourceError
from recordings.storage import DRAFT_PREFIX, clear_drafts, key_of, let_go, make_folders, storage_at, store
from recordings.stores import store_for

PIECE_BYTES = 1 << 18
MEGABYTE = 1_000_000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
SENT = "sent"
TAKES_FILES = (State.EXPECTED, State.RECORDING, State.RECEIVED, State.MISSING, State.FAILED)


class Trouble(Enum):
    """Why a file was not taken."""

    TOO_LARGE = auto()
    LENGTH_UNKNOWN = auto()
    CUT = auto()
    CHANGED = auto()
    NO_AUDIO = auto()
    OTHER_FILE = auto()
    GONE = auto()
    BUSY = auto()
    NO_ROOM = auto()
    STORAGE = auto()


class UploadRefused(Exception):
    def __init__(self, trouble: Trouble, reason: str) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.reason = reason


class Body(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Sent:
    """What a sender says of its file: ``length`` in bytes if it does, SHA-256 in hexadecimal if it does."""

    name: str
    length: int | None
    sha256: str = ""


@dataclass(frozen=True)
class Draft:
    """What arrived."""

    file: BinaryIO
    size: int
    sha256: str


def issue(recording: Recording, actor: Actor | None) -> tuple[UploadToken, str]:
    """Make a token for the recording's file and return it with its secret, which nobody can read again."""
    plain = new_secret()
    now = timezone.now()
    token = UploadToken.objects.create(
        recording=recording,
        token_hash=hash_of(plain),
        created_at=now,
        created_by=actor.label[:255] if actor else "",
        expires_at=now + timedelta(hours=settings.CCPORTAL_UPLOAD_HOURS),
    )
    return token, plain


def find_token(plain: str, account_id: uuid.UUID, recording_id: uuid.UUID) -> UploadToken | None:
    """The token with this secret, if it is of this recording and account and has not run out."""
    tokens = UploadToken.objects.select_related("recording__account", "recording__switch")
    mine = tokens.filter(recording=recording_id, recording__account=account_id)
    return mine.filter(
        token_hash=hash_of(plain), expires_at__gt=timezone.now(), recording__account__enabled=True
    ).first()


def receive(token: UploadToken, body: Body, sent: Sent) -> bool:
    """Take the file of the token's recording; return False when it had been taken before.

    Raise UploadRefused when it cannot be taken; the recording then says why, where that is of any use.
    """
    with draft_file() as file:
        draft = spool(body, file, sent)
        if token.recording.stored_at or token.recording.state not in TAKES_FILES:
            compare_with_stored(token.recording, draft)
            return False
        with ExitStack() as opened:
            keep(token, draft, sent, opened)
    return True


@contextmanager
def draft_file() -> Iterator[BinaryIO]:
    """A file in the data folder that goes with the request, or, when this was killed, with the next one."""
    folder = Path(settings.DATA_DIR) / "uploads"
    with no_room_is_told():
        make_folders(folder)
        clear_drafts(folder)
        descriptor, path = tempfile.mkstemp(prefix=DRAFT_PREFIX, dir=folder)
    try:
        with let_go(os.fdopen(descriptor, "w+b")) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def no_room_is_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UploadRefused(
                Trouble.NO_ROOM, "There is no room for the file. Send it again later."
            ) from error
        raise UploadRefused(Trouble.STORAGE, "The file could not be kept. Send it again later.") from error


def spool(body: Body, file: BinaryIO, sent: Sent) -> Draft:
    """Write the body to the draft, and be sure that it is all of it."""
    most = settings.CCPORTAL_UPLOAD_MOST_MB * MEGABYTE
    size, sha256 = 0, hashlib.sha256()
    refuse_too_large(sent.length or 0, most)
    while piece := read_piece(body, sent.length, size):
        size += len(piece)
        refuse_too_large(size, most)
        sha256.update(piece)
        with no_room_is_told():
            file.write(piece)
    with no_room_is_told():
        file.flush()
    draft = Draft(file, size, sha256.hexdigest())
    refuse_incomplete(draft, sent)
    return draft


def read_piece(body: Body, length: int | None, so_far: int) -> bytes:
    wanted = PIECE_BYTES if length is None else min(PIECE_BYTES, length - so_far)
    try:
        return body.read(wanted) if wanted else b""
    except OSError as error:
        raise UploadRefused(Trouble.CUT, "The connection was cut.") from error


def refuse_too_large(size: int, most: int) -> None:
    if size > most:
        raise UploadRefused(Trouble.TOO_LARGE, f"A file may have {most} bytes.")


def refuse_incomplete(draft: Draft, sent: Sent) -> None:
    if sent.length is not None and draft.size != sent.length:
        raise UploadRefused(Trouble.CUT, f"{sent.length} bytes were promised, {draft.size} came.")
    if sent.sha256 and draft.sha256 != sent.sha256:
        raise UploadRefused(Trouble.CHANGED, "The bytes that came have another SHA-256 than was promised.")


def compare_with_stored(recording: Recording, draft: Draft) -> None:
    """Take the same bytes for a repetition; other ones never replace a file that is there."""
    if recording.upload_tokens.filter(used_at__isnull=False, sha256=draft.sha256).exists():
        return
    if recording.media.filter(sha256=draft.sha256).exists():
        return
    if recording.state == State.PROCESSING and recording.stored_at is None:
        raise UploadRefused(Trouble.BUSY, "A file of this recording is being stored. Send it again later.")
    if recording.stored_at:
        raise UploadRefused(Trouble.OTHER_FILE, "The recording has another file already.")
    raise UploadRefused(Trouble.GONE, f"The recording is {recording.state}.")


def keep(token: UploadToken, draft: Draft, sent: Sent, opened: ExitStack) -> None:
    """Store the draft; what fails leaves the row as it was, or saying what is wrong with the file."""
    recording = token.recording
    before = recording.state
    if not claim(recording):
        raise UploadRefused(Trouble.BUSY, "The file is being looked for elsewhere. Send it again later.")
    try:
        audio, content = finished(draft.file, opened)
        refuse_unproven(audio, sent)
        stored_for(token, draft, sent, audio, content)
    except SourceError as error:
        give_up_or_wait(recording, SourceError(error.finding, error.reason, permanent=True))
        raise UploadRefused(Trouble.NO_AUDIO, error.reason) from error
    except BaseException:
        at_work(recording.pk).update(state=before, state_at=timezone.now())
        raise


def refuse_unproven(audio: Probe, sent: Sent) -> None:
    """Refuse what a cut connection could have shortened: no length, no digest, no header that was closed."""
    if sent.length is None and not sent.sha256 and not (audio.wav and audio.finished):
        reason = "Without a length or a digest nobody can tell whether this is the whole file."
        raise UploadRefused(Trouble.LENGTH_UNKNOWN, reason)


def claim(recording: Recording) -> bool:
    rows = Recording.objects.filter(pk=recording.pk, stored_at__isnull=True, state__in=TAKES_FILES)
    return bool(
        rows.update(
            state=State.PROCESSING, state_at=timezone.now(), attempts=F("attempts") + 1, next_try_at=None
        )
    )


def stored_for(token: UploadToken, draft: Draft, sent: Sent, audio: Probe, content: BinaryIO) -> None:
    """Store under a key of its own, so that nobody who finds the file elsewhere writes to the same."""
    where = store_for(token.recording.account_id)
    with no_room_is_told():
        storage = storage_at(where)
        stored = store(storage, key_of(token.recording, SENT, audio.format), content)
    if commit(token, draft, sent, Kept(where, stored, audio)) is None:
        discard_copy(storage, stored.key)
        raise UploadRefused(Trouble.BUSY, "Another file was stored at the same moment. Send it again.")


@transaction.atomic
def commit(token: UploadToken, draft: Draft, sent: Sent, kept: Kept) -> Media | None:
    """Write file, recording, token and task together; None when the row went another way meanwhile."""
    row = at_work(token.recording_id).select_for_update().first()
    if row is None:
        return None
    row.source_path, row.source_kept = f"{UPLOADED}{sent.name}", False
    media = write_stored(row, kept)
    if row.call_id:
        recount(row.call_id)
    UploadToken.objects.filter(pk=token.pk).update(
        used_at=timezone.now(), sha256=draft.sha256, size=draft.size
    )
    return media


def recount(call_id: uuid.UUID) -> None:
    """Count a call's recordings anew: what was brought is none of the switch's takes."""
    Call.objects.filter(pk=call_id).update(recording_count=Recording.objects.filter(call=call_id).count())


def not_sent_in_time() -> int:
    """Mark recordings whose file never came: every token has run out."""
    waiting = Recording.objects.filter(state=State.EXPECTED, path__startswith=UPLOADED)
    open_tokens = UploadToken.objects.filter(expires_at__gt=timezone.now())
    with transaction.atomic():
        late = list(waiting.exclude(upload_tokens__in=open_tokens).values_list("pk", flat=True))
        marked = Recording.objects.filter(pk__in=late, state=State.EXPECTED).update(
            state=State.MISSING,
            state_at=timezone.now(),
            finding=Finding.MISSING,
            state_reason="No file was sent before the token ran out.",
        )
        news.recordings_failed(late)
    return marked
