"""Files sent to the portal: the token, the body, and what becomes of the recording."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEntry, Role
from ccportal.api.body import BODY_LIMIT
from recordings import uploads
from recordings.models import Finding, Media, Origin, Recording, State, UploadToken
from recordings.sweep import sweep
from tests.api.conftest import Api, Refused, api_of
from tests.captures import AUDIO
from tests.factories import make_account, make_call, make_leg, make_recording, make_switch, make_user, tone

WAV = tone(1.5)


@pytest.fixture(autouse=True)
def _clean_storage(tmp_path: Path, settings: Any) -> None:
    storages = {**settings.STORAGES}
    storages["recordings"] = {**storages["recordings"], "OPTIONS": {"location": tmp_path / "audio"}}
    settings.STORAGES = storages
    settings.DATA_DIR = tmp_path


@pytest.fixture
def leg_uuid(api: Api) -> str:
    return make_leg(make_call(api.account, queue_name="3000@default", agent_name="1001")).uuid


def awaited(api: Api, call_id: str, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"data": {"call_id": call_id, **fields}})
    answer = api.raw(f"accounts/{api.account.pk.hex}/recordings", "PUT", data=body)
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"/v2/accounts/{api.account.pk.hex}/recordings/{answer.json()['data']['id']}"
    return answer.json()["data"]  # type: ignore[no-any-return]


def put(document: dict[str, Any], audio: bytes, name: str = "", **headers: str) -> Any:
    """Send a file as a switch does: with the token and nothing else."""
    url = document["upload"]["url"].removeprefix("http://testserver") + (f"/{name}" if name else "")
    sent = {"X-Upload-Token": document["upload"]["token"]} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    return Client().generic("PUT", url, audio, "audio/wav", headers=sent)


def leftovers() -> list[Path]:
    return [path for path in (Path(settings.DATA_DIR) / "uploads").glob("*") if path.is_file()]


def test_a_program_says_what_it_sends_and_sends_it(api: Api, leg_uuid: str) -> None:
    document = awaited(api, leg_uuid)
    assert (document["state"], document["call_id"], document["origin"]) == ("expected", leg_uuid, "upload")
    answer = put(document, WAV, f"call_recording_{leg_uuid}.wav")
    assert answer.status_code == 201, answer.content
    taken = answer.json()["data"]
    assert (taken["id"], taken["state"], taken["duration_ms"]) == (document["id"], "processing", 1500)
    recording = Recording.objects.get()
    media = Media.objects.get(recording=recording)
    assert (media.sha256, media.size) == (hashlib.sha256(WAV).hexdigest(), len(WAV))
    assert (recording.agent_name, recording.queue_name) == ("1001", "3000@default")
    assert recording.source_path == f"upload:call_recording_{leg_uuid}.wav"
    assert (Path(settings.DATA_DIR) / "audio" / media.key).read_bytes() == WAV
    assert OrmQ.objects.count() == 1
    assert recording.call is not None
    assert recording.call.recording_count == 1
    assert AuditEntry.objects.get(action="recording.upload").object_id == recording.pk.hex
    assert leftovers() == []


def test_the_token_is_kept_as_a_hash_and_shown_once(api: Api, leg_uuid: str) -> None:
    token = awaited(api, leg_uuid)["upload"]["token"]
    row = UploadToken.objects.get()
    assert token not in str(UploadToken.objects.values().get())
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(list(AuditEntry.objects.values()))


def test_a_token_may_be_the_password_of_basic(api: Api, leg_uuid: str) -> None:
    document = awaited(api, leg_uuid)
    pair = base64.b64encode(f"freeswitch:{document['upload']['token']}".encode()).decode()
    answer = put(document, WAV, "call.wav", X_Upload_Token="", Authorization=f"Basic {pair}")
    assert answer.status_code == 201


def test_sent_again_the_same_succeeds_and_another_file_does_not(
    api: Api, leg_uuid: str, refused: Refused
) -> None:
    document = awaited(api, leg_uuid)
    assert [put(document, WAV).status_code for _ in range(3)] == [201, 200, 200]
    refused(put(document, tone(1.0)), 409, "datastore_conflict")
    assert (Media.objects.count(), OrmQ.objects.count()) == (1, 1)
    again = awaited(api, leg_uuid)
    assert again["id"] == document["id"]
    assert put(again, WAV).status_code == 200


def test_a_file_whose_header_was_completed_may_be_sent_again_too(api: Api, leg_uuid: str) -> None:
    unfinished = bytearray(WAV)
    unfinished[40:44] = struct.pack("<I", 0xFFFFFFF0)
    document = awaited(api, leg_uuid)
    assert [put(document, bytes(unfinished)).status_code for _ in range(2)] == [201, 200]
    assert Recording.objects.get().finding == Finding.UNFINISHED


def wrong_tokens(api: Api, document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    own, other = document["upload"]["url"], make_recording(make_call(api.account))
    token = document["upload"]["token"]
    stranger = make_account("Bolt").pk.hex
    yield own, "0" * 64
    yield own, api.headers["X-Auth-Token"]
    yield own.replace(document["id"], other.pk.hex), token
    yield own.replace(api.account.pk.hex, stranger), token
    yield own.replace(document["id"], "nonsense"), token


def test_a_token_is_for_one_recording_of_one_account(api: Api, leg_uuid: str, refused: Refused) -> None:
    document = awaited(api, leg_uuid)
    bodies = set()
    for url, token in wrong_tokens(api, document):
        answer = put({"upload": {"url": url, "token": token}}, WAV)
        refused(answer, 401, "invalid_credentials")
        bodies.add(json.dumps(answer.json()["data"]))
    assert len(bodies) == 1
    assert not Media.objects.exists()


def test_a_token_runs_out(api: Api, leg_uuid: str, refused: Refused) -> None:
    document = awaited(api, leg_uuid)
    UploadToken.objects.update(expires_at=timezone.now())
    refused(put(document, WAV), 401, "invalid_credentials")
    sweep()
    recording = Recording.objects.get()
    assert (recording.state, recording.finding) == (State.MISSING, Finding.MISSING)
    assert "ran out" in recording.state_reason


def test_without_an_upload_token_nobody_sends_anything(api: Api, outsider: Api, refused: Refused) -> None:
    recording = make_recording(make_call(api.account))
    path = f"accounts/{api.account.pk.hex}/recordings/{recording.pk.hex}/media"
    refused(api.raw(path, "PUT", data=WAV), 401, "invalid_credentials")
    refused(outsider.raw(path, "PUT", data=WAV), 404, "bad_identifier")


@pytest.mark.parametrize(
    ("audio", "state", "finding", "reason"),
    [
        (bytes(range(256)) * 40, State.FAILED, Finding.UNREADABLE, "neither WAV nor MP3"),
        (WAV[:44], State.MISSING, Finding.EMPTY, "no sound"),
        (b"", State.MISSING, Finding.EMPTY, "no sound"),
        (b"RIFF" + b"\xff" * 4 + b"WAVE" + b"\0" * 100, State.FAILED, Finding.UNREADABLE, "The file is"),
        (b"\xff\xfb" + b"\0" * 500, State.FAILED, Finding.UNREADABLE, "MP3"),
    ],
    ids=["random", "header only", "nothing", "hollow riff", "hollow mp3"],
)
def test_what_is_no_audio_is_refused_and_the_recording_says_why(
    api: Api, leg_uuid: str, refused: Refused, audio: bytes, state: str, finding: str, reason: str
) -> None:
    document = awaited(api, leg_uuid)
    refused(put(document, audio), 422, "no_audio")
    recording = Recording.objects.get()
    assert (recording.state, recording.finding) == (state, finding)
    assert reason in recording.state_reason
    assert (Media.objects.count(), leftovers()) == (0, [])
    assert put(document, WAV).status_code == 201
    assert Recording.objects.get().finding == ""


def test_a_four_gigabyte_header_is_completed(api: Api, leg_uuid: str) -> None:
    audio = bytearray(WAV)
    audio[40:44] = struct.pack("<I", 0xFFFFFFFF)
    assert put(awaited(api, leg_uuid), bytes(audio)).json()["data"]["duration_ms"] == 1500


def test_an_mp3_is_taken(api: Api, leg_uuid: str) -> None:
    audio = (AUDIO / "녹음_9d241bbe-963c-4ea2-9d5e-d0410da695f6.wav").read_bytes()
    assert put(awaited(api, leg_uuid), audio).status_code == 201


def test_a_file_is_larger_than_a_body_of_the_api_may_be_and_smaller_than_the_limit(
    api: Api, leg_uuid: str, refused: Refused, settings: Any
) -> None:
    settings.CCPORTAL_UPLOAD_MOST_MB = 2
    audio = tone(1.0)[:44] + bytes(BODY_LIMIT + 100_000)
    document = awaited(api, leg_uuid)
    refused(put(document, audio + bytes(2_000_000)), 413, "body too large")
    assert (Recording.objects.get().state, leftovers()) == (State.EXPECTED, [])
    assert put(document, audio).status_code == 201


def test_a_digest_that_does_not_agree_refuses_the_file(api: Api, leg_uuid: str, refused: Refused) -> None:
    document = awaited(api, leg_uuid)
    right, wrong = (
        f"sha-256=:{base64.b64encode(hashlib.sha256(audio).digest()).decode()}:" for audio in (WAV, WAV[1:])
    )
    refused(put(document, WAV, Content_Digest=wrong), 400, "incomplete")
    assert Recording.objects.get().state == State.EXPECTED
    assert put(document, WAV, Content_Digest=right).status_code == 201


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(errno.ENOSPC, 507, "insufficient_storage"), (errno.EIO, 503, "try_again")],
    ids=["full", "broken"],
)
@pytest.mark.parametrize("place", ["draft", "storage"])
def test_a_disk_that_takes_nothing_leaves_all_as_it_was(
    api: Api,
    leg_uuid: str,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    number: int,
    code: int,
    word: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "The disk says no")

    document = awaited(api, leg_uuid)
    with monkeypatch.context() as broken:
        broken.setattr(uploads, *{"draft": ("make_folders", refuse), "storage": ("store", refuse)}[place])
        answer = put(document, WAV)
    refused(answer, code, word)
    assert int(answer["Retry-After"]) > 0
    recording = Recording.objects.get()
    assert (recording.state, recording.stored_at, leftovers()) == (State.EXPECTED, None, [])
    assert put(document, WAV).status_code == 201


def test_a_recording_that_was_marked_missing_takes_the_late_file(api: Api, leg_uuid: str) -> None:
    call = make_call(api.account)
    recording = make_recording(call, state=State.MISSING, finding=Finding.MISSING, switch_ms=None)
    path = f"accounts/{api.account.pk.hex}/recordings/{recording.pk.hex}/upload_token"
    document = api.raw(path, "POST").json()["data"]
    assert put(document, WAV).status_code == 201
    recording.refresh_from_db()
    assert (recording.state, recording.finding) == (State.PROCESSING, "")


def test_a_program_that_names_a_call_whose_file_is_missing_sends_that(api: Api) -> None:
    recording = make_recording(make_call(api.account), state=State.MISSING, finding=Finding.OUTSIDE)
    assert awaited(api, recording.leg_uuid)["id"] == recording.pk.hex


def test_a_file_that_came_before_its_call_finds_it_and_no_other_tenants(api: Api, outsider: Api) -> None:
    make_switch()
    document = awaited(api, "the-call")
    put(document, WAV)
    theirs = make_leg(make_call(outsider.account, leg_uuid="the-call"))
    sweep()
    assert Recording.objects.get().call is None
    ours = make_leg(make_call(api.account, leg_uuid="the-call", switch=make_switch()))
    sweep()
    recording = Recording.objects.get()
    assert (recording.call_id, recording.account_id) == (ours.call_id, api.account.pk)
    assert theirs.call.recording_count == 0


def test_which_switch_is_asked_where_several_could_be_meant(api: Api, refused: Refused) -> None:
    make_switch(name="one")
    make_switch(name="two")
    make_switch(make_account("Bolt"), name="theirs")
    path = f"accounts/{api.account.pk.hex}/recordings"
    for fields in ({}, {"media_server": "theirs"}):
        body = json.dumps({"data": {"call_id": "x", **fields}})
        refused(api.raw(path, "PUT", data=body), 400, "validation error")
    awaited(api, "x", media_server="two", start="2026-03-02T12:00:00Z", file_name="a/../b.wav")
    recording = Recording.objects.get()
    assert (recording.switch.name, recording.path) == ("two", "upload:a_.._b.wav")
    assert (recording.origin, recording.started_at.hour) == (Origin.UPLOAD, 12)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"call_id": ""},
        {"call_id": 1},
        {"call_id": "x" * 256},
        {"call_id": "x", "start": "noon"},
        {"x": 1},
    ],
    ids=["nothing", "empty", "number", "long", "no time", "unknown"],
)
def test_what_is_wrong_with_an_announcement_is_told(api: Api, refused: Refused, data: Any) -> None:
    make_switch()
    path = f"accounts/{api.account.pk.hex}/recordings"
    refused(api.raw(path, "PUT", data=json.dumps({"data": data})), 400, "validation error")
    assert not Recording.objects.exists()


def test_only_who_looks_after_the_account_makes_tokens(api: Api, refused: Refused) -> None:
    recording = make_recording(make_call(api.account, queue_name="3000@default"))
    supervisor = api_of(make_user(api.account, Role.SUPERVISOR))
    path = f"accounts/{api.account.pk.hex}/recordings"
    refused(supervisor.raw(path, "PUT", data='{"data": {"call_id": "x"}}'), 403, "forbidden")
    refused(supervisor.raw(f"{path}/{recording.pk.hex}/upload_token", "POST"), 404, "bad_identifier")


def test_a_file_that_is_being_stored_is_not_stored_twice(api: Api, leg_uuid: str, refused: Refused) -> None:
    document = awaited(api, leg_uuid)
    Recording.objects.update(state=State.PROCESSING, state_at=timezone.now())
    answer = put(document, WAV)
    refused(answer, 503, "try_again")
    Recording.objects.update(state_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert put(document, WAV).status_code == 201


def test_a_deleted_recording_takes_no_file(api: Api, leg_uuid: str, refused: Refused) -> None:
    document = awaited(api, leg_uuid)
    Recording.objects.update(state=State.DELETED)
    refused(put(document, WAV), 409, "datastore_conflict")


def test_an_upload_asks_few_questions(
    api: Api, leg_uuid: str, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    document = awaited(api, leg_uuid)
    with django_assert_max_num_queries(26):
        put(document, WAV)
