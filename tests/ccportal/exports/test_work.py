"""Making an export: every row once, whatever happens to the worker."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.keys import issue_key
from accounts.models import Account, AuditEntry, Role, User
from ccportal.exports import drafts, work
from ccportal.exports.sources import asked_by
from ccportal.exports.work import Work, claim, go_on
from recordings import storage
from recordings.exporting import MOST_UNFINISHED, TooManyExports, delete_export, erase_each, expire
from recordings.exports import Export, ExportState
from recordings.sweep import sweep
from tests.api.conftest import api_of
from tests.ccportal.exports.conftest import Asking, column, content, run, table
from tests.factories import (
    NOON,
    make_account,
    make_call,
    make_leg,
    make_offer,
    make_queue,
    make_recording,
    make_team,
    make_user,
    make_visit,
)

pytestmark = pytest.mark.django_db


def make_calls(account: Account, count: int = 8) -> None:
    for number in range(count):
        make_call(account, started_at=NOON + timedelta(minutes=number), caller_number=f"{number}")


def drafts_left() -> list[Path]:
    return list(drafts.folder().iterdir())


def test_a_sheet_of_calls_is_what_the_api_sends(account: Account, admin: User, asking: Asking) -> None:
    make_calls(account, 3)
    call = make_call(account, caller_name="=1+1", queue_name="3000@default")
    make_recording(call)
    export = run(asking())
    assert export.state == ExportState.READY, export.state_reason
    sent = b"".join(api_of(admin).own("/cdrs/interaction", accept="text/csv").streaming_content)
    assert content(export) == sent
    assert (export.rows_done, export.rows_total) == (4, 4)
    assert (export.size, export.sha256) == (len(sent), hashlib.sha256(sent).hexdigest())
    assert export.expires_at
    assert export.finished_at
    assert export.expires_at - export.finished_at == timedelta(days=7)
    assert drafts_left() == []


@pytest.mark.parametrize(
    ("kind", "path"), [("cdrs", "/cdrs"), ("queue_calls", "/queue_calls"), ("recordings", "/recordings")]
)
def test_every_kind_has_the_rows_of_its_list(
    account: Account, admin: User, asking: Asking, kind: str, path: str
) -> None:
    for _ in range(2):
        call = make_call(account)
        make_leg(call)
        make_offer(make_visit(call))
        make_recording(call)
    sent = b"".join(api_of(admin).own(path, accept="text/csv").streaming_content)
    assert content(run(asking(kind=kind))) == sent


@pytest.mark.usefixtures("small_chunks")
def test_chunks_join_without_a_gap_and_cost_the_same_queries(account: Account, asking: Asking) -> None:
    make_calls(account, 2)
    with CaptureQueriesContext(connection) as few:
        run(asking())
    make_calls(account, 18)
    with CaptureQueriesContext(connection) as many:
        export = run(asking())
    assert len(table(export)) == 21
    assert len(set(column(export, "id"))) == 20
    chunks = 7 - 1
    assert (len(many) - len(few)) / chunks <= 8


def test_filters_are_those_of_the_api(account: Account, asking: Asking) -> None:
    make_calls(account)
    filters = {"created_from": "2026-03-02T12:02:00Z", "filter_caller_id_number": '["1","3","5"]'}
    assert column(run(asking(chosen={"filters": filters})), "caller_id_number") == ["5", "3"]


def test_the_list_is_what_the_portal_shows(account: Account, asking: Asking) -> None:
    now = timezone.now()
    for days, number in ((1, "0305550001"), (2, "0305550002"), (40, "0305550001")):
        make_call(account, started_at=now - timedelta(days=days), caller_number=number)
    make_call(account, started_at=now - timedelta(days=1), outcome="abandoned", caller_number="0305550003")
    export = run(asking(chosen={"list": "q=0305550001,0305550002&outcome=answered"}))
    assert column(export, "caller_id_number") == ["0305550001", "0305550002"]


@pytest.mark.usefixtures("small_chunks")
def test_a_call_that_two_terms_find_is_there_once(account: Account, asking: Asking) -> None:
    for minute in range(7):
        started = NOON + timedelta(minutes=minute)
        make_call(account, started_at=started, caller_number="0305550001", callee_number="0305550002")
    export = run(asking(chosen={"list": "q=0305550001,0305550002&period=all"}))
    assert len(set(column(export, "id"))) == len(column(export, "id")) == 7


def test_ticked_calls_of_another_account_are_not_there(account: Account, asking: Asking) -> None:
    mine, other = make_call(account), make_call(make_account())
    assert column(run(asking(chosen={"ids": [mine.pk.hex, other.pk.hex]})), "id") == [mine.pk.hex]


def test_calls_that_began_later_are_not_there(account: Account, asking: Asking) -> None:
    export = asking()
    make_call(account, started_at=timezone.now() + timedelta(seconds=5))
    assert column(run(export), "id") == []


def test_who_leads_a_team_gets_its_calls_and_no_others(account: Account, asking: Asking) -> None:
    queue = make_queue(account, "3000@default")
    leader = make_user(account, Role.SUPERVISOR, teams=[make_team(account, queues=[queue])])
    seen = make_call(account, queue_name="3000@default")
    make_call(account, queue_name="3001@default")
    export = asking(leader)
    assert column(run(export), "id") == [seen.pk.hex]


def test_a_team_that_was_lost_meanwhile_is_lost(account: Account, asking: Asking) -> None:
    queue = make_queue(account, "3000@default")
    leader = make_user(account, Role.SUPERVISOR, teams=[make_team(account, queues=[queue])])
    make_call(account, queue_name="3000@default")
    export = asking(leader)
    leader.teams.clear()
    assert column(run(export), "id") == []


@pytest.mark.parametrize("change", [{"role": Role.AGENT}, {"is_active": False}])
def test_who_may_not_any_more_gets_nothing(
    account: Account, asking: Asking, change: dict[str, object]
) -> None:
    person = make_user(account, Role.SUPERVISOR)
    export = asking(person)
    User.objects.filter(pk=person.pk).update(**change)
    assert run(export).state == ExportState.FAILED
    assert "any more" in export.state_reason
    assert not export.key


def test_a_key_reads_as_itself(account: Account, asking: Asking) -> None:
    make_calls(account, 2)
    export = asking()
    key, _ = issue_key(account)
    Export.objects.update(user=None, api_key=key)
    assert len(column(run(export), "id")) == 2


@pytest.mark.usefixtures("small_chunks")
def test_long_work_goes_behind_other_tasks(
    account: Account, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(account)
    monkeypatch.setattr(work, "SLICE_SECONDS", -1)
    export = asking()
    go_on(export.pk.hex)
    export.refresh_from_db()
    assert (export.state, export.rows_done, export.lease) == (ExportState.RUNNING, 3, "")
    assert OrmQ.objects.count() == 2
    assert column(run(export), "caller_id_number") == list("76543210")


@pytest.mark.usefixtures("small_chunks")
def test_a_task_that_runs_twice_does_nothing_twice(account: Account, asking: Asking) -> None:
    make_calls(account)
    export = asking()
    assert claim(export.pk)
    go_on(export.pk.hex)
    export.refresh_from_db()
    assert export.rows_done == 0
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    go_on(export.pk.hex)
    go_on(export.pk.hex)
    assert column(run(export), "caller_id_number") == list("76543210")


def test_who_lost_the_lease_writes_nothing_more(asking: Asking) -> None:
    export = claim(asking().pk)
    assert export
    first = Work(export, asked_by(export))
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(export.pk)
    with pytest.raises(work.Withdrawn):
        first.save({"rows_done": 5})


@pytest.mark.usefixtures("small_chunks")
def test_another_machine_begins_anew(
    account: Account, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_calls(account)
    monkeypatch.setattr(work, "SLICE_SECONDS", -1)
    export = asking()
    go_on(export.pk.hex)
    for path in drafts_left():
        path.unlink()
    assert column(run(export), "caller_id_number") == list("76543210")
    assert export.rows_done == 8


@pytest.mark.usefixtures("small_chunks")
def test_deleting_stops_the_work(account: Account, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    make_calls(account)
    monkeypatch.setattr(work, "SLICE_SECONDS", -1)
    export = asking()
    go_on(export.pk.hex)
    assert delete_export(export, None)
    assert not delete_export(export, None)
    assert run(export).state == ExportState.DELETED
    assert (export.rows_done, export.key) == (3, "")


def test_a_file_that_was_deleted_while_it_was_stored_is_removed(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    export = asking()
    stored = storage.store

    def store_and_delete(*arguments: object) -> object:
        delete_export(export, None)
        return stored(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "store", store_and_delete)
    assert run(export).state == ExportState.DELETED
    assert [path for path in (tmp_path / "audio").rglob("*") if path.is_file()] == []
    assert drafts_left() == []


def test_a_deleted_file_goes_and_a_crash_is_made_good(asking: Asking, tmp_path: Path) -> None:
    export = run(asking())
    delete_export(export, None)
    OrmQ.objects.all().delete()
    assert sweep() == 1
    erase_each([export.pk.hex])
    erase_each([export.pk.hex])
    export.refresh_from_db()
    assert export.key == ""
    assert [path for path in (tmp_path / "audio").rglob("*") if path.is_file()] == []


def test_what_is_over_goes_at_night(asking: Asking) -> None:
    old, young = run(asking()), run(asking())
    Export.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire() == 1
    states = dict(Export.objects.values_list("pk", "state"))
    assert (states[old.pk], states[young.pk]) == (ExportState.DELETED, ExportState.READY)


def test_the_accounts_own_days_count(account: Account, asking: Asking) -> None:
    Account.objects.update(keep_exports_days=3)
    export = run(asking())
    assert export.expires_at
    assert export.finished_at
    assert export.expires_at - export.finished_at == timedelta(days=3)


def test_the_sweep_goes_on_with_what_was_left(asking: Asking) -> None:
    export = asking()
    OrmQ.objects.all().delete()
    assert sweep() == 0
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep() == 1
    assert run(export).state == ExportState.READY


def test_what_fails_is_tried_again_and_then_told(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(work, "store", refuse)
    export = asking()
    for _ in range(work.MOST_TRIES):
        run(export)
        assert export.attempts
        Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep()
    assert run(export).state == ExportState.FAILED
    assert "No space left on device" in export.state_reason
    assert drafts_left() == []


def test_too_large_a_file_is_not_made(account: Account, asking: Asking, settings: object) -> None:
    make_calls(account, 1)
    settings.CCPORTAL_EXPORT_MOST_MB = 0  # type: ignore[attr-defined]
    export = run(asking())
    assert export.state == ExportState.FAILED
    assert "larger than" in export.state_reason


def test_not_more_than_some_wait_at_once(asking: Asking) -> None:
    for _ in range(MOST_UNFINISHED):
        asking()
    with pytest.raises(TooManyExports):
        asking()


def test_asking_is_on_record(admin: User, asking: Asking) -> None:
    export = asking(chosen={"list": "period=all"})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_id) == ("export.create", admin.email, export.pk.hex)
    assert entry.detail["chosen"] == {"list": "period=all"}


def test_names_from_the_telephone_cannot_become_formulas_or_rows(account: Account, asking: Asking) -> None:
    names = ["=1+1", "+4930", "-1", "@x", "\tx", 'a"b,\r\nc', "\u202egnp", "x" * 255, "é\x01\x1f"]
    for minute, name in enumerate(names):
        make_call(account, started_at=NOON - timedelta(minutes=minute), caller_name=name)
    text = content(run(asking())).decode()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    shown = [row[head.index("caller_id_name")] for row in rows]
    assert shown == [f"'{name}" if name[0] in "=+-@\t" else name for name in names]
    assert "iso_8601 (Europe/Berlin)" in head
