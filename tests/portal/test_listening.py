"""Which seconds were listened to, told by the player and shown on the call's page."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account, Role
from recordings.listening import MOST_SITTINGS, length_of, merged
from recordings.models import Listening, Recording
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db

SESSION = "0123456789abcdef" * 2


@pytest.fixture
def recording(account: Account) -> Recording:
    recording = factories.make_recording(factories.make_call(account))
    factories.make_media(recording, factories.tone(8.0))
    return recording


def tell(client: Client, recording: Recording, spans: str, session: str = SESSION) -> int:
    path = f"/recordings/{recording.pk.hex}/listening"
    return client.post(path, {"session": session, "spans": spans}).status_code


def test_what_is_told_of_a_sitting_is_merged(admin: Client, recording: Recording) -> None:
    told = ("0-1000", "900-2000,5000-6000", "900-2000,5000-6000", "7000-99999")
    assert [tell(admin, recording, spans) for spans in told] == [204] * 4
    row = Listening.objects.get()
    assert row.spans == [[0, 2000], [5000, 6000], [7000, 8000]]
    assert (row.heard_ms, row.session) == (4000, SESSION)


@pytest.mark.parametrize(
    "spans", ["", "x", "5-5", "9-3", "1-2,", "-1-4", "1-2;3-4", "9000-9500", "1-2," * 60]
)
def test_what_is_no_span_of_the_file_is_refused(admin: Client, recording: Recording, spans: str) -> None:
    assert tell(admin, recording, spans) == 400
    assert tell(admin, recording, "0-1", "short") == 400
    assert not Listening.objects.exists()


def test_sittings_of_one_person_are_bounded(admin: Client, recording: Recording) -> None:
    for number in range(MOST_SITTINGS + 3):
        assert tell(admin, recording, f"{number}-{number + 1}", f"{number:032x}") == 204
    assert Listening.objects.count() == MOST_SITTINGS


def test_who_may_not_listen_tells_nothing(account: Account, recording: Recording, sign_in: SignIn) -> None:
    agent = factories.make_user(account, Role.AGENT, agent_name="1001")
    Recording.objects.update(user=agent)
    assert tell(sign_in(agent), recording, "0-1000") == 403
    stranger = factories.make_user(factories.make_account())
    assert tell(sign_in(stranger), recording, "0-1000") == 404
    assert not Listening.objects.exists()


def test_those_who_look_after_others_see_who_has_listened(
    account: Account, recording: Recording, sign_in: SignIn
) -> None:
    ada = sign_in(factories.make_user(account, name="Ada"))
    tell(ada, recording, "0-3000")
    page = f"/calls/{recording.call_id.hex}/" if recording.call_id else ""
    assert "heard 0:03 of 0:08" in ada.get(page).content.decode()
    reviewer = factories.make_user(
        account, Role.REVIEWER, teams=[factories.make_team(account, queues=[])], agent_name="1001"
    )
    Recording.objects.update(user=reviewer)
    assert "heard 0:03" not in sign_in(reviewer).get(page).content.decode()


def test_without_script_the_ranges_tell(admin: Client, recording: Recording) -> None:
    for header in ("bytes=0-32043", "bytes=128000-"):
        answer = admin.get(f"/recordings/{recording.pk.hex}/media", headers={"Range": header})
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    row = Listening.objects.get()
    assert (row.session, len(row.spans)) == ("", 2)
    assert row.heard_ms == pytest.approx(1000 + 4000, abs=10)
    page = admin.get(f"/calls/{recording.call_id.hex}/" if recording.call_id else "").content.decode()
    assert "was sent 0:05 of 0:08" in page


def test_a_download_is_told_beside_the_listening(
    account: Account, recording: Recording, sign_in: SignIn
) -> None:
    ada = sign_in(factories.make_user(account, name="Ada"))
    b"".join(ada.get(f"/recordings/{recording.pk.hex}/media?download").streaming_content)  # type: ignore[attr-defined]
    page = ada.get(f"/calls/{recording.call_id.hex}/" if recording.call_id else "").content.decode()
    name = recording.media.get().file_name
    assert f"downloaded {name}<" in page


@settings(deadline=None)
@given(spans=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=20), most=st.integers(1, 9))
def test_merged_spans_are_in_order_apart_and_few(spans: list[tuple[int, int]], most: int) -> None:
    found = merged(spans, most)
    assert len(found) <= most
    assert all(begin < end for begin, end in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    covered = {moment for begin, end in spans for moment in range(begin, end)}
    assert covered <= {moment for begin, end in found for moment in range(begin, end)}
    assert length_of(found) >= len(covered)
