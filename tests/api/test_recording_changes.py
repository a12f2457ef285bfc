"""Tags and holds of a recording, and that its audio goes, as programs ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import AuditEntry, Role
from recordings.deletion import erase
from recordings.holding import hold_period
from recordings.models import Media, Recording, State
from recordings.tagging import owner_of, tags_of
from tests.api.conftest import Api, api_of
from tests.api.test_patch import send
from tests.factories import NOON, make_call, make_lone_recording, make_media, make_recording, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(api: Api) -> Recording:
    recording = make_recording(make_call(api.account), stored_at=NOON)
    make_media(recording)
    return recording


def ask(api: Api, method: str, recording: Recording, data: dict[str, Any] | None = None) -> Any:
    return send(api, method, f"/recordings/{recording.pk.hex}", data or {})


def test_a_recording_on_hold_is_not_deleted(api: Api, recording: Recording) -> None:
    assert ask(api, "PATCH", recording, {"legal_hold": True}).json()["data"]["legal_hold"] is True
    refused = ask(api, "DELETE", recording)
    assert (refused.status_code, refused.json()["data"]["reason"]) == (409, "legal_hold")
    assert ask(api, "PATCH", recording, {"legal_hold": False}).status_code == 200
    assert ask(api, "DELETE", recording).json()["data"]["state"] == State.DELETING


def test_deleted_audio_is_gone_and_the_row_stays(api: Api, recording: Recording) -> None:
    path = Path(settings.MEDIA_ROOT) / Media.objects.get().key
    ask(api, "DELETE", recording)
    assert api.own(f"/recordings/{recording.pk.hex}/media").status_code == 404
    erase(recording.pk)
    shown = api.own(f"/recordings/{recording.pk.hex}").json()["data"]
    assert (shown["state"], shown["variants"]) == (State.DELETED, [])
    assert not path.exists()
    assert AuditEntry.objects.filter(action="recording.delete", object_id=recording.pk.hex).exists()


def test_a_period_on_hold_keeps_too(api: Api, recording: Recording) -> None:
    hold_period(api.account, NOON.replace(hour=0), NOON.replace(hour=23), None, "Case 1")
    assert ask(api, "DELETE", recording).status_code == 409


@pytest.mark.parametrize("state", [State.RECORDING, State.RECEIVED, State.DELETED, State.DELETING])
def test_what_is_not_there_cannot_be_deleted(api: Api, recording: Recording, state: State) -> None:
    Recording.objects.update(state=state)
    refused = ask(api, "DELETE", recording)
    assert (refused.status_code, refused.json()["data"]["reason"]) == (409, state)


def test_tags_are_replaced_and_taken_back(api: Api, recording: Recording) -> None:
    assert ask(api, "PATCH", recording, {"tags": ["billing", "키"]}).json()["data"]["tags"] == [
        "billing",
        "키",
    ]
    assert ask(api, "PATCH", recording, {"tags": None}).json()["data"]["tags"] == []


def test_a_call_s_tags_are_those_of_all_its_recordings(api: Api, recording: Recording) -> None:
    other = make_recording(recording.call) if recording.call else recording
    ask(api, "PATCH", recording, {"tags": ["=2+3", "vip"]})
    assert ask(api, "PATCH", other, {}).json()["data"]["tags"] == ["=2+3", "vip"]
    assert [row["tags"] for row in api.rows("/cdrs/interaction")] == [["=2+3", "vip"]]
    ask(api, "PATCH", other, {"tags": ["vip"]})
    assert ask(api, "PATCH", recording, {}).json()["data"]["tags"] == ["vip"]
    entry = AuditEntry.objects.filter(action="call.tag").latest("at")
    assert entry.detail == {"added": [], "removed": ["=2+3"]}


def test_a_recording_without_a_call_keeps_its_own_tags(api: Api, recording: Recording) -> None:
    lone = make_lone_recording(api.account)
    ask(api, "PATCH", lone, {"tags": ["lone"]})
    ask(api, "PATCH", recording, {"tags": ["called"]})
    assert {row["id"]: row["tags"] for row in api.rows("/recordings")} == {
        lone.pk.hex: ["lone"],
        recording.pk.hex: ["called"],
    }
    found = [row["id"] for row in api.rows("/recordings", filter_tags="lone")]
    assert found == [lone.pk.hex]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"tags": "billing"}, "tags"),
        ({"tags": [""]}, "tags.0"),
        ({"tags": ["x", "x"]}, "tags"),
        ({"legal_hold": 1}, "legal_hold"),
        ({"legal_hold": "yes"}, "legal_hold"),
        ({"state": "deleted"}, "state"),
    ],
)
def test_what_breaks_a_rule_changes_nothing(
    api: Api, recording: Recording, data: dict[str, Any], path: str
) -> None:
    answer = ask(api, "PATCH", recording, {"tags": ["kept"]} | data)
    assert (answer.status_code, list(answer.json()["data"])) == (400, [path])
    recording.refresh_from_db()
    assert (tags_of(owner_of(recording)), recording.legal_hold) == ([], False)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(Role.SUPERVISOR, {"tags", "legal_hold"}), (Role.REVIEWER, {"tags"}), (Role.AGENT, set())],
)
def test_each_role_changes_what_it_may(api: Api, role: Role, allowed: set[str]) -> None:
    person = make_user(api.account, role)
    recording = make_recording(make_call(api.account), stored_at=NOON, user=person)
    for name, value in (("tags", ["x"]), ("legal_hold", True)):
        status = ask(api_of(person), "PATCH", recording, {name: value}).status_code
        assert status == (200 if name in allowed else 403)
    assert ask(api_of(person), "DELETE", recording).status_code == 403


def test_an_account_says_how_long_it_keeps(api: Api) -> None:
    answer = send(api, "PATCH", "", {"keep_recordings_days": 30})
    assert answer.json()["data"]["keep_recordings_days"] == 30
    assert send(api, "PATCH", "", {"keep_recordings_days": 0}).status_code == 400
    assert send(api, "PATCH", "", {"keep_recordings_days": None}).status_code == 200
    assert api.own().json()["data"]["keep_recordings_days"] is None
