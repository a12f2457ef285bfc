"""Settings of the account: saved with their line in the log, refused beside the field, for administrators."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account, AuditEntry, Role
from policies.models import RecordingPolicy
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db

GENERAL = {"name": "Hanbit Care", "time_zone": "Asia/Seoul", "country": "KR", "custom_variables": ""}
NAMES = {"file_name_template": "{caller}", "clip_suffix": "_span"}


def test_what_is_changed_is_saved_and_told_with_before_and_after(account: Account, admin: Client) -> None:
    form = GENERAL | {"time_zone": "Europe/Berlin", "agents_may_listen": "on", "custom_variables": "a, b,a"}
    page = admin.post("/settings/", form, follow=True).content.decode()
    assert "Saved." in page
    assert '<option value="Europe/Berlin" selected>' in page
    account.refresh_from_db()
    assert (account.time_zone, account.agents_may_listen, account.custom_variables) == (
        "Europe/Berlin",
        True,
        ["a", "b"],
    )
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("change", account.pk.hex)
    assert entry.detail["changes"] == {
        "time_zone": ["Asia/Seoul", "Europe/Berlin"],
        "agents_may_listen": [False, True],
        "custom_variables": [[], ["a", "b"]],
    }
    log = admin.get("/compliance/?did=change").content.decode()
    assert "time_zone from Asia/Seoul to Europe/Berlin" in log


def test_saving_the_same_writes_nothing(admin: Client) -> None:
    admin.post("/settings/", GENERAL)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Taken"}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"country": "ZZ"}, "country"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_what_was_typed_stays(
    admin: Client, wrong: dict[str, str], field: str
) -> None:
    factories.make_account("Taken")
    answer = admin.post("/settings/", GENERAL | {"custom_variables": "typed_here"} | wrong)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in page
    assert "typed_here" in page
    assert not AuditEntry.objects.exists()


def test_a_name_that_is_markup_is_escaped_everywhere(admin: Client) -> None:
    admin.post("/settings/", GENERAL | {"name": "<script>alert(1)</script>"})
    assert b"<script>alert" not in admin.get("/settings/").content


def test_a_reseller_sets_up_the_account_that_was_chosen(account: Account, sign_in: SignIn) -> None:
    child = factories.make_account("Child", parent=account)
    reseller = sign_in(factories.make_user(account))
    reseller.post("/accounts/", {"account": child.pk.hex})
    reseller.post("/settings/", GENERAL | {"name": "Grown up"})
    child.refresh_from_db()
    assert child.name == "Grown up"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_others_find_neither_the_pages_nor_the_way_there(
    account: Account, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(factories.make_user(account, role))
    assert "/settings/" not in client.get("/calls/").content.decode()
    for page in ("", "recordings/", "recordings/preview"):
        assert client.get(f"/settings/{page}").status_code == 404
    assert client.post("/settings/", GENERAL).status_code == 404


def test_names_are_tried_on_the_newest_recording(account: Account, admin: Client) -> None:
    call = factories.make_call(account, caller_number="01055551234")
    factories.make_recording(call, caller_number="01055551234", agent_name="1001@default")
    form = {"file_name_template": "{caller}_{agent}", "clip_suffix": "-clip"}
    page = admin.get("/settings/recordings/preview", form).content.decode()
    assert "01055551234_1001.mp3" in page
    assert "01055551234_1001-clip.mp3" in page
    assert "newest recording" in page


def test_without_a_recording_an_example_is_named(admin: Client) -> None:
    page = admin.get("/settings/recordings/preview", {"file_name_template": "{queue}-{direction}"}).content
    assert b"support-inbound.mp3" in page
    assert b"An example" in page


@pytest.mark.parametrize("template", ["{nobody}", "{caller", "a/b", "", "{started:%Q}", "{caller!r}"])
def test_a_template_that_cannot_be_is_refused_in_words(
    account: Account, admin: Client, template: str
) -> None:
    before = account.file_name_template
    answer = admin.post("/settings/recordings/", NAMES | {"file_name_template": template})
    assert answer.status_code == 400
    assert b'id="id_file_name_template_error"' in answer.content
    tried = admin.get("/settings/recordings/preview", {"file_name_template": template})
    assert tried.status_code == 200
    assert b".mp3" not in tried.content
    account.refresh_from_db()
    assert account.file_name_template == before


@pytest.mark.parametrize("suffix", ["../x", "a b", "", "ends-", "\u202e1"])
def test_an_ending_that_no_disk_takes_is_refused(admin: Client, suffix: str) -> None:
    assert admin.post("/settings/recordings/", NAMES | {"clip_suffix": suffix}).status_code == 400


def test_without_javascript_names_are_shown_and_not_saved(account: Account, admin: Client) -> None:
    page = admin.post("/settings/recordings/", NAMES | {"preview": "1"}).content.decode()
    assert "+493012345678.mp3" in page
    account.refresh_from_db()
    assert account.file_name_template != "{caller}"


def test_what_is_recorded_is_said_in_words(account: Account, admin: Client) -> None:
    assert "Nothing is recorded by this." in admin.get("/settings/recordings/").content.decode()
    cell = {"offnet": {"enabled": True}}
    RecordingPolicy.objects.create(account=account, document={"account": {"inbound": cell}})
    page = admin.get("/settings/recordings/").content.decode()
    assert "Calls from outside are recorded." in page
    assert f"/admin/policies/recordingpolicy/account/{account.pk.hex}/" in page
