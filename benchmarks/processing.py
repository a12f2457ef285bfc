"""Making a recording ready: cut, encode, peaks, the whole, against lameenc alone and a copy of the bytes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import lameenc
import numpy as np
from django.conf import settings
from django.utils import timezone
from django_q.models import Success
from django_q.tasks import async_task

from accounts.models import Account, Switch
from benchmarks.databases import VENDORS, migrated_database
from benchmarks.figures import Figure, run_benchmark, skipped
from cdr.models import AgentOffer, Call, CallDirection, OfferOutcome, Outcome, QueueVisit
from recordings.enqueue import process_soon
from recordings.models import Media, Origin, ProcessingStep, Recording, State
from recordings.process import process
from recordings.processing import mp3, wav
from recordings.processing.levels import measure as measure_levels
from recordings.processing.levels import silences_of, speech_of
from recordings.storage import key_of, storage_at, store
from tests.postgres import NoPostgreSQL

RATE = 8000
MP3 = [{"params": {"format": "mp3"}}]
NOTHING = "math.sqrt"
PATIENCE_SECONDS = 300
WORKERS = 2
BLOCK_SECONDS = 60


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int, default=3600, help="length of the audio (%(default)s)")
    parser.add_argument("--short", type=int, default=60, help="short recordings for tasks/s (%(default)s)")
    parser.add_argument("--short-seconds", type=int, default=5, help="how long these are (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of the whole pipeline (%(default)s)")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")


def measure(options: Namespace) -> Iterator[Figure]:
    try:
        with migrated_database(options.database) as url, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "measured.wav"
            write_talk(path, options.seconds)
            yield from measure_all(path, options)
            yield from measure_tasks(path.with_name("short.wav"), url, options)
    except NoPostgreSQL as missing:
        yield skipped("processing", str(missing))


def measure_all(path: Path, options: Namespace) -> Iterator[Figure]:
    copied = seconds(lambda: shutil.copyfile(path, path.with_suffix(".copy")), 3)
    alone = seconds(lambda: encode_alone(path), 2)
    cut = seconds(lambda: cut_wav(path, options.seconds), 3)
    yield Figure("cut the last sixth of the WAV", cut * 1000, "ms", copied / 6 * 1000, "copy as many bytes")
    levels = seconds(lambda: find_levels(path), 3)
    yield Figure("waveform, silences, talk", levels * 1000, "ms", copied * 1000, "copy of the bytes")
    encoded = path.with_suffix(".mp3")
    made = seconds(lambda: encode(path, encoded), 2)
    yield Figure("encode, with exact ends", made, "s", alone, "lameenc alone", f"quality {mp3.QUALITY}")
    cut = seconds(lambda: cut_mp3(encoded, options.seconds), 3)
    yield Figure(
        "cut the last sixth of the MP3", cut * 1000, "ms", copied / 6 * 1000, "copy of the WAV's sixth"
    )
    for name, grants in (("MP3 wanted", MP3), ("WAV and MP3 wanted", [])):
        yield whole_pipeline(name, grants, path, options.runs)


def whole_pipeline(name: str, grants: Sequence[object], path: Path, runs: int) -> Figure:
    """The best of some runs, each beside a run of the encoder alone: other work slows down both."""
    before, ratios = peak_megabytes(), []
    for _ in range(runs):
        recording = make_recording(path, grants)
        alone = seconds(lambda: encode_alone(path), 1)
        whole = seconds(lambda recording=recording: process(recording.pk), 1)  # type: ignore[misc]
        ratios.append((whole / alone, whole, alone, steps_of(recording)))
    _, whole, alone, steps = min(ratios)
    told = ", ".join(f"{ratio:.2f}" for ratio, *_ in sorted(ratios))
    note = f"{steps}; ratios {told}; memory grew by {peak_megabytes() - before:.0f} MB"
    return Figure(f"whole pipeline, {name}", whole, "s", alone, "lameenc alone", note)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_tasks(path: Path, url: str, options: Namespace) -> Iterator[Figure]:
    """Short recordings, by a worker cluster as a server has it, beside tasks that do nothing."""
    write_talk(path, options.short_seconds)
    with cluster(url):
        for _ in range(options.short * 4):
            async_task(NOTHING, 4)
        wait_for(lambda: Success.objects.filter(func=NOTHING).count() >= options.short * 4)
        spans = Success.objects.filter(func=NOTHING).values_list("started", "stopped")
        empty = options.short * 4 / length_of(spans)
        waiting = [make_recording(path, MP3).pk for _ in range(options.short)]
        process_soon(waiting)
        done = Recording.objects.filter(pk__in=waiting, state=State.READY)
        wait_for(lambda: done.count() == len(waiting))
    steps = ProcessingStep.objects.filter(recording__in=waiting)
    rate = options.short / length_of(steps.values_list("started_at", "finished_at"))
    note = f"recordings of {options.short_seconds} s with one agent's part, {WORKERS} workers"
    yield Figure("short recordings", rate, "tasks/s", empty, "tasks that do nothing", note)


@contextmanager
def cluster(url: str) -> Iterator[None]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        "DATABASE_URL": url,
        "CCPORTAL_WORKERS": str(WORKERS),
    }
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "qcluster"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as run:  # noqa: S603 - our own
        try:
            yield
        finally:
            run.terminate()


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError("the workers did not come to an end")
        time.sleep(0.05)


def length_of(spans: Iterable[tuple[datetime, datetime | None]]) -> float:
    """Seconds from the first beginning to the last end."""
    begins, ends = zip(*spans, strict=True)
    length: timedelta = max(ends) - min(begins)
    return length.total_seconds()


def write_talk(path: Path, length: int) -> None:
    """Write stereo noise that comes and goes like two people talking."""
    chance = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(wav.wav_header(wav.pcm_format(2, RATE), length * RATE * 4))
        for began in range(0, length, BLOCK_SECONDS):
            count = min(BLOCK_SECONDS, length - began)
            loud = chance.integers(0, 2, (count, 1, 2)) * 3000
            noise = chance.normal(size=(count, RATE, 2)) * loud
            file.write(noise.clip(-32768, 32767).astype("<i2").tobytes())


def encode_alone(path: Path) -> None:
    """What cannot be done without: reading and encoding."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(2)
    encoder.set_in_sample_rate(RATE)
    encoder.set_out_sample_rate(RATE)
    encoder.set_bit_rate(mp3.kbps_for(2, RATE))
    encoder.set_quality(mp3.QUALITY)
    with path.open("rb") as file:
        file.seek(wav.HEADER_BYTES)
        while part := file.read(wav.FRAMES_AT_ONCE * 4):
            encoder.encode(part)
    encoder.flush()


