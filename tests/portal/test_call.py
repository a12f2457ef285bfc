"""The page of one call, its drawer, its audio."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AuditEntry, Role
from ccportal.portal.drawing import draw
from ccportal.portal.rows import Names
from ccportal.portal.timeline import Evidence, Timeline
from cdr.models import AgentOffer, Call, CallAlias, Leg, QueueVisit
from recordings.models import Decision, Finding, Recording, State
from tests import factories
from tests.portal.conftest import SignIn
from tests.portal.tenant import make_transferred_call

pytestmark = pytest.mark.django_db
KOREA = Names(
    "KR", {"3000@default": "3000 Support"}, {"1001": "1001 Anna", "1003": "1003 Mei", "1004": "1004 Deniz"}
)


@pytest.fixture
def call(account: Account) -> Call:
    return make_transferred_call(account, factories.make_switch(), factories.NOON)


@pytest.fixture
def recording(call: Call) -> Recording:
    return call.recordings.get()


def drawn(call: Call) -> Timeline:
    legs, visits = list(Leg.objects.filter(call=call)), list(QueueVisit.objects.filter(call=call))
    offers = list(AgentOffer.objects.filter(call=call))
    return draw(Evidence(call, legs, visits, offers, timezone.now()), KOREA)


def test_the_page_tells_the_facts_in_the_zone_of_the_account(call: Call, admin: Client) -> None:
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    for told in (
        "Mon 2 Mar, 21:00:00",
        "KST",
        "010-5840-0500",
        "070-7006-7777",
        "1:14",
        "7:02",
        "and 0:42 hold",
        "9:12",
    ):
        assert told in html


def test_an_id_with_dashes_leads_to_the_same_page(call: Call, admin: Client) -> None:
    assert admin.get(f"/calls/{call.pk}/").status_code == 200


def test_an_id_from_before_a_merge_leads_on(call: Call, admin: Client) -> None:
    alias = CallAlias.objects.create(id=uuid.uuid4(), call=call)
    response = admin.get(f"/calls/{alias.pk.hex}/")
    assert (response.status_code, response.headers["Location"]) == (301, f"/calls/{call.pk.hex}/")


@pytest.mark.parametrize("place", ["/calls/{}/", "/calls/{}/drawer"])
def test_another_tenant_s_call_is_not_there(admin: Client, place: str) -> None:
    stranger = factories.make_call(factories.make_account("Other"))
    alias = CallAlias.objects.create(id=uuid.uuid4(), call=stranger)
    for key in (stranger.pk, alias.pk, uuid.uuid4()):
        response = admin.get(place.format(key.hex))
        assert response.status_code == 404
        assert "Not found" in response.content.decode()


def test_the_timeline_has_a_row_for_the_caller_and_each_agent_offered(call: Call) -> None:
    assert [row.name for row in drawn(call).rows] == ["Kim Min-seo", "1003 Mei", "1001 Anna", "1004 Deniz"]


def test_the_caller_s_row_is_menu_wait_talk_hold_talk(call: Call) -> None:
    spans = sorted(drawn(call).rows[0].spans, key=lambda span: span.left)
    assert [(span.kind, span.label) for span in spans] == [
        ("ivr", "Menu"),
        ("wait", "Waiting"),
        ("talk", "With 1001 Anna"),
        ("hold", ""),
        ("offer", ""),
        ("talk", "With 1004 Deniz"),
    ]


def test_spans_stand_where_they_were(call: Call) -> None:
    wait = next(span for span in drawn(call).rows[0].spans if span.kind == "wait")
    assert wait.left == pytest.approx(100 * 38 / 552)
    assert wait.width == pytest.approx(100 * 74 / 552)


def test_an_agent_who_did_not_answer_is_told(call: Call) -> None:
    assert drawn(call).rows[1].told == "1003 Mei: rang from 0:58, No answer, 0:20"


def test_what_happened_is_a_list_in_order(call: Call) -> None:
    told = [f"{happening.at} {happening.what}" for happening in drawn(call).happenings]
    assert told == [
        "0:00 Kim Min-seo calls",
        "0:38 Waits in 3000 Support",
        "0:58 1003 Mei rings",
        "1:18 1003 Mei did not take it: no answer",
        "1:40 1001 Anna rings",
        "1:52 1001 Anna answers",
        "4:10 On hold for 0:42",
        "5:40 1001 Anna transfers the call to 1004 Deniz",
        "5:41 1004 Deniz rings",
        "5:58 1004 Deniz answers",
        "9:12 Over: hung up",
    ]


def test_a_call_that_goes_on_is_drawn_up_to_now(account: Account) -> None:
    call = factories.make_call(
        account,
        started_at=timezone.now() - timedelta(seconds=60),
        ended_at=None,
        duration_ms=None,
        outcome="in_progress",
    )
    factories.make_leg(call)
    timeline = drawn(call)
    assert timeline.scale.total_ms == pytest.approx(60_000, abs=5_000)
    assert timeline.rows[0].spans[-1].kind == "talk"


@pytest.mark.parametrize("events", ["", "{{x,y}}", "{{5,1}}", "{{1,99999999999999999}}", "<script>", 7, None])
def test_a_bent_hold_is_left_out(account: Account, events: object) -> None:
    call = factories.make_call(account)
    factories.make_leg(call, variables={"hold_events": events})
    assert "hold" not in [span.kind for span in drawn(call).rows[0].spans]


def test_a_call_without_any_part_has_a_page(account: Account, admin: Client) -> None:
    call = factories.make_call(account, caller_number="", caller_name="", dialed_number="", callee_number="")
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert "Unknown" in html
    assert "Nothing asked the switch to record this call." in html


@pytest.mark.parametrize(
    ("state", "finding", "words"),
    [
        (State.MISSING, Finding.MISSING, "there is no file where it said"),
        (State.FAILED, Finding.EMPTY, "holds no audio"),
        (State.FAILED, Finding.UNFINISHED, "never closed the file"),
        (State.DISCARDED, Finding.DISCARDED, "shorter than the shortest it keeps"),
        (State.PROCESSING, "", "being checked"),
        (State.DELETED, "", "audio was deleted"),
    ],
)
def test_a_recording_that_cannot_be_heard_says_why(
    account: Account, admin: Client, state: State, finding: str, words: str
) -> None:
    call = factories.make_call(account)
    factories.make_recording(call, state=state, finding=finding)
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert words in html
    assert "<audio" not in html


def decide(call: Call, **told: object) -> Decision:
    return Decision.objects.create(
        switch=call.switch, call=call, leg_uuid=call.leg_uuid, decided_at=call.started_at, **told
    )


def block(html: str) -> str:
    """The block that says why, without its tags."""
    found = re.search(r'<details class="card" id="reasons">(.*?)</details>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split()) if found else ""


def test_the_page_says_why_it_was_and_was_not_recorded(account: Account, admin: Client) -> None:
    call = factories.make_call(account)
    facts = {"from": "offnet", "to": "onnet"}
    grant = {"scope": "queue", "because": "Recorded by the queue 3000@default."}
    refusal = {"scope": "caller", "because": "The <b>device's</b> outbound.onnet says no.", "pending": False}
    complaint = {"leg": call.leg_uuid, "because": "The switch did not start the recording: no\r\nroom"}
    decide(call, facts=facts, grants=[grant, grant], refusals=[refusal], complaints=[complaint])
    assert block(admin.get(f"/calls/{call.pk.hex}/").content.decode()) == (
        "Why it was decided so Came from outside, went to inside. Refused by the switch "
        "Recorded Recorded by the queue 3000@default. "
        "Not recorded The &lt;b&gt;device&#x27;s&lt;/b&gt; outbound.onnet says no. "
        "Refused by the switch The switch did not start the recording: no room"
    )


def test_a_call_of_which_nothing_was_decided_gives_no_reasons(account: Account, admin: Client) -> None:
    call, other = factories.make_call(account), factories.make_call(account)
    decide(other, grants=[{"because": "Recorded by the account."}])
    assert block(admin.get(f"/calls/{call.pk.hex}/").content.decode()) == ""


def test_reasons_stay_as_they_were_stored(account: Account, admin: Client) -> None:
    """Whatever the policies and the facts are called by then."""
    call = factories.make_call(account)
    decide(call, facts={"from": 7}, grants=[{}], refusals=[{"because": None}])
    told = block(admin.get(f"/calls/{call.pk.hex}/").content.decode())
    assert "Came from unknown, went to unknown." in told


def test_the_second_take_can_be_chosen(call: Call, recording: Recording, admin: Client) -> None:
    second = factories.make_recording(call, started_at=call.started_at + timedelta(seconds=400))
    factories.make_media(second)
    assert f"/recordings/{recording.pk.hex}/peaks" in admin.get(f"/calls/{call.pk.hex}/").content.decode()
    chosen = admin.get(f"/calls/{call.pk.hex}/?take={second.pk.hex}").content.decode()
    assert f"/recordings/{second.pk.hex}/peaks" in chosen


def test_raw_fields_are_shown_as_they_came_and_escaped(call: Call, admin: Client) -> None:
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert "&lt;b&gt;Evil&lt;/b&gt; Phone/1.0" in html


def test_the_queries_of_a_page_do_not_grow_with_the_call(call: Call, admin: Client) -> None:
    small = factories.make_call(call.account)
    with CaptureQueriesContext(connection) as few:
        admin.get(f"/calls/{small.pk.hex}/")
    with CaptureQueriesContext(connection) as many:
        admin.get(f"/calls/{call.pk.hex}/")
    assert len(few) <= len(many) <= 24


def test_without_script_the_audio_has_the_browser_s_own_controls(
    call: Call, recording: Recording, admin: Client
) -> None:
    html = admin.get(f"/calls/{call.pk.hex}/").content.decode()
    assert f'controls preload="none" src="/recordings/{recording.pk.hex}/media?format=wav"' in html


def test_audio_comes_in_ranges(recording: Recording, admin: Client) -> None:
    response = admin.get(f"/recordings/{recording.pk.hex}/media", headers={"Range": "bytes=4-7"})
    assert response.status_code == 206
    assert len(response.getvalue()) == 4
    assert response.headers["Content-Disposition"].startswith("inline")


def test_listening_is_on_record(recording: Recording, admin: Client) -> None:
    admin.get(f"/recordings/{recording.pk.hex}/media").getvalue()
    entry = AuditEntry.objects.get(action="recording.play")
    assert entry.object_id == recording.pk.hex


def test_peaks_have_a_lane_per_channel(recording: Recording, admin: Client) -> None:
    peaks = json.loads(admin.get(f"/recordings/{recording.pk.hex}/peaks").content)
    assert [len(channel) > 100 for channel in peaks["channels"]] == [True, True]
    assert max(peaks["channels"][0]) <= peaks["maximum"]


@pytest.mark.parametrize(
    ("role", "agents_may", "reviewers_may", "play", "download"),
    [
        (Role.ADMIN, False, False, 200, 200),
        (Role.SUPERVISOR, False, False, 200, 200),
        (Role.REVIEWER, False, False, 200, 403),
        (Role.REVIEWER, False, True, 200, 200),
        (Role.AGENT, False, False, 403, 403),
        (Role.AGENT, True, False, 200, 403),
    ],
)
def test_who_may_listen_and_who_may_download(
    account: Account, call: Call, recording: Recording, sign_in: SignIn,
    role: Role, agents_may: bool, reviewers_may: bool, play: int, download: int,
) -> None:  # fmt: skip
    account.agents_may_listen, account.reviewers_may_download = agents_may, reviewers_may
    account.save()
    queue = factories.make_queue(account, "3000@default")
    team = factories.make_team(account, queues=[queue])
    Recording.objects.filter(pk=recording.pk).update(queue_name="3000@default", agent_name="1004")
    client = sign_in(factories.make_user(account, role, teams=[team], agent_name="1004"))
    address = f"/recordings/{recording.pk.hex}/media"
    assert (status_of(client, address), status_of(client, f"{address}?download")) == (play, download)
    assert client.get(f"/recordings/{recording.pk.hex}/peaks").status_code == play
    html = client.get(f"/calls/{call.pk.hex}/").content.decode()
    assert ("<audio" in html, "&amp;download" in html) == (play == 200, download == 200)


def status_of(client: Client, address: str) -> int:
    """Ask for a file and read it to its end."""
    response = client.get(address)
    response.getvalue()
    return response.status_code


def test_a_file_that_is_gone_is_not_there_and_not_an_error(
    recording: Recording, admin: Client, settings: object
) -> None:
    media = recording.media.get()
    from recordings.storage import storage_of

    storage_of(media).delete(media.key)
    assert admin.get(f"/recordings/{recording.pk.hex}/media").status_code == 404


def test_a_call_in_quarantine_is_for_operators(sign_in: SignIn, admin: Client) -> None:
    call = factories.make_call(None)
    operator = sign_in(factories.make_operator())
    assert admin.get(f"/calls/{call.pk.hex}/").status_code == 404
    assert "In quarantine." in operator.get(f"/calls/{call.pk.hex}/").content.decode()


def test_an_operator_gives_quarantined_calls_to_an_account(account: Account, sign_in: SignIn) -> None:
    for _ in range(2):
        factories.make_call(None, caller_name="Mallory")
    operator = sign_in(factories.make_operator())
    offered = operator.get("/quarantine/").content.decode()
    assert "Mallory" in offered
    data = {"account": str(account.pk), "call": re.findall(r'name="call" value="([^"]*)"', offered)}
    page = operator.post("/quarantine/assign", data, follow=True).content.decode()
    assert "2 calls given to Hanbit Care." in page
    assert set(Call.objects.values_list("account", flat=True)) == {account.pk}


@pytest.mark.parametrize(
    "data", [{}, {"account": "x"}, {"call": "x"}, {"account": str(uuid.uuid4()), "call": uuid.uuid4().hex}]
)
def test_a_bent_assignment_says_what_to_do(sign_in: SignIn, data: dict[str, str]) -> None:
    call = factories.make_call(None)
    page = sign_in(factories.make_operator()).post("/quarantine/assign", data, follow=True).content.decode()
    assert 'role="alert"' in page
    assert Call.objects.get(pk=call.pk).account is None


def test_quarantine_is_not_there_for_tenants(admin: Client, account: Account) -> None:
    call = factories.make_call(None)
    data = {"account": str(account.pk), "call": call.pk.hex}
    assert admin.get("/quarantine/").status_code == admin.post("/quarantine/assign", data).status_code == 404
