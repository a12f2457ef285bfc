"""A recording of three hours in a real browser: any place of it is heard at once, for few bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import lameenc
import pytest
from django.conf import settings
from mutagen.mp3 import MP3
from mutagen.wave import WAVE
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from recordings.models import Listening, Media
from recordings.processing.probe import probe
from recordings.processing.wav import pcm_format, wav_header
from tests import factories
from tests.portal.browser import chromium, launch

HOURS_3 = 3 * 3600
RATE = 8000
FEW_BYTES = 12_000_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page() -> Iterator[Page]:
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser.new_page()
        browser.close()
    if before is None:
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


def long_wav(path: Path) -> None:
    """Three hours of silence in stereo that take no room: the disk keeps no zeros."""
    size = HOURS_3 * RATE * 4
    with path.open("wb") as file:
        file.write(wav_header(pcm_format(2, RATE), size))
        file.truncate(file.tell() + size)


def long_mp3(path: Path) -> None:
    """A minute of frames, three hours long; the same bit rate all along."""
    encoder = lameenc.Encoder()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(RATE)
    encoder.set_bit_rate(16)
    encoder.silence()
    minute = bytes(encoder.encode(bytes(RATE * 2 * 60)) + encoder.flush())
    frame = 144
    whole = minute[: len(minute) // frame * frame]
    path.write_bytes(whole * (HOURS_3 // 60))


MAKERS = {"wav": long_wav, "mp3": long_mp3}


def keep(account: Account, kind: str) -> Media:
    recording = factories.make_recording(factories.make_call(account))
    media = factories.make_media(recording, b"", format=kind, duration_ms=HOURS_3 * 1000)
    path = Path(settings.MEDIA_ROOT) / media.key
    MAKERS[kind](path)
    with path.open("rb") as file:
        Media.objects.filter(pk=media.pk).update(
            size=path.stat().st_size, duration_ms=probe(file).milliseconds
        )
    media.refresh_from_db()
    return media


def told_by_ffmpeg(path: Path) -> float:
    """What ffprobe says, or the library that it is made of."""
    if program := shutil.which("ffprobe"):
        asked = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
        return float(subprocess.run([program, *asked], capture_output=True, check=True).stdout)
    with av.open(str(path)) as container:
        return (container.duration or 0) / 1_000_000


def told_by_mutagen(path: Path, kind: str) -> float:
    info: Any = MP3(path).info if kind == "mp3" else WAVE(path).info
    return float(info.length)


SEEK = """async seconds => {
    const audio = document.querySelector("audio");
    const began = performance.now();
    const there = new Promise(resolve => audio.addEventListener("seeked", resolve, { once: true }));
    audio.currentTime = seconds;
    await there;
    return [performance.now() - began, audio.currentTime, audio.readyState, audio.duration];
}"""
START = """async () => {
    const audio = document.querySelector("audio");
    audio.muted = true;
    await audio.play();
}"""


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_three_hours_are_sought_in_for_few_bytes_and_everyone_agrees_how_long_they_are(
    page: Page, live_server: LiveServer, account: Account, kind: str
) -> None:
    media = keep(account, kind)
    path = Path(settings.MEDIA_ROOT) / media.key
    user = factories.make_user(account, email="ada@tenant.example")
    page.goto(f"{live_server.url}/sign-in/")
    page.fill("#email", user.email)
    page.fill("#password", factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/**")
    received: list[int] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.dataReceived", lambda event: received.append(int(event["dataLength"])))
    call = media.recording.call_id
    page.goto(f"{live_server.url}/calls/{call.hex if call else ''}/")
    page.evaluate(START)
    waits = []
    for seconds in (9000, 60, 5400, 10_790):
        wait, at, ready, length = page.evaluate(SEEK, seconds)
        waits.append(round(wait))
        assert at == pytest.approx(seconds, abs=0.2)
        assert ready >= 2
        assert length == pytest.approx(media.duration_ms / 1000, abs=0.2)
    page.wait_for_timeout(1500)
    with page.expect_response("**/listening") as told:
        page.evaluate("document.querySelector('audio').pause()")
    assert told.value.status == 204
    print(f"{kind}: sought in {waits} ms, {sum(received):,} bytes of {media.size:,}")  # noqa: T201
    assert sum(received) < min(FEW_BYTES, media.size)
    assert told_by_ffmpeg(path) == pytest.approx(media.duration_ms / 1000, abs=0.2)
    assert told_by_mutagen(path, kind) == pytest.approx(media.duration_ms / 1000, abs=0.2)
    assert 300 < Listening.objects.exclude(session="").get().heard_ms < 120_000
