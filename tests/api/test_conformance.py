"""The contract of the API, sentence by sentence, in its own order; details are tested beside this file."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.keys import find_token, issue_key, issue_token
from accounts.models import ApiKey, AuthToken
from ccportal.api import urls
from ccportal.api.times import UNIX_EPOCH_IN_GREGORIAN_SECONDS
from recordings.models import Recording
from tests.api.conftest import Api, Refused, api_of
from tests.factories import (
    NOON,
    PASSWORD,
    make_account,
    make_agent,
    make_call,
    make_device,
    make_leg,
    make_media,
    make_offer,
    make_phone_number,
    make_recording,
    make_user,
    make_visit,
)

HEX_32 = re.compile(r"[0-9a-f]{32}")
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
COLLECTION, ITEM = {"GET", "PUT"}, {"GET", "POST", "PATCH", "DELETE"}
VERBS = {
    "": {"GET", "PUT", "POST", "PATCH"},
    "/children": COLLECTION,
    "/descendants": COLLECTION,
    "/users": COLLECTION,
    "/users/x": ITEM,
    "/devices": COLLECTION,
    "/devices/x": ITEM,
    "/phone_numbers": COLLECTION,
    "/phone_numbers/x": ITEM,
    "/api_keys": COLLECTION,
    "/api_keys/x": ITEM,
    "/cdrs": {"GET"},
    "/cdrs/x": {"GET"},
    "/cdrs/interaction": {"GET"},
    "/cdrs/legs/x": {"GET"},
    "/users/x/cdrs": {"GET"},
    "/contacts": COLLECTION,
    "/contacts/x": ITEM,
    "/webhooks": COLLECTION,
    "/webhooks/x": ITEM,
    "/queues": COLLECTION,
    "/queues/x": ITEM,
    "/agents": COLLECTION,
    "/agents/x": ITEM,
    "/agents/x/status": {"GET", "POST"},
    "/stats/queues": {"GET"},
    "/stats/agents": {"GET"},
    "/exports": COLLECTION,
    "/exports/x": {"GET", "DELETE"},
    "/exports/x/file": {"GET"},
    "/recordings": COLLECTION,
    "/recordings/x": {"GET", "PATCH", "DELETE"},
    "/recordings/x/media": COLLECTION,
    "/recordings/x/media/a.wav": COLLECTION,
    "/recordings/x/upload_token": {"POST"},
    "/queue_calls": {"GET"},
    "/agents/x/queue_calls": {"GET"},
    "/users/x/recordings": {"GET"},
    "/recordings/x/peaks": {"GET"},
    "/channels/x": {"POST"},
    "/recording_decision": {"POST"},
}
LIST_ROW = [
    "id",
    "call_id",
    "interaction_id",
    "direction",
    "call_direction_for_people",
    "caller_id_number",
    "caller_id_name",
    "callee_id_number",
    "callee_id_name",
    "to",
    "from",
    "dialed_number",
    "duration_seconds",
    "billing_seconds",
    "timestamp",
    "unix_timestamp",
    "iso_8601",
    "hangup_cause",
    "other_leg_call_id",
    "owner_id",
    "authorizing_id",
    "bridge_id",
    "queue_name",
    "agent_name",
    "media_recordings",
    "media_server",
]
QUEUE_CALL = [
    "caller_id_number",
    "destination_number",
    "queue_name",
    "agent_name",
    "answered_number",
    "system_entered_stamp",
    "queue_entered_stamp",
    "ring_stamp",
    "answer_stamp",
    "end_stamp",
    "wait_seconds",
    "duration",
    "billsec",
    "hangup_cause",
    "cause",
    "cancel_reason",
    "uuid",
    "bleg_uuid",
    "recording_ids",
    "offers",
]
RECORDING = [
    "id",
    "call_id",
    "cdr_id",
    "interaction_id",
    "account_id",
    "owner_id",
    "endpoint_id",
    "queue_name",
    "agent_name",
    "from",
    "to",
    "caller_id_number",
    "caller_id_name",
    "callee_id_number",
    "direction",
    "origin",
    "grants",
    "start",
    "duration",
    "duration_ms",
    "format",
    "channels",
    "sample_rate",
    "size",
    "sha256",
    "state",
    "file_name",
    "source_path",
    "variants",
    "tags",
    "legal_hold",
    "masked",
]


@pytest.fixture
def filled(api: Api) -> Api:
    call = make_call(api.account)
    make_leg(call)
    make_offer(make_visit(call))
    make_media(make_recording(call))
    return api


def send(api: Api, method: str, path: str, data: Any) -> Any:
    return api.raw(f"accounts/{api.account.pk.hex}{path}", method, data=json.dumps({"data": data}))


def sign_in(**data: Any) -> Any:
    return Client().put("/v2/user_auth", {"data": data}, content_type="application/json")


class TestOpening:
    def test_our_ids_are_32_hex_digits_and_the_switchs_are_its_own(self, filled: Api) -> None:
        [row] = filled.rows("/cdrs")
        assert HEX_32.fullmatch(row["id"])
        assert HEX_32.fullmatch(row["interaction_id"])
        assert len(row["call_id"]) == 36

    def test_a_dashed_id_of_ours_is_no_id(self, filled: Api, refused: Refused) -> None:
        refused(filled.get(f"accounts/{filled.account.pk}"), 404, "bad_identifier")

    def test_times_are_utc_and_durations_whole_seconds(self, filled: Api) -> None:
        [visit] = filled.rows("/queue_calls")
        assert all(UTC_TIME.fullmatch(value) for name, value in visit.items() if name.endswith("_stamp"))
        assert isinstance(visit["wait_seconds"], int)


class TestEnvelope:
    def test_an_error_has_its_code_as_text(self, api: Api) -> None:
        body = api.own("/cdrs/nothing").json()
        assert (body["error"], body["message"], body["status"]) == ("404", "bad_identifier", "error")

    def test_a_broken_rule_is_at_its_dotted_path(self, api: Api) -> None:
        policy = {"account": {"inbound": {"offnet": {"time_limit": 20_000}}}}
        answer = send(api, "PATCH", "", {"call_recording": policy})
        problem = answer.json()["data"]["call_recording.account.inbound.offnet.time_limit"]["maximum"]
        assert (problem["target"], problem["value"]) == (10_800, 20_000)
        assert problem["message"]

    def test_nothing_tells_a_foreign_id_from_none(self, api: Api, outsider: Api) -> None:
        leg = make_leg(make_call(outsider.account))
        bodies = [api.own(f"/cdrs/{key}").json()["data"] for key in (leg.pk.hex, "0" * 32, "x")]
        assert bodies[0] == bodies[1] == bodies[2]

    def test_a_conflict_is_409(self, api: Api, refused: Refused) -> None:
        child = make_account("Child", parent=api.account)
        make_account("Grandchild", parent=child)
        refused(api.raw(f"accounts/{child.pk.hex}", "DELETE"), 405, "invalid_method")


class TestAuth:
    @pytest.mark.parametrize("header", [{"X-Auth-Token": "{}"}, {"Authorization": "Bearer {}"}])
    def test_either_header_carries_a_token(self, api: Api, header: dict[str, str]) -> None:
        token = api.headers["X-Auth-Token"]
        headers = {name: value.format(token) for name, value in header.items()}
        assert Client().get(f"/v2/accounts/{api.account.pk.hex}", headers=headers).status_code == 200

    def test_signing_in_is_201_with_token_account_and_owner(self, api: Api) -> None:
        answer = sign_in(username=api.user.username, password=PASSWORD, account_realm="acme.example")
        assert answer.status_code == 201
        assert find_token(answer.json()["auth_token"])
        assert answer.json()["data"] == {"account_id": api.account.pk.hex, "owner_id": api.user.pk.hex}

    def test_hashes_of_passwords_are_no_credentials(self, api: Api, refused: Refused) -> None:
        answer = sign_in(credentials="0" * 32, account_name="Acme", method="md5")
        refused(answer, 400, "validation error")

    def test_what_is_kept_of_keys_and_tokens_is_a_hash(self, api: Api) -> None:
        _, plain = issue_key(api.account)
        token = issue_token(user=api.user)
        kept = [str(row) for model in (ApiKey, AuthToken) for row in model._default_manager.values()]
        assert not any(secret in row for row in kept for secret in (plain, token))

    def test_nothing_reaches_upwards_or_sideways(self, api: Api) -> None:
        child = make_account("Child", parent=api.account)
        sibling = make_account("Sibling", parent=api.account)
        below = api_of(make_user(child))
        reached = {account.name: below.get(f"accounts/{account.pk.hex}/cdrs").status_code
                   for account in (api.account, child, sibling)}  # fmt: skip
        assert reached == {"Acme": 404, "Child": 200, "Sibling": 404}


class TestResources:
    @pytest.mark.parametrize("path", sorted(VERBS))
    def test_a_path_has_its_verbs(self, api: Api, path: str) -> None:
        verbs = VERBS[path]
        if path.endswith("/x/upload_token"):
            path = path.replace("/x/", "/{}/").format(make_recording(make_call(api.account)).pk.hex)
        methods = api.raw(f"accounts/{api.account.pk.hex}{path}", "OPTIONS").json()["data"]["methods"]
        assert set(methods) - {"HEAD", "OPTIONS"} == verbs

    def test_every_path_of_an_account_is_told(self) -> None:
        """A new route has to be written above with its verbs."""
        routes = {f"/{pattern.pattern}" for pattern in urls.account_patterns} | {""}
        told = {re.sub(r"(?<=/)x(?=/|$)", "<>", path).replace("a.wav", "<>") for path in VERBS}
        assert {re.sub(r"<str:\w+>", "<>", route) for route in routes} == told

    @pytest.mark.parametrize(
        ("path", "document"),
        [
            ("", {"name": "Below"}),
            ("/children", {"name": "Below"}),
            ("/users", {"username": "ada", "email": "ada@acme.example"}),
            ("/devices", {"name": "Desk", "sip_username": "1001"}),
            ("/phone_numbers", {"number": "+4930123"}),
            ("/api_keys", {"name": "CRM"}),
            ("/contacts", {"number": "+49 30 5550100", "name": "Erika"}),
            ("/webhooks", {"name": "CRM", "url": "https://203.0.114.9/hooks"}),
            ("/queues", {"name": "3000@default"}),
            ("/agents", {"name": "1001"}),
            ("/exports", {"kind": "cdrs", "format": "csv"}),
        ],
    )
    def test_put_creates_and_tells_where(self, api: Api, path: str, document: Any) -> None:
        answer = send(api, "PUT", path, document)
        assert answer.status_code == 201
        there = api.get(answer["Location"].removeprefix("/v2/")).json()["data"]
        assert there["id"] == answer.json()["data"]["id"]

    def test_post_replaces_the_public_fields(self, api: Api) -> None:
        device = make_device(api.account, "1001", enabled=False)
        path = f"/devices/{device.pk.hex}"
        changed = send(api, "POST", path, {"name": "New", "sip_username": "1002"}).json()["data"]
        assert (changed["name"], changed["sip_username"], changed["enabled"]) == ("New", "1002", True)

    @pytest.mark.parametrize("make", [make_device, make_phone_number, make_user])
    def test_delete_removes(self, api: Api, make: Any) -> None:
        thing = make(api.account)
        kind = {"device": "devices", "phonenumber": "phone_numbers", "user": "users"}[thing._meta.model_name]
        path = f"/{kind}/{thing.pk.hex}"
        assert send(api, "DELETE", path, {}).status_code == 200
        assert api.own(path).status_code == 404

    def test_a_recordings_tags_and_hold_are_changed_and_its_audio_removed(self, filled: Api) -> None:
        Recording.objects.update(stored_at=NOON)
        [row] = filled.rows("/recordings")
        path = f"/recordings/{row['id']}"
        held = send(filled, "PATCH", path, {"tags": ["complaint"], "legal_hold": True}).json()["data"]
        assert (held["tags"], held["legal_hold"]) == (["complaint"], True)
        assert send(filled, "DELETE", path, {}).status_code == 409
        send(filled, "PATCH", path, {"legal_hold": None})
        assert send(filled, "DELETE", path, {}).json()["data"]["state"] == "deleting"
        assert filled.own(path).status_code == 200

    @pytest.mark.parametrize("by", ["quarter_hour", "hour", "day", "week", "month"])
    @pytest.mark.parametrize("kind", ["queues", "agents"])
    def test_figures_are_by_stretches_of_the_accounts_own_time(self, api: Api, kind: str, by: str) -> None:
        body = api.own(f"/stats/{kind}", by=by, created_from="2026-03-01", created_to="2026-03-03").json()
        assert (body["status"], body["time_zone"]) == ("success", "Europe/Berlin")

    def test_an_agents_visits_are_those_it_answered(self, filled: Api) -> None:
        agent = make_agent(filled.account, "1001")
        assert len(filled.rows(f"/agents/{agent.pk.hex}/queue_calls")) == 1
        assert filled.rows(f"/agents/{make_agent(filled.account, '1002').pk.hex}/queue_calls") == []

    def test_the_first_version_is_gone(self, refused: Refused, db: None) -> None:
        refused(Client().get("/v1/accounts"), 410, "gone")


class TestPatch:
    def test_keys_that_are_not_public_are_passed_over(self, api: Api) -> None:
        answer = send(api, "PATCH", "", {"_id": "x", "pvt_type": "account", "name": "New"})
        assert (answer.status_code, answer.json()["data"]["name"]) == (200, "New")

    def test_an_empty_object_changes_nothing(self, api: Api) -> None:
        before = api.own().json()["data"]
        assert send(api, "PATCH", "", {}).json()["data"] == before

    @pytest.mark.parametrize(
        ("value", "code"), [("true", 200), (True, 200), (1, 400), ("yes", 400), ("on", 400)]
    )
    def test_what_is_taken_for_a_boolean(self, api: Api, value: Any, code: int) -> None:
        assert send(api, "PATCH", "", {"agents_may_listen": value}).status_code == code


class TestLists:
    def test_three_ways_to_write_a_time(self, api: Api) -> None:
        for hours in (0, 2):
            make_leg(make_call(api.account, started_at=NOON + timedelta(hours=hours)))
        unix = int((NOON + timedelta(hours=1)).timestamp())
        for since in (unix, unix + UNIX_EPOCH_IN_GREGORIAN_SECONDS, "2026-03-02T13:00:00Z"):
            assert len(api.rows("/cdrs", created_from=since)) == 1

    def test_pages_are_1_to_1000(self, filled: Api) -> None:
        codes = [filled.own("/cdrs", page_size=size).status_code for size in (0, 1, 1000, 1001)]
        assert codes == [400, 200, 200, 400]


class TestRows:
    @pytest.mark.parametrize(
        ("path", "names"), [("/cdrs", LIST_ROW), ("/queue_calls", QUEUE_CALL), ("/recordings", RECORDING)]
    )
    def test_a_row_has_these_fields(self, filled: Api, path: str, names: list[str]) -> None:
        [row] = filled.rows(path)
        assert set(names) <= set(row)

    def test_the_single_cdr_is_the_full_document(self, filled: Api) -> None:
        [row] = filled.rows("/cdrs")
        full = filled.own(f"/cdrs/{row['id']}").json()["data"]
        assert set(row) | {"custom_channel_vars", "grants"} <= set(full)
        assert full["custom_channel_vars"]["media_recording_id"] == row["media_recordings"][0]

    @pytest.mark.parametrize("key", ["id", "interaction_id"])
    def test_legs_are_found_by_an_interaction_or_a_cdr(self, filled: Api, key: str) -> None:
        [row] = filled.rows("/cdrs")
        assert [leg["id"] for leg in filled.rows(f"/cdrs/legs/{row[key]}")] == [row["id"]]

    def test_json_is_what_anything_is(self, filled: Api) -> None:
        [row] = filled.rows("/recordings")
        answer = filled.own(f"/recordings/{row['id']}", headers={"Accept": "*/*"})
        assert answer["Content-Type"] == "application/json"
