from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from accounts.models import Account, Switch
from recordings.intake import collect
from recordings.models import Media, Recording, State
from recordings.rehome import rehome_each
from recordings.sweep import sweep
from tests.factories import make_call, tone
from tests.recordings.conftest import received

LONG_AGO = timedelta(hours=1)


def queued() -> list[tuple[str, list[str]]]:
    return [(item.task["func"], item.task["args"][0]) for item in OrmQ.objects.all()]


@pytest.mark.parametrize(
    ("fields", "is_due"),
    [
        ({"state": State.RECEIVED, "age": LONG_AGO}, True),
        ({"state": State.RECEIVED, "age": timedelta(0)}, False),
        ({"state": State.RECEIVED, "age": LONG_AGO, "next_try": timedelta(minutes=1)}, False),
        ({"state": State.RECEIVED, "age": timedelta(0), "next_try": -timedelta(seconds=1)}, True),
        ({"state": State.PROCESSING, "age": LONG_AGO}, True),
        ({"state": State.PROCESSING, "age": timedelta(minutes=20)}, False),
        ({"state": State.MISSING, "age": LONG_AGO}, False),
        ({"state": State.READY, "age": LONG_AGO}, False),
    ],
)
def test_what_made_no_progress_goes_on_once(
    fields: dict[str, Any], is_due: bool, switch: Switch, account: Account
) -> None:
    now = timezone.now()
    recording = received(
        switch,
        account,
        "x.wav",
        state=fields["state"],
        state_at=now - fields["age"],
        next_try_at=now + fields["next_try"] if "next_try" in fields else None,
    )
    expected = [("recordings.intake.collect_each", [recording.pk.hex])] if is_due else []
    sweep()
    sweep()
    assert queued() == expected


@pytest.mark.parametrize(("ended_ago", "is_due"), [(LONG_AGO, True), (timedelta(0), False), (None, False)])
def test_a_take_whose_end_was_lost_is_collected_after_its_call(
    ended_ago: timedelta | None, is_due: bool, switch: Switch, account: Account
) -> None:
    ended_at = timezone.now() - ended_ago if ended_ago is not None else None
    call = make_call(account, switch=switch, ended_at=ended_at)
    recording = received(switch, account, "x.wav", call=call, state=State.RECORDING, stopped_at=None)
    assert sweep() == is_due
    recording.refresh_from_db()
    assert recording.state == (State.RECEIVED if is_due else State.RECORDING)


def test_the_sweep_is_scheduled_every_minute(db: None) -> None:
    schedule = Schedule.objects.get(name="recordings.sweep")
    assert (schedule.func, schedule.schedule_type, schedule.minutes) == ("recordings.sweep.sweep", "I", 1)


def test_files_leave_quarantine_when_their_call_was_assigned(
    switch: Switch, account: Account, folder: Path, stored: Path
) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    recording = received(switch, None, "x.wav")
    collect(recording.pk)
    OrmQ.objects.all().delete()
    sweep()
    assert queued() == []
    Recording.objects.update(account=account)
    sweep()
    [(task, ids)] = queued()
    assert task == "recordings.rehome.rehome_each"
    rehome_each(ids)
    key = Media.objects.get().key
    assert key.startswith(account.pk.hex)
    assert [path.name for path in stored.rglob("*.wav")] == ["call.wav"]
    assert (stored / key).exists()


def test_a_file_that_cannot_be_moved_is_tried_again(switch: Switch, account: Account, folder: Path) -> None:
    (folder / "x.wav").write_bytes(tone(0.2))
    recording = received(switch, None, "x.wav")
    collect(recording.pk)
    Media.objects.update(key="quarantine/gone.wav")
    Recording.objects.update(account=account)
    rehome_each([recording.pk.hex])
    again = Schedule.objects.get(func="recordings.rehome.rehome_each")
    assert recording.pk.hex in str(again.args)
    assert again.next_run
    assert again.next_run > timezone.now()