def encode(path: Path, target: Path) -> None:
    with path.open("rb") as source, target.open("w+b") as out:
        mp3.encode(wav.samples_of(source, wav.read_wav(source)), 2, RATE, out)


def cut_wav(path: Path, length: int) -> None:
    with path.open("rb") as source, path.with_suffix(".cut").open("wb") as out:
        wav.cut(source, wav.read_wav(source), length * 5000 // 6, length * 1000, out)


def cut_mp3(path: Path, length: int) -> None:
    with path.open("rb") as source, path.with_suffix(".cut").open("w+b") as out:
        mp3.cut(source, length * 5000 // 6, length * 1000, out)


def find_levels(path: Path) -> None:
    with path.open("rb") as source:
        levels = measure_levels(RATE, wav.samples_of(source, wav.read_wav(source)))
    speech_of(levels)
    silences_of(levels)


def make_recording(path: Path, grants: Sequence[object]) -> Recording:
    """A stored call that one agent took for nearly all of its length."""
    account, _ = Account.objects.get_or_create(name="Measured")
    switch, _ = Switch.objects.get_or_create(name="measured")
    with path.open("rb") as file:
        length = wav.read_wav(file).milliseconds
    ended = timezone.now()
    began = ended - timedelta(milliseconds=length)
    call = Call.objects.create(
        account=account, switch=switch, leg_uuid="leg", started_at=began, ended_at=ended,
        direction=CallDirection.INBOUND, outcome=Outcome.ANSWERED,
    )  # fmt: skip
    visit = QueueVisit.objects.create(
        account=account, switch=switch, call=call, member_uuid=str(call.pk), session_uuid=str(call.pk),
        queue_name="3000@default", joined_at=began,
    )  # fmt: skip
    AgentOffer.objects.create(
        account=account, switch=switch, call=call, visit=visit, agent_name="1001", offered_at=began,
        outcome=OfferOutcome.ANSWERED, answered_at=began + timedelta(seconds=1), ended_at=ended,
    )  # fmt: skip
    recording = Recording.objects.create(
        account=account, switch=switch, call=call, path=str(path), origin=Origin.POLICY, grants=list(grants),
        state=State.PROCESSING, started_at=began, stopped_at=ended, stored_at=ended,
    )  # fmt: skip
    store_original(recording, path, length)
    return recording


def store_original(recording: Recording, path: Path, length: int) -> None:
    with path.open("rb") as file:
        stored = store(storage_at(None), key_of(recording, "call", "wav"), file)
    Media.objects.create(
        recording=recording, format="wav", key=stored.key, file_name="measured.wav", size=stored.size,
        sha256=stored.sha256, duration_ms=length, channels=2, sample_rate=RATE,
    )  # fmt: skip


def steps_of(recording: Recording) -> str:
    return ", ".join(f"{step.name} {step.milliseconds} ms" for step in recording.steps.all())


def seconds(work: Callable[[], object], runs: int) -> float:
    """The shortest of so many runs."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
