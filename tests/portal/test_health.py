"""The health page: what it tells, to whom, and how much it asks the database."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Role, Switch
from ccportal.portal import wording
from cdr import search
from cdr.models import Call, ConnectionGap, EventCount, IngestPosition, QueueFigures
from cdr.recount import check, rebuild
from queues.models import Difference
from recordings.kinds import KINDS
from recordings.models import Damage, Decision, Finding, Orphan, OrphanState, Recording, State
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db
REFUSED = "The switch did not start the recording: -ERR <b>no</b> such channel"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def switch(account: Account, now: datetime) -> Switch:
    return make_heard_switch(account, "fs-seoul-1", now)


@pytest.fixture
def operator(sign_in: SignIn) -> Client:
    return sign_in(factories.make_operator())


def make_heard_switch(account: Account | None, name: str, now: datetime, **fields: Any) -> Switch:
    """Make a switch with a living listener, a minute-long gap and events that could not be used."""
    switch = factories.make_switch(
        account, name, **{"listener": "here", "listener_seen_at": now, "last_heard_at": now} | fields
    )
    IngestPosition.objects.create(switch=switch, last_event_at=now - timedelta(seconds=4))
    lost = now - timedelta(hours=2)
    ConnectionGap.objects.create(
        switch=switch, started_at=lost, ended_at=lost + timedelta(seconds=61), reason=f"{name} went away"
    )
    EventCount.objects.create(
        switch=switch, kind="unknown", name=f"{name}::<i>odd</i>", count=1234, last_at=now
    )
    return switch


def make_file(account: Account, switch: Switch, state: State, finding: str = "", **fields: Any) -> Call:
    call = factories.make_call(account, switch=switch, started_at=timezone.now() - timedelta(hours=1))
    factories.make_recording(call, state=state, finding=finding, **fields)
    return call


def make_complaint(call: Call, because: str = REFUSED) -> Decision:
    said = [{"leg": call.leg_uuid, "because": because}]
    return Decision.objects.create(
        switch=call.switch, call=call, leg_uuid=call.leg_uuid, decided_at=timezone.now(), complaints=said
    )


def page_of(client: Client, query: str = "") -> str:
    response = client.get(f"/health/{query}")
    assert response.status_code == 200
    return response.content.decode()


def figure_of(page: str, key: str) -> str:
    """What the number that leads to a list says; nothing where the page has none."""
    found = re.search(rf'href="/recordings/\?show={key}[^"]*"[^>]*>(?:Look at )?([\d,+]+)[ <]', page)
    return found[1] if found else ""


def test_an_admin_sees_how_the_own_switch_is_heard(admin: Client, switch: Switch) -> None:
    page = page_of(admin)
    for words in (
        "fs-seoul-1",
        "Connected",
        "2 h ago",
        "1,234",
        "1:01",
        "fs-seoul-1 went away",
        "Nothing needs you.",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"enabled": False}, "Switched off"),
        ({"listener_seen_at": None}, "No listener"),
        ({"listener_seen_at": timedelta(seconds=31)}, "No listener"),
        ({"last_heard_at": None}, "Not connected"),
        ({"last_heard_at": timedelta(seconds=51)}, "Catching up"),
        ({"last_heard_at": timedelta(seconds=40)}, "Connected"),
    ],
)
def test_what_is_told_of_a_switch(
    admin: Client, account: Account, now: datetime, fields: dict[str, Any], words: str
) -> None:
    moments = {name: now - value if isinstance(value, timedelta) else value for name, value in fields.items()}
    make_heard_switch(account, "fs-seoul-1", now, **moments)
    assert f">{words}</span>" in page_of(admin)


def test_a_gap_that_goes_on_means_not_connected(admin: Client, switch: Switch, now: datetime) -> None:
    ConnectionGap.objects.create(switch=switch, started_at=now - timedelta(minutes=3), reason="reset by peer")
    page = page_of(admin)
    assert ">Not connected</span>" in page
    assert "so far" in page
    assert "One thing needs you." in page


def test_recordings_are_counted_on_every_list(
    admin: Client, account: Account, switch: Switch, now: datetime
) -> None:
    for state, finding, stored in (
        (State.READY, "", now),
        (State.READY, Finding.UNFINISHED, now),
        (State.EXPECTED, "", None),
        (State.RECORDING, "", None),
        (State.RECEIVED, "", None),
        (State.PROCESSING, "", now),
        (State.MISSING, Finding.MISSING, None),
        (State.MISSING, Finding.MISSING, now),
        (State.FAILED, Finding.EMPTY, None),
        (State.FAILED, "", now),
        (State.DISCARDED, Finding.DISCARDED, None),
    ):
        make_file(account, switch, state, finding, stored_at=stored)
    factories.make_media(Recording.objects.filter(state=State.READY)[0], damage=Damage.CHANGED)
    page = page_of(admin)
    assert {key: figure_of(page, key) for key in KINDS if figure_of(page, key)} == {
        "expected": "10",
        "present": "5",
        "ready": "2",
        "playable": "4",
        "waiting": "1",
        "recording": "1",
        "received": "2",
        "missing": "2",
        "failed": "2",
        "damaged": "1",
        "discarded": "1",
        "empty": "1",
        "unfinished": "1",
    }
    assert "2 recordings have no file, 2 recordings failed and 1 recording is damaged" in page
    listed = admin.get("/recordings/?show=damaged").content.decode()
    assert listed.count('name="recording"') == 1
    assert "is not what was stored" in listed


def test_old_recordings_do_not_count_unless_asked_for(
    admin: Client, account: Account, switch: Switch, now: datetime
) -> None:
    make_file(account, switch, State.MISSING, started_at=now - timedelta(days=31))
    assert figure_of(page_of(admin), "missing") == "0"
    assert figure_of(page_of(admin, "?period=90d"), "missing") == "1"


def test_a_large_number_is_counted_no_further_than_it_is_told(
    admin: Client, account: Account, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search.count_capped, "__defaults__", (3,))
    monkeypatch.setattr(wording, "COUNT_LIMIT", 3)
    for _ in range(4):
        make_file(account, switch, State.MISSING)
    make_file(account, switch, State.FAILED)
    page = page_of(admin)
    assert (figure_of(page, "missing"), figure_of(page, "failed")) == ("3+", "1")


def test_the_journal_and_the_lag_are_told(admin: Client, switch: Switch, now: datetime) -> None:
    IngestPosition.objects.filter(switch=switch).update(
        waiting=1204, waiting_since=now - timedelta(seconds=90), looked_at=now
    )
    page = page_of(admin)
    assert re.search(r'is-warn-t" data-label="Lag">1:3\d<', page)
    assert ">1,204</td>" in page


def test_what_the_switch_refused_is_told_with_its_answer(
    admin: Client, account: Account, switch: Switch
) -> None:
    decided = make_file(account, switch, State.FAILED, Finding.MISSING, state_reason=REFUSED)
    make_complaint(decided)
    asked_for = make_file(
        account, switch, State.FAILED, state_reason="The switch did not arm the recording: no reason given"
    )
    make_file(account, switch, State.FAILED, state_reason="It could not be read.")
    page = page_of(admin)
    assert page.count("<bdi>Start the recording</bdi>") == 1
    assert "<bdi>-ERR &lt;b&gt;no&lt;/b&gt; such channel</bdi>" in page
    assert "<bdi>Arm the recording</bdi>" in page
    assert set(re.findall(r"/calls/([0-9a-f]{32})/", page)) == {decided.pk.hex, asked_for.pk.hex}


def test_a_shared_switch_tells_a_tenant_its_state_only(
    admin: Client, account: Account, operator: Client, now: datetime
) -> None:
    shared = make_heard_switch(None, "fs-everyone", now)
    unused = make_heard_switch(None, "fs-elsewhere", now)
    factories.make_call(account, switch=shared, started_at=now)
    page = page_of(admin)
    assert page.count('data-label="State"') == 1
    assert "Shared switch" in page
    assert ">Connected</span>" in page
    for secret in (shared.name, unused.name, "1,234", "1:01"):
        assert secret not in page
    assert shared.name in page_of(operator)
    assert unused.name in page_of(operator)


def test_a_switch_of_the_account_above_is_a_shared_one_below(
    sign_in: SignIn, account: Account, switch: Switch, now: datetime
) -> None:
    child = factories.make_account("Below", parent=account)
    factories.make_call(child, switch=switch, started_at=now)
    below = page_of(sign_in(factories.make_user(child)))
    assert "Shared switch" in below
    assert "fs-seoul-1" not in below


def test_another_tenant_sees_nothing_of_it(sign_in: SignIn, account: Account, switch: Switch) -> None:
    for state in State:
        make_complaint(make_file(account, switch, state, Finding.EMPTY))
    page = page_of(sign_in(factories.make_user(factories.make_account("Elsewhere"))))
    assert {figure_of(page, key) for key in KINDS} <= {"", "0"}
    assert not re.search(r"/calls/[0-9a-f]{32}|fs-seoul|such channel|1,234", page)


def test_an_operator_sees_quarantine_and_needs_no_account(operator: Client, switch: Switch) -> None:
    factories.make_call(None, switch=switch)
    page = page_of(operator)
    assert "Look at 1<" in page
    assert "1 call belongs to no account" in page
    assert "fs-seoul-1" in page


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_other_roles_have_no_such_page(sign_in: SignIn, account: Account, role: Role) -> None:
    client = sign_in(factories.make_user(account, role))
    assert client.get("/health/").status_code == 404
    assert "/health/" not in client.get("/calls/").content.decode()


def test_who_looks_after_an_account_finds_the_page_in_the_menu(admin: Client, operator: Client) -> None:
    assert 'href="/health/"' in admin.get("/calls/").content.decode()
    assert 'href="/health/"' in operator.get("/accounts/").content.decode()


@pytest.mark.parametrize("query", ["", "?period=all"])
def test_more_rows_are_no_more_queries(
    admin: Client, account: Account, switch: Switch, now: datetime, query: str
) -> None:
    def fill() -> int:
        for index in range(3):
            number = Switch.objects.count()
            other = make_heard_switch(account if index else None, f"switch {number}", now)
            make_complaint(make_file(account, other, State.MISSING, state_reason=f"{REFUSED} {number}"))
        page_of(admin, query)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page_of(admin, query)
        return len(queries)

    assert fill() == fill() <= 39


def test_an_account_without_anything_is_told_so(admin: Client) -> None:
    page = page_of(admin)
    for words in ("No switch has brought a call", "Nothing out of the ordinary", "None: every command"):
        assert words in page


def test_what_differs_on_a_switch_and_files_that_nobody_knows_are_counted_with_their_lists(
    admin: Client, account: Account, switch: Switch, now: datetime
) -> None:
    assert "Nothing needs you." in page_of(admin)
    for name in ("3000@default", "3010@default"):
        Difference.objects.create(account=account, switch=switch, kind="queue", name=name, seen_at=now)
    Orphan.objects.create(
        account=account, switch=switch, path="/rec/a.wav", size=1, modified_at=now, state=OrphanState.WAITING
    )
    page = page_of(admin)
    assert "Two things need you." in page
    for words in ("2 settings of queues differ on a switch", "1 file belongs to no recording"):
        assert words in page
    drift = re.search(r'href="([^"]+)" aria-label="Look at 2: queues', page)
    assert drift is not None
    assert "3010@default" in admin.get(drift[1]).content.decode()
    assert 'aria-label="Look at 1: Orphaned"' in page
    assert "a.wav" in admin.get("/orphans/").content.decode()


@pytest.mark.parametrize(
    ("offered", "words"),
    [(0, "sums were equal to a count of the rows"), (5, "sums were not equal to their rows and were mended")],
)
def test_what_came_of_counting_the_statistics_again_is_told(
    admin: Client, account: Account, switch: Switch, offered: int, words: str
) -> None:
    call = factories.make_call(account, switch=switch, started_at=timezone.now() - timedelta(hours=1))
    factories.make_visit(call)
    rebuild(account)
    assert "Compared with their calls" not in page_of(admin)
    QueueFigures.objects.filter(account=account).update(offered=F("offered") + offered)
    check(account)
    page = " ".join(page_of(admin).split())
    assert "Compared with their calls" in page
    assert words in page
    check(account)
    assert "sums were equal to a count of the rows" in page_of(admin)


def test_another_account_s_check_is_not_told(admin: Client) -> None:
    check(factories.make_account("Other"))
    assert "Compared with their calls" not in page_of(admin)
