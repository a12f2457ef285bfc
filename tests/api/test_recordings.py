"""Recordings: the item, the audio and its ranges."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import AuditEntry
from ccportal.api.times import iso
from recordings.models import PLAYABLE, Media, Recording, State, Variant
from tests.api.conftest import Api, Refused, api_of
from tests.factories import (
    make_call,
    make_device,
    make_leg,
    make_media,
    make_recording,
    make_tag,
    make_user,
    tone,
)

ITEM = (
    "id, call_id, cdr_id, interaction_id, account_id, owner_id, endpoint_id, queue_name, "
    "agent_name, from, to, caller_id_number, caller_id_name, callee_id_number, direction, origin, "
    "grants, start, duration, duration_ms, format, channels, sample_rate, size, sha256, state, "
    "file_name, source_path, variants, tags, legal_hold, masked, contact_name"
)
AUDIO = tone(1.5)


@pytest.fixture
def media(api: Api) -> Media:
    call = make_call(api.account)
    make_leg(call)
    return make_media(make_recording(call), AUDIO, file_name="Gespräch 1.wav")


def path_of(media: Media) -> str:
    return f"/recordings/{media.recording_id.hex}"


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def heard(answer: Any) -> Any:
    """The answer after all of its audio was sent."""
    body_of(answer)
    return answer


def test_item(api: Api) -> None:
    owner, device = make_user(api.account), make_device(api.account)
    call = make_call(api.account, queue_name="3000@default", agent_name="1001")
    leg = make_leg(call)
    recording = make_recording(
        call,
        user=owner,
        device=device,
        grants=[{"reason": "queue"}],
        masked=[{"from_ms": 1, "to_ms": 2}],
        source_path="/in/a.wav",
        legal_hold=True,
    )
    media = make_media(recording, AUDIO)
    make_tag(call, "vip")
    [row] = api.rows("/recordings")
    assert list(row) == ITEM.split(", ")
    variant = {
        "variant": "call",
        "part": 0,
        "format": "wav",
        "file_name": media.file_name,
        "size": len(AUDIO),
        "sha256": media.sha256,
        "duration_ms": 1500,
        "channels": 2,
        "sample_rate": 8000,
        "damage": "",
        "verified": iso(media.verified_at),
    }
    assert row == {
        "id": recording.pk.hex,
        "call_id": leg.uuid,
        "cdr_id": leg.pk.hex,
        "interaction_id": call.pk.hex,
        "account_id": api.account.pk.hex,
        "owner_id": owner.pk.hex,
        "endpoint_id": device.pk.hex,
        "queue_name": "3000@default",
        "agent_name": "1001",
        "from": "01055551234",
        "to": "1001",
        "caller_id_number": "01055551234",
        "caller_id_name": "Ada Caller",
        "callee_id_number": "1001",
        "direction": "inbound",
        "origin": "dialplan",
        "grants": [{"reason": "queue"}],
        "start": "2026-03-02T12:00:05.000Z",
        "duration": 2,
        "duration_ms": 1500,
        "format": "wav",
        "channels": 2,
        "sample_rate": 8000,
        "size": len(AUDIO),
        "sha256": media.sha256,
        "state": "ready",
        "file_name": media.file_name,
        "source_path": "/in/a.wav",
        "variants": [variant],
        "tags": ["vip"],
        "legal_hold": True,
        "masked": [{"from_ms": 1, "to_ms": 2}],
        "contact_name": "",
    }
    assert api.own(f"/recordings/{recording.pk.hex}").json()["data"] == row


def test_item_without_a_file_or_a_call(api: Api) -> None:
    switch = make_call(api.account).switch
    recording = Recording.objects.create(
        account=api.account,
        switch=switch,
        path="/conference.wav",
        origin="conference",
        state=State.MISSING,
        started_at="2026-03-02T12:00:00Z",
        switch_ms=2500,
    )
    row = api.own(f"/recordings/{recording.pk.hex}").json()["data"]
    assert (row["cdr_id"], row["interaction_id"], row["format"], row["variants"]) == (None, None, None, [])
    assert (row["duration"], row["duration_ms"], row["state"]) == (3, 2500, "missing")


def test_recordings_of_a_user(api: Api, outsider: Api, refused: Refused) -> None:
    owner = make_user(api.account)
    call = make_call(api.account)
    make_recording(call)
    own = make_recording(call, user=owner)
    assert [row["id"] for row in api.rows(f"/users/{owner.pk.hex}/recordings")] == [own.pk.hex]
    refused(api.own(f"/users/{outsider.user.pk.hex}/recordings"), 404, "bad_identifier")


@pytest.mark.parametrize("accept", ["audio/wav", "audio/*", "audio/mpeg;q=0.5, audio/wav", "audio/x-wav"])
def test_accept_header_gives_the_audio(api: Api, media: Media, accept: str) -> None:
    answer = api.own(path_of(media), headers={"Accept": accept})
    assert answer["Content-Type"] == "audio/wav"
    assert body_of(answer) == AUDIO


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, */*;q=0.8", "image/png"])
def test_other_accepts_give_json(api: Api, media: Media, accept: str) -> None:
    answer = api.own(path_of(media), headers={"Accept": accept})
    assert answer.json()["data"]["id"] == media.recording_id.hex


def test_accept_parameter_gives_the_audio(api: Api, media: Media) -> None:
    assert body_of(api.own(path_of(media), accept="audio/wav")) == AUDIO


@pytest.mark.parametrize("accept", ["audio/mpeg", "audio/mp3"])
def test_mp3_is_sent_where_it_is_stored(api: Api, media: Media, accept: str, refused: Refused) -> None:
    answer = api.own(path_of(media), accept=accept)
    refused(answer, 404, "bad_identifier")
    assert answer.json()["data"] == {"message": "The audio is stored as wav.", "reason": "format"}
    short = tone(0.1)
    make_media(media.recording, short, format="mp3", key="k.mp3")
    answer = api.own(path_of(media), accept=accept)
    assert (answer["Content-Type"], body_of(answer)) == ("audio/mpeg", short)


def test_disposition(api: Api, media: Media) -> None:
    saved = heard(api.own(f"{path_of(media)}/media"))["Content-Disposition"]
    assert saved.startswith("attachment;")
    assert "filename*=UTF-8''Gespr%C3%A4ch%201.wav" in saved
    played = heard(api.own(f"{path_of(media)}/media", inline="true"))
    assert played["Content-Disposition"].startswith("inline;")


def test_variant(api: Api, media: Media, refused: Refused) -> None:
    refused(api.own(f"{path_of(media)}/media", variant="agent"), 404, "bad_identifier")
    part = tone(0.5)
    make_media(media.recording, part, variant=Variant.AGENT)
    assert body_of(api.own(f"{path_of(media)}/media", variant="agent")) == part
    assert body_of(api.own(f"{path_of(media)}/media", variant="call", format="wav")) == AUDIO


@pytest.mark.parametrize("query", [{"variant": "both"}, {"format": "ogg"}, {"inline": "yes"}])
def test_unknown_choices_are_refused(api: Api, media: Media, refused: Refused, query: dict[str, str]) -> None:
    answer = api.own(f"{path_of(media)}/media", **query)
    refused(answer, 400, "validation error")
    assert all("enum" in answer.json()["data"][name] for name in query)


LEN = len(AUDIO)


@pytest.mark.parametrize("suffix", ["/media", "?accept=audio/wav"])
@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=0-0", 206, f"bytes 0-0/{LEN}", AUDIO[:1]),
        ("bytes=10-19", 206, f"bytes 10-19/{LEN}", AUDIO[10:20]),
        ("bytes=100-", 206, f"bytes 100-{LEN - 1}/{LEN}", AUDIO[100:]),
        ("bytes=-7", 206, f"bytes {LEN - 7}-{LEN - 1}/{LEN}", AUDIO[-7:]),
        (f"bytes=-{LEN + 5}", 206, f"bytes 0-{LEN - 1}/{LEN}", AUDIO),
        (f"bytes=5-{LEN * 9}", 206, f"bytes 5-{LEN - 1}/{LEN}", AUDIO[5:]),
        (f"bytes={LEN}-", 416, f"bytes */{LEN}", b""),
        ("bytes=-0", 416, f"bytes */{LEN}", b""),
        ("bytes=9-3", 200, None, AUDIO),
        ("bytes=0-1,5-6", 200, None, AUDIO),
        ("lines=1-2", 200, None, AUDIO),
    ],
)
def test_single_ranges(
    api: Api, media: Media, suffix: str, asked: str, status: int, content_range: str | None, body: bytes
) -> None:
    path = f"accounts/{api.account.pk.hex}{path_of(media)}{suffix}"
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.get("Content-Range")) == (status, content_range)
    assert body_of(answer) == body
    assert answer["Accept-Ranges"] == "bytes"


def test_if_range_and_etag(api: Api, media: Media) -> None:
    path = f"{path_of(media)}/media"
    etag = heard(api.own(path))["ETag"]
    assert etag == f'"{media.sha256}"'
    same = heard(api.own(path, headers={"Range": "bytes=1-2", "If-Range": etag}))
    other = heard(api.own(path, headers={"Range": "bytes=1-2", "If-Range": '"other"'}))
    assert (same.status_code, other.status_code) == (206, 200)
    assert api.own(path, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", ["/media", ""])
def test_head_has_the_length_and_no_body(api: Api, media: Media, path: str) -> None:
    whole = f"accounts/{api.account.pk.hex}{path_of(media)}{path}"
    answer = api.raw(whole, "HEAD", headers={"Accept": "audio/wav"})
    assert (answer.status_code, answer["Content-Length"], body_of(answer)) == (200, str(LEN), b"")


def test_server_in_front_sends_the_bytes(api: Api, media: Media, settings: Any) -> None:
    settings.CCPORTAL_X_ACCEL = "/protected/"
    answer = api.own(f"{path_of(media)}/media")
    assert answer["X-Accel-Redirect"] == f"/protected/{media.key}"
    assert answer.content == b""


def test_missing_file_is_404_with_the_reason_and_marked(api: Api, media: Media, refused: Refused) -> None:
    (Path(settings.MEDIA_ROOT) / media.key).unlink()
    answer = api.own(f"{path_of(media)}/media")
    refused(answer, 404, "bad_identifier")
    assert answer.json()["data"]["reason"] == "missing"
    assert Recording.objects.get(pk=media.recording_id).state == State.MISSING


@pytest.mark.parametrize("state", PLAYABLE)
def test_audio_can_be_heard_as_soon_as_it_is_stored(api: Api, media: Media, state: State) -> None:
    Recording.objects.filter(pk=media.recording_id).update(state=state)
    assert body_of(api.own(f"{path_of(media)}/media")) == AUDIO


def test_the_part_of_each_agent_is_had_by_its_number(api: Api, media: Media, refused: Refused) -> None:
    for part in (1, 2):
        make_media(
            media.recording, tone(0.1 * part), variant=Variant.AGENT, part=part, key=f"parts/{part}.wav"
        )
    path = f"{path_of(media)}/media?variant=agent"
    assert body_of(api.own(path)) == tone(0.1)
    assert body_of(api.own(f"{path}&part=2")) == tone(0.2)
    refused(api.own(f"{path}&part=3"), 404, "bad_identifier")
    refused(api.own(f"{path}&part=x"), 400, "validation error")
    parts = [variant["part"] for variant in api.own(path_of(media)).json()["data"]["variants"]]
    assert parts == [0, 1, 2]


@pytest.mark.parametrize("state", [state for state in State if state not in PLAYABLE])
def test_audio_that_is_not_ready_is_404_with_its_state(
    api: Api, media: Media, refused: Refused, state: State
) -> None:
    Recording.objects.filter(pk=media.recording_id).update(state=state)
    answer = api.own(f"{path_of(media)}/media")
    refused(answer, 404, "bad_identifier")
    assert answer.json()["data"] == {"message": f"The recording is {state}.", "reason": state.value}


@pytest.mark.parametrize("path", ["", "/media", "?accept=audio/wav"])
def test_recording_of_another_tenant_is_404(
    api: Api, outsider: Api, media: Media, refused: Refused, path: str
) -> None:
    answer = outsider.get(f"accounts/{outsider.account.pk.hex}{path_of(media)}{path}")
    refused(answer, 404, "bad_identifier")
    unknown = outsider.get(f"accounts/{outsider.account.pk.hex}/recordings/{uuid.uuid4().hex}{path}")
    assert answer.json()["data"] == unknown.json()["data"]


@pytest.mark.parametrize(
    ("role", "allowed", "played", "saved"),
    [
        ("admin", {}, 200, 200),
        ("reviewer", {}, 200, 403),
        ("reviewer", {"reviewers_may_download": True}, 200, 200),
        ("agent", {}, 403, 403),
        ("agent", {"agents_may_listen": True}, 200, 403),
    ],
)
def test_role_decides_over_hearing_and_saving(
    api: Api, media: Media, role: str, allowed: dict[str, bool], played: int, saved: int
) -> None:
    type(api.account).objects.filter(pk=api.account.pk).update(**allowed)
    api.account.refresh_from_db()
    user = make_user(api.account, role)
    Recording.objects.filter(pk=media.recording_id).update(user=user)
    theirs = api_of(user)
    assert heard(theirs.own(f"{path_of(media)}/media", inline="true")).status_code == played
    assert heard(theirs.own(f"{path_of(media)}/media")).status_code == saved


def test_play_and_download_are_in_the_audit_log(api: Api, media: Media) -> None:
    body_of(api.own(f"{path_of(media)}/media", inline="true"))
    body_of(api.own(path_of(media), accept="audio/wav"))
    api.own(path_of(media))
    entries = AuditEntry.objects.order_by("at").values_list("action", "user", "account", "object_id")
    expected = (api.user.pk, api.account.pk, media.recording_id.hex)
    assert list(entries) == [("recording.play", *expected), ("recording.download", *expected)]
