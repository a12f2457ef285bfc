"""Someone who never saw the portal: from signing in to hearing the first call that was recorded."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from accounts.models import Account, Device, PhoneNumber
from cdr.models import Call
from policies.change import document_of
from recordings.intake import collect
from recordings.models import Origin, Recording, State
from recordings.process import process
from switch.esl.replay import BackgroundSwitch, Played, ReplaySwitch, Terms
from tests import captures, factories
from tests.ccportal.test_listener_process import PATIENCE, Processes, new_calls, processes
from tests.portal.test_browser import Visit, browser, pytestmark, visit

__all__ = ["browser", "processes", "pytestmark", "visit"]

FOLDER = "/var/lib/freeswitch/recordings"
OF_THE_DIALPLAN = ("RECORD_START", "RECORD_STOP", "MEDIA_BUG_START")
SOUND = captures.AUDIO / "20261120122924_01058400500_07070067777_1001.wav"


@pytest.fixture
def account(transactional_db: None) -> Account:
    call_command("create_account", "Dasom Clinic", "--country", "KR", "--time-zone", "Asia/Seoul")
    call_command(
        *("create_user", "nam@dasom.example", "--account", "Dasom Clinic"),
        *("--password", factories.PASSWORD, "--name", "Nam Ji"),
    )
    return Account.objects.get()


def one_call() -> Iterator[Played]:
    """A captured call of now, without what its own dialplan recorded."""
    played = new_calls(("queue_answered",), 1, 1.0, time.time() - 15)
    return iter([one for one in played if one.event.name not in OF_THE_DIALPLAN])


def hear_a_call(processes: Processes, folder: Path) -> None:
    """Have the operator's switch bring a call through a listener, its file, and what makes it ready."""
    with BackgroundSwitch(ReplaySwitch(one_call(), Terms(speed=4))) as played:
        factories.make_switch(
            None, "pbx", port=played.port, path_mapping={FOLDER: str(folder)}, offnet_profiles=["blueivr"]
        )
        assert processes.start("--once").wait(PATIENCE) == 0, processes.log
    for recording in Recording.objects.filter(origin=Origin.POLICY):
        file = folder / recording.path.removeprefix(f"{FOLDER}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOUND, file)
        collect(recording.pk)
        process(recording.pk)


@pytest.mark.slow
def test_from_signing_in_to_the_first_call_heard(
    visit: Visit, account: Account, processes: Processes, tmp_path: Path
) -> None:
    page = visit.page
    visit.sign_in("nam@dasom.example")
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
    assert visit.objections() == []

    page.get_by_role("link", name="Choose", exact=True).click()
    page.get_by_role("link", name="calls with the outside").click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Go to the calls").click()
    expect(page.locator(".steps .is-done")).to_have_count(1)
    on = {"offnet": {"enabled": True}}
    assert document_of(account) == {"account": {"inbound": on, "outbound": on}}

    page.get_by_role("link", name="Add a device").click()
    page.fill("#id_name", "Front desk")
    page.fill("#id_sip_username", "1001")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="add a phone number").click()
    page.fill("#id_number", "070-7006-7777")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="go to the calls").click()
    expect(page.locator(".steps .is-done")).to_have_count(3)
    expect(page.get_by_text("Front desk")).to_be_visible()
    assert Device.objects.get().account == PhoneNumber.objects.get().account == account

    hear_a_call(processes, tmp_path / "from-pbx")
    recording = Recording.objects.get()
    assert (recording.state, recording.account, recording.call) == (State.READY, account, Call.objects.get())
    expect(page.locator(".calls .open")).to_have_count(1, timeout=20_000)
    page.locator(".calls .open").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("call-player[data-drawn]")
    page.click("[data-play]")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    expect(page.locator("[data-now]")).to_have_text(re.compile(r"0:0[2-9]"), timeout=20_000)
    assert 206 in visit.statuses("/media")
    assert visit.complaints == []
