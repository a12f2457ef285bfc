"""The demonstration's data: two tenants whose calls are theirs, the same however often it is filled."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Account, Role, User
from ccportal.demo.fill import Fill, fill_calls, load_fill, plan
from ccportal.demo.live import LiveTape
from ccportal.demo.remarks import add_remarks
from ccportal.demo.repertoire import AUDIO, Repertoire
from ccportal.demo.rows import make_rows
from ccportal.demo.stage import free_port
from ccportal.demo.tenants import PASSWORD, TENANTS
from cdr.models import Call, EventCount, Outcome
from recordings.models import Recording
from reviews.models import Comment
from switch.esl.replay_audio import AudioShelf

BEGAN = datetime(2027, 3, 3, 15, 0, tzinfo=UTC).timestamp()


@pytest.mark.django_db
def test_calls_belong_to_the_tenants_they_are_told_for(tmp_path: Path) -> None:
    switch = make_rows(tmp_path, 8021)
    fill_calls(switch, Fill(BEGAN, 60, 5), tmp_path)
    assert not EventCount.objects.exists()
    assert Call.objects.count() >= 60
    assert not Call.objects.filter(outcome=Outcome.IN_PROGRESS).exists()
    for tenant in TENANTS:
        account = Account.objects.get(name=tenant.name)
        queues = set(Call.objects.filter(account=account).exclude(queue_name="").values_list("queue_name"))
        assert queues <= {(queue.name,) for queue in tenant.queues}
    strays = Call.objects.filter(account=None).values_list("dialed_number", flat=True)
    assert set(strays) <= {tenant.unowned_number for tenant in TENANTS}
    stopped = Recording.objects.exclude(state="discarded").count()
    assert stopped
    assert 0 < len([path for path in tmp_path.rglob("*") if path.is_file()]) <= stopped


@pytest.mark.django_db
def test_filling_again_changes_nothing(tmp_path: Path) -> None:
    fill = Fill(BEGAN, 20, 5)
    for _ in range(2):
        fill_calls(make_rows(tmp_path, 8021), fill, tmp_path)
        legs = sorted(Call.objects.values_list("leg_uuid", "started_at", "account"))
    assert len(set(legs)) == len(legs)
    assert User.objects.filter(role=Role.OPERATOR).count() == 1


@pytest.mark.django_db
def test_a_reviewer_has_commented_on_calls_of_each_tenant_once(tmp_path: Path) -> None:
    fill_calls(make_rows(tmp_path, 8021), Fill(BEGAN, 60, 5), tmp_path)
    for _ in range(2):
        add_remarks()
    commented = list(Comment.objects.select_related("call"))
    reviewers = set(User.objects.filter(role=Role.REVIEWER).values_list("account", flat=True))
    assert {comment.call.account_id for comment in commented} == reviewers
    assert len({(comment.call_id, comment.text, comment.author_id) for comment in commented}) == len(
        commented
    )


@pytest.mark.django_db
def test_there_is_someone_in_every_role(tmp_path: Path) -> None:
    make_rows(tmp_path, 8021)
    assert set(User.objects.values_list("role", flat=True)) == set(Role.values)
    assert all(user.check_password(PASSWORD) for user in User.objects.all()[:3])


def test_the_plan_keeps_to_its_days() -> None:
    fill = Fill(BEGAN, 500, 30)
    moments = [call.at for call in plan(fill)]
    assert moments == sorted(moments)
    assert moments[0] >= BEGAN - 30 * 86400
    assert moments[-1] < BEGAN
    assert plan(fill) == plan(fill)


def test_an_interrupted_filling_goes_on_with_the_same_plan(tmp_path: Path) -> None:
    first = load_fill(tmp_path, 100, 3)
    assert load_fill(tmp_path, 999, 9) == first


def test_live_calls_come_in_order_with_their_files(tmp_path: Path) -> None:
    tape = LiveTape(Repertoire(core="run"), "seed", AudioShelf(AUDIO, tmp_path)).play()
    events = list(itertools.islice(tape, 1500))
    assert [event.due for event in events] == sorted(event.due for event in events)
    for event in events:
        if event.before is not None:
            assert event.event.name == "RECORD_STOP"
            event.before()
    assert any(path.suffix == ".wav" for path in tmp_path.rglob("*"))


@pytest.mark.slow
def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"CCPORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "ccportal.settings"}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--calls", "20"]
    output = tmp_path / "output"
    with output.open("w") as log:
        demo = subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=log, stderr=log)
    try:
        wait_for_page(f"http://127.0.0.1:{port}/sign-in/")
        wait_for(lambda: "connected" in output.read_text())
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, output.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert not [line for line in processes() if str(tmp_path) in line]


def processes() -> list[str]:
    """The environments of all processes that can be seen."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def wait_for_page(url: str) -> None:
    def there() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for(there)


def wait_for(true: Callable[[], object], patience: float = 90.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
