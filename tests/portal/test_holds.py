"""Legal holds on the page of a call: seen, placed and released by those who may, and nobody else."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account, AuditEntry, Role
from cdr.models import Call
from recordings.holding import hold_call, hold_number
from recordings.holds import HoldKind, LegalHold
from recordings.models import Recording
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
QUEUE = "3000@default"


@pytest.fixture
def call(account: Account) -> Call:
    return factories.make_call(account, queue_name=QUEUE, caller_number="01055551234")


@pytest.fixture
def recording(call: Call) -> Recording:
    recording = factories.make_recording(call, queue_name=QUEUE)
    factories.make_media(recording)
    return recording


@pytest.fixture
def supervisor(account: Account, sign_in: SignIn) -> Client:
    team = factories.make_team(account, queues=[factories.make_queue(account, QUEUE)])
    return sign_in(factories.make_user(account, Role.SUPERVISOR, teams=[team]))


def page(client: Client, call: Call) -> str:
    return " ".join(client.get(f"/calls/{call.pk.hex}/").content.decode().split())


def post(client: Client, path: str, **data: str) -> tuple[int, str]:
    answer = client.post(path, data, follow=True)
    return answer.status_code, " ".join(answer.content.decode().split())


def test_a_call_is_held_for_a_reason_and_released(call: Call, recording: Recording, admin: Client) -> None:
    assert "Not on hold" in page(admin, call)
    status, html = post(admin, f"/calls/{call.pk.hex}/holds", reason="Case <7>")
    hold = LegalHold.objects.get()
    assert (status, hold.kind, hold.call, hold.reason) == (200, HoldKind.CALL, call, "Case <7>")
    assert "On hold from now on." in html
    assert "Case &lt;7&gt;" in html
    status, html = post(admin, f"/calls/{call.pk.hex}/holds/{hold.pk.hex}/release")
    hold.refresh_from_db()
    assert hold.released_at is not None
    assert "Not on hold" in html
    actions = AuditEntry.objects.order_by("at").values_list("action", flat=True)
    assert list(actions) == ["hold.place", "hold.release"]


def test_a_supervisor_holds_one_recording_of_the_team(
    call: Call, recording: Recording, supervisor: Client
) -> None:
    post(supervisor, f"/calls/{call.pk.hex}/holds", reason="Case 8", recording=recording.pk.hex)
    recording.refresh_from_db()
    assert recording.legal_hold
    html = page(supervisor, call)
    assert "Case 8" in html
    assert "Legal hold</span>" in html
    post(supervisor, f"/calls/{call.pk.hex}/holds/{LegalHold.objects.get().pk.hex}/release")
    recording.refresh_from_db()
    assert not recording.legal_hold


def test_each_reason_is_a_hold_of_its_own_and_the_same_is_not_two(
    call: Call, recording: Recording, admin: Client
) -> None:
    for reason in ("Case 8", "Case 9", "Case 8"):
        post(admin, f"/calls/{call.pk.hex}/holds", reason=reason, recording=recording.pk.hex)
    assert set(LegalHold.objects.values_list("reason", flat=True)) == {"Case 8", "Case 9"}
    assert LegalHold.objects.count() == 2


def test_a_hold_on_its_number_is_shown_and_released_elsewhere(
    account: Account, call: Call, admin: Client
) -> None:
    hold = hold_number(account, "010 5555 1234", None, "Case 10")
    html = page(admin, call)
    assert "Case 10" in html
    assert "/compliance/#holds" in html
    assert admin.post(f"/calls/{call.pk.hex}/holds/{hold.pk.hex}/release").status_code == 404
    other = factories.make_call(account, caller_number="01099999999", dialed_number="01088888888")
    assert "Case 10" not in page(admin, other)


@pytest.mark.parametrize(
    "data", [{}, {"reason": " \n"}, {"reason": "x", "recording": "x"}, {"reason": "x", "recording": "0" * 32}]
)
def test_a_hold_without_a_reason_or_of_nothing_is_none(
    data: dict[str, str], call: Call, recording: Recording, admin: Client
) -> None:
    html = post(admin, f"/calls/{call.pk.hex}/holds", **data)[1]
    assert "Say why it must stay." in html or "There is no such recording" in html
    assert not LegalHold.objects.exists()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AGENT])
def test_others_of_the_team_may_not(
    role: Role, account: Account, call: Call, recording: Recording, sign_in: SignIn
) -> None:
    hold = hold_call(call, None, "Case 11")
    assert hold
    user = factories.make_user(account, role, agent_name="1001")
    Call.objects.update(user=user)
    client = sign_in(user)
    assert "Case 11" not in page(client, call)
    assert client.post(f"/calls/{call.pk.hex}/holds", {"reason": "x"}).status_code in (403, 404)
    assert client.post(f"/calls/{call.pk.hex}/holds/{hold.pk.hex}/release").status_code in (403, 404)
    hold.refresh_from_db()
    assert (LegalHold.objects.count(), hold.released_at) == (1, None)


def test_a_supervisor_of_another_team_does_not_see_it(account: Account, call: Call, sign_in: SignIn) -> None:
    hold = hold_call(call, None, "Case 12")
    assert hold
    team = factories.make_team(account, queues=[factories.make_queue(account, "3010@default")])
    other = sign_in(factories.make_user(account, Role.SUPERVISOR, teams=[team]))
    assert other.post(f"/calls/{call.pk.hex}/holds", {"reason": "x"}).status_code == 404
    assert other.post(f"/calls/{call.pk.hex}/holds/{hold.pk.hex}/release").status_code == 404
