"""What is older than an account keeps goes at night, nothing else does, and a crash anywhere is made good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from accounts.models import Account, AuditEntry
from cdr.models import AgentOffer, Call, Evidence, EvidenceKey, Leg, QueueVisit
from recordings import deletion, retention
from recordings.holding import hold_recording
from recordings.models import Decision, Media, Recording, State
from recordings.storage import AudioStorage
from recordings.sweep import sweep
from tests.factories import (
    make_account,
    make_call,
    make_leg,
    make_media,
    make_offer,
    make_recording,
    make_visit,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=100)


@pytest.fixture
def account(db: None) -> Account:
    return make_account(keep_recordings_days=30, keep_calls_days=60)


def old_recording(account: Account, age: timedelta = timedelta(days=100), **fields: Any) -> Recording:
    at = timezone.now() - age
    recording = make_recording(make_call(account, started_at=at), stored_at=at, **fields)
    make_media(recording)
    return recording


def run(account: Account) -> None:
    retention.retain_account(account.pk.hex)
    deletion.erase_each([row.hex for row in Recording.objects.values_list("pk", flat=True)])


def test_audio_goes_after_its_days_and_the_row_stays(account: Account, stored: Path) -> None:
    old = old_recording(account, timedelta(days=31))
    young = old_recording(account, timedelta(days=29))
    run(account)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.state, old.state_reason) == (State.DELETED, "Kept for 30 days.")
    assert young.state == State.READY
    assert [path.name for path in stored.rglob("*") if path.is_file()] == [
        young.media.get().key.rsplit("/", 1)[-1]
    ]
    assert Call.objects.count() == 2


def test_nothing_goes_where_no_days_are_set(account: Account) -> None:
    Account.objects.update(keep_recordings_days=None, keep_calls_days=None)
    old_recording(account)
    assert retention.retain() == 0
    run(account)
    assert (Call.objects.count(), Media.objects.count()) == (1, 1)


def test_other_accounts_are_left_alone(account: Account) -> None:
    child = make_account(parent=account)
    old_recording(child)
    run(account)
    assert Media.objects.count() == 1


def test_a_call_goes_with_all_that_hangs_from_it(account: Account) -> None:
    call = make_call(account, started_at=LONG_AGO)
    make_leg(call)
    make_offer(make_visit(call, "support@default"), "1001")
    make_recording(call, state=State.DELETED)
    Evidence.objects.create(pk=call.pk, switch=call.switch, events=b"", updated_at=LONG_AGO)
    Decision.objects.create(switch=call.switch, call=call, leg_uuid=call.leg_uuid, decided_at=LONG_AGO)
    run(account)
    models: list[type[Model]] = [Call, Leg, QueueVisit, AgentOffer, Recording, Evidence, Decision]
    assert [model._default_manager.count() for model in models] == [0] * len(models)
    assert EvidenceKey.objects.filter(forgotten_at__isnull=False).exists()


def test_a_recording_that_is_kept_longer_outlives_its_call(account: Account) -> None:
    Account.objects.update(keep_recordings_days=None)
    recording = old_recording(account)
    run(account)
    recording.refresh_from_db()
    assert (recording.state, recording.call) == (State.READY, None)


def test_a_call_that_goes_on_is_not_removed(account: Account) -> None:
    make_call(account, started_at=timezone.now() - timedelta(days=61), ended_at=None)
    make_call(account, started_at=timezone.now() - timedelta(days=63), ended_at=None)
    run(account)
    assert Call.objects.count() == 1


def test_more_than_a_batch_goes_in_one_run(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for _ in range(7):
        old_recording(account)
    run(account)
    assert (Call.objects.count(), Media.objects.count()) == (0, 0)


STEPS = ["before the first file", "between audio and waveform", "between file and row"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_while_deleting_is_made_good(
    step: str, account: Account, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = old_recording(account)
    deletion.delete_recording(recording, None)
    delete, calls = AudioStorage.delete, []

    def crash(storage: AudioStorage, name: str) -> None:
        calls.append(name)
        if len(calls) == STEPS.index(step) + 1 and step != STEPS[2]:
            raise SystemExit
        delete(storage, name)
        if len(calls) == 2 and step == STEPS[2]:
            raise SystemExit

    monkeypatch.setattr(AudioStorage, "delete", crash)
    with pytest.raises(SystemExit):
        deletion.erase(recording.pk)
    monkeypatch.undo()
    assert Media.objects.count() == 1
    Recording.objects.update(next_try_at=timezone.now())
    assert sweep() == 1
    deletion.erase(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, Media.objects.count()) == (State.DELETED, 0)
    assert not [path for path in stored.rglob("*") if path.is_file()]


def test_the_preview_says_what_the_night_does(account: Account) -> None:
    files = [old_recording(account) for _ in range(3)]
    hold_recording(files[0], None, "Case 1")
    told = retention.preview(account)
    size = Media.objects.filter(recording__in=files[1:]).values_list("size", flat=True)
    assert (told.recordings, told.recordings_held, told.bytes) == (2, 1, sum(size))
    assert (told.calls, told.calls_held) == (2, 1)
    run(account)
    assert (Media.objects.count(), Call.objects.count()) == (1, 1)
    assert retention.preview(account).recordings == 0


def test_the_preview_asks_as_often_for_many_as_for_few(
    account: Account, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        old_recording(account)
    with django_assert_num_queries(5):
        retention.preview(account)


def test_what_was_removed_is_in_the_audit_log(account: Account) -> None:
    old_recording(account)
    run(account)
    found = dict(AuditEntry.objects.values_list("action", "detail"))
    assert found["retention.recordings"] == {"count": 1, "days": 30}
    assert found["retention.calls"] == {"count": 1, "days": 60}
