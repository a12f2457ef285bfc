"""The lists of recordings: what is on them, and doing again what went wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Account, AuditEntry, Role
from recordings import again
from recordings.again import go_on_with_lost, next_batch
from recordings.kinds import KINDS
from recordings.models import Damage, Finding, Media, ProcessingStep, Recording, Redo, State
from tests import factories
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


def make_file(account: Account, state: str = State.MISSING, **fields: Any) -> Recording:
    call = factories.make_call(account, started_at=timezone.now() - timedelta(hours=1))
    if state in (State.READY, State.PROCESSING):
        fields.setdefault("stored_at", timezone.now())
    return factories.make_recording(call, state=state, **fields)


def listed(client: Client, query: str) -> set[str]:
    page = client.get(f"/recordings/{query}").content.decode()
    return set(re.findall(r'name="recording" value="([^"]*)"', page))


def tasks() -> list[tuple[str, Any]]:
    found = [
        (row.task["func"].rpartition(".")[2], row.task["args"][0]) for row in OrmQ.objects.order_by("pk")
    ]
    OrmQ.objects.all().delete()
    return found


def post(client: Client, path: str = "/recordings/again", **data: Any) -> str:
    return client.post(path, data, follow=True).content.decode()


@pytest.mark.parametrize("key", sorted(KINDS))
def test_a_list_has_exactly_what_its_number_counts(admin: Client, account: Account, key: str) -> None:
    rows = [make_file(account, state) for state in State]
    rows += [make_file(account, State.FAILED, finding=finding) for finding in Finding]
    factories.make_media(rows[-1], damage=Damage.CHANGED)
    wanted = {str(pk) for pk in Recording.objects.filter(KINDS[key]).values_list("pk", flat=True)}
    assert 0 < len(wanted) < len(rows)
    assert listed(admin, f"?show={key}") == wanted


def test_period_and_queue_narrow_a_list(admin: Client, account: Account) -> None:
    old = make_file(account, started_at=timezone.now() - timedelta(days=40))
    sales = make_file(account, queue_name="3020@default")
    other = make_file(account, queue_name="3000@default")
    assert listed(admin, "?show=missing") == {str(sales.pk), str(other.pk)}
    assert listed(admin, "?show=missing&queue=3020@default") == {str(sales.pk)}
    assert listed(admin, "?show=missing&period=all") == {str(old.pk), str(sales.pk), str(other.pk)}


def test_pages_follow_one_another(admin: Client, account: Account) -> None:
    rows = [
        make_file(account, started_at=timezone.now() - timedelta(minutes=index)).pk for index in range(52)
    ]
    first = admin.get("/recordings/?show=missing").content.decode()
    older = re.search(r'href="(\?[^"]*older=[^"]*)"', first)
    assert older
    assert listed(admin, older[1].replace("&amp;", "&")) == {str(pk) for pk in rows[50:]}


def test_more_rows_are_no_more_queries(admin: Client, account: Account) -> None:
    def asked() -> int:
        for _ in range(3):
            make_file(account)
        with CaptureQueriesContext(connection) as queries:
            listed(admin, "?show=missing")
        return len(queries)

    asked()
    assert asked() == asked() <= 12


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_the_lists_are_for_those_who_look_after_them(sign_in: SignIn, account: Account, role: Role) -> None:
    recording = make_file(account, user=None)
    client = sign_in(factories.make_user(account, role))
    for path in ("/recordings/", "/recordings/again", f"/recordings/{recording.pk.hex}/again"):
        assert client.get(path).status_code == client.post(path, {"action": "look"}).status_code == 404
    assert not OrmQ.objects.exists()


def test_ticked_ones_are_looked_for_again_and_it_is_on_record(admin: Client, account: Account) -> None:
    missing, ready, other = make_file(account), make_file(account, State.READY), make_file(account)
    page = post(admin, action="look", recording=[str(missing.pk), str(ready.pk)], show="missing")
    assert "1 recording is looked for again. The others are not missing." in page
    states = dict(Recording.objects.values_list("pk", "state"))
    assert (states[missing.pk], states[ready.pk], states[other.pk]) == ("received", "ready", "missing")
    assert tasks() == [("collect_each", [missing.pk.hex])]
    told = AuditEntry.objects.filter(action="recording.look_again").values_list("object_id", flat=True)
    assert set(told) == {missing.pk.hex, ready.pk.hex}


def test_ticked_ones_are_processed_again(admin: Client, account: Account) -> None:
    ready = make_file(account, State.READY)
    ProcessingStep.objects.create(recording=ready, position=0, name="probe", started_at=timezone.now())
    page = post(admin, action="process", recording=[str(ready.pk)])
    assert "1 recording is processed again." in page
    ready.refresh_from_db()
    assert (ready.state, ready.steps.count()) == (State.PROCESSING, 0)
    assert tasks() == [("process_each", [ready.pk.hex])]


@pytest.mark.parametrize(
    "data", [{}, {"action": "delete"}, {"action": "look"}, {"action": "look", "recording": "x"}]
)
def test_a_bent_form_says_what_to_do(admin: Client, account: Account, data: dict[str, str]) -> None:
    make_file(account)
    assert 'role="alert"' in post(admin, **data)
    assert not OrmQ.objects.exists()


def test_nobody_does_anything_to_another_tenants_recordings(sign_in: SignIn, account: Account) -> None:
    theirs = make_file(account)
    stranger = sign_in(factories.make_user(factories.make_account("Elsewhere")))
    post(stranger, action="look", recording=[str(theirs.pk)])
    post(stranger, action="look-all", show="missing", period="all")
    [(name, redo)] = tasks()
    next_batch(redo, 0)
    theirs.refresh_from_db()
    assert (name, theirs.state, tasks()) == ("next_batch", State.MISSING, [])


def test_all_of_a_list_is_done_a_batch_at_a_time(
    admin: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "BATCH", 2)
    rows = [make_file(account, queue_name="3020@default") for _ in range(5)]
    beside = make_file(account, queue_name="3000@default")
    page = post(admin, action="look-all", show="missing", queue="3020@default")
    assert "0 of 5 gone through" in page
    assert 'hx-trigger="every 2s"' in page
    redo = Redo.objects.get()
    for batch in range(3):
        [task] = [task for task in tasks() if task[0] == "next_batch"]
        next_batch(task[1], batch)
        next_batch(task[1], batch)
    redo.refresh_from_db()
    assert (redo.seen, redo.taken, redo.batch, redo.finished_at is not None) == (5, 5, 3, True)
    assert set(Recording.objects.filter(state=State.RECEIVED)) == set(rows)
    assert Recording.objects.get(pk=beside.pk).state == State.MISSING
    progress = admin.get("/recordings/again/progress").content.decode()
    assert "5 of 5 gone through, 5 taken up" in progress
    assert "every 2s" not in progress
    assert AuditEntry.objects.get(action="recording.look_again_all").detail["queue"] == "3020@default"


def test_what_begins_after_it_was_asked_is_left_alone(admin: Client, account: Account) -> None:
    post(admin, action="look-all", show="missing")
    later = make_file(account, started_at=timezone.now() + timedelta(seconds=1))
    next_batch(tasks()[0][1], 0)
    later.refresh_from_db()
    assert later.state == State.MISSING


def test_a_batch_whose_task_got_lost_goes_on(admin: Client, account: Account) -> None:
    make_file(account)
    post(admin, action="look-all", show="missing")
    tasks()
    assert go_on_with_lost() == 0
    Redo.objects.update(updated_at=timezone.now() - timedelta(minutes=11))
    assert (go_on_with_lost(), go_on_with_lost()) == (1, 0)
    assert [name for name, _ in tasks()] == ["next_batch"]


def test_a_file_that_came_back_to_storage_is_found(account: Account, tmp_path: Path, settings: Any) -> None:
    lost = make_file(account, stored_at=timezone.now())
    media = factories.make_media(lost)
    again.seek_each([lost.pk.hex])
    lost.refresh_from_db()
    assert lost.state == State.PROCESSING
    Recording.objects.update(state=State.MISSING)
    (Path(settings.MEDIA_ROOT) / media.key).unlink()
    again.seek_each([lost.pk.hex])
    lost.refresh_from_db()
    assert (lost.state, lost.state_reason) == (State.MISSING, "Looked for again, and not in storage.")
    assert Media.objects.filter(pk=media.pk).exists()


def test_a_file_that_the_switch_still_has_is_collected_again(account: Account) -> None:
    lost = make_file(account, stored_at=timezone.now(), source_kept=True)
    assert again.look_again(Recording.objects.all()) == 1
    [(name, ids)] = tasks()
    again.seek_each(ids)
    lost.refresh_from_db()
    assert (name, lost.state, lost.stored_at) == ("seek_each", State.RECEIVED, None)


def test_what_the_switch_refused_keeps_its_reason(account: Account) -> None:
    reason = "The switch did not start the recording: -ERR No such channel!"
    make_file(account, State.FAILED, state_reason=reason)
    assert again.look_again(Recording.objects.all()) == 0
    assert Recording.objects.get().state_reason == reason


def test_the_call_page_tells_each_step_and_does_it_again(admin: Client, account: Account) -> None:
    recording = make_file(
        account, State.FAILED, stored_at=timezone.now(), attempts=1, next_try_at=timezone.now()
    )
    factories.make_media(recording)
    began = timezone.now() - timedelta(seconds=9)
    probed = {"finished_at": began + timedelta(milliseconds=4), "note": "wav, <b>8</b> s", "attempts": 1}
    failed = {"error": "OSError: No space left on device", "attempts": 3}
    for place, (name, fields) in enumerate((("probe", probed), ("mp3", failed))):
        ProcessingStep.objects.create(
            recording=recording, position=place, name=name, started_at=began, **fields
        )
    assert recording.call
    page = admin.get(f"/calls/{recording.call.pk.hex}/").content.decode()
    for words in ("Read the file", "4 ms", "wav, &lt;b&gt;8&lt;/b&gt; s", "No space left", "3 tries"):
        assert words in page
    assert "It goes on by itself" in page
    assert "Process again" in page
    page = post(admin, f"/recordings/{recording.pk.hex}/again", action="process")
    assert "1 recording is processed again." in page
    assert tasks() == [("process_each", [recording.pk.hex])]
    assert AuditEntry.objects.filter(action="recording.process_again", object_id=recording.pk.hex).exists()


def test_who_may_not_do_it_is_not_offered_it(sign_in: SignIn, account: Account) -> None:
    recording = make_file(account)
    assert recording.call
    user = factories.make_user(account, Role.SUPERVISOR)
    Recording.objects.update(user=user)
    recording.call.user = user
    recording.call.save()
    page = sign_in(user).get(f"/calls/{recording.call.pk.hex}/").content.decode()
    assert "Recordings" in page
    assert "Look again" not in page
