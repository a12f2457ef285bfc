"""The first byte of a recording, and all of them, out of Django: against reading the file."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.http import StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.actors import actor_for
from accounts.models import Account, Role, Switch, User
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, percentile, run_benchmark, skipped
from recordings.models import Media, Origin, Recording, State
from recordings.playback import serve
from recordings.serving import CHUNK_BYTES
from tests.postgres import NoPostgreSQL

BYTES_A_SECOND = 8000 * 2 * 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int, default=3600, help="length of the audio (%(default)s)")
    parser.add_argument(
        "--runs", type=int, default=200, help="times the first byte is asked for (%(default)s)"
    )
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database(options.database):
            media = make_media(options.seconds)
            yield from measure_playback(media, Path(settings.MEDIA_ROOT) / media.key, options.runs)
    except NoPostgreSQL as missing:
        yield skipped("playback", str(missing))


def measure_playback(media: Media, path: Path, runs: int) -> Iterator[Figure]:
    person = User.objects.get()
    half = f"bytes={media.size // 2}-"
    plain = percentile(milliseconds(lambda: first_of_file(path, media.size // 2), runs), 50)
    for name, header in (("first byte of all", "bytes=0-"), ("first byte of the second half", half)):
        taken = milliseconds(lambda header=header: next(served(person, media, header)), runs)  # type: ignore[misc]
        note = f"p50 {percentile(taken, 50):.3g} ms, sign-in and routing apart"
        yield Figure(f"{name}, p95", percentile(taken, 95), "ms", plain, "open, seek, read 64 KiB, p50", note)
    megabytes = media.size / 1e6
    copied = min(milliseconds(lambda: exhaust(pieces_of(path)), 5)) / 1000
    sent = min(milliseconds(lambda: exhaust(served(person, media, "")), 5)) / 1000
    yield Figure("whole file", megabytes / sent, "MB/s", megabytes / copied, "read it in 64 KiB pieces")


def make_media(seconds: int) -> Media:
    """A stored WAV of silence that is as large as stereo audio of that length."""
    account = Account.objects.create(name="Measured")
    User.objects.create_user(
        "admin@measured.example", None, account=account, username="admin", role=Role.ADMIN
    )
    now = timezone.now()
    recording = Recording.objects.create(
        account=account,
        switch=Switch.objects.create(name="measured"),
        path="/recordings/measured.wav",
        origin=Origin.QUEUE,
        state=State.READY,
        started_at=now - timedelta(seconds=seconds),
        stopped_at=now,
    )
    key = f"{account.pk.hex}/measured.wav"
    path = Path(settings.MEDIA_ROOT) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(seconds * BYTES_A_SECOND))
    return Media.objects.create(
        recording=recording,
        format="wav",
        key=key,
        file_name="measured.wav",
        size=path.stat().st_size,
        sha256="0" * 64,
        duration_ms=seconds * 1000,
        channels=2,
        sample_rate=8000,
    )


def served(person: User, media: Media, header: str) -> Iterator[bytes]:
    """What a person is sent who asks for a range, or without one for all."""
    request: Any = RequestFactory().get("/", headers={"Range": header} if header else {})
    request.user, request.actor = person, actor_for(person)
    response = cast("StreamingHttpResponse", serve(request, media, inline=True, accel=False))
    return iter(cast("Iterable[bytes]", response.streaming_content))


def first_of_file(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)


def pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def exhaust(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass


def milliseconds(work: Callable[[], object], runs: int) -> list[float]:
    """How long each of so many runs took, after one that warms up."""
    work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
