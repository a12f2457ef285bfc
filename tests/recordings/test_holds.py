"""What is under a hold stays, whichever path wants it gone, and the first of two at the same moment wins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account, AuditEntry
from cdr.models import Call
from recordings import deletion, retention
from recordings.holding import (
    hold_call,
    hold_number,
    hold_period,
    hold_recording,
    release,
    release_recording,
)
from recordings.holds import LegalHold
from recordings.models import Media, Recording, State
from tests.factories import make_account, make_call, make_media, make_recording

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=100)
Hold = Callable[[Recording], LegalHold | None]


def call_of(recording: Recording) -> Call:
    assert recording.call
    return recording.call


def account_of(recording: Recording) -> Account:
    assert recording.account
    return recording.account


HOLDS: dict[str, Hold] = {
    "recording": lambda row: hold_recording(row, None, "Case 1"),
    "call": lambda row: hold_call(call_of(row), None, "Case 1"),
    "number": lambda row: hold_number(account_of(row), "+82 10-5555-1234", None, "Case 1"),
    "number nationally": lambda row: hold_number(account_of(row), "010 5555 1234", None, "Case 1"),
    "period": lambda row: hold_period(
        account_of(row), LONG_AGO - timedelta(days=1), LONG_AGO + timedelta(days=1), None, "Case 1"
    ),
}


@pytest.fixture
def account(db: None) -> Account:
    return make_account(country="KR", keep_recordings_days=30, keep_calls_days=30)


@pytest.fixture
def recording(account: Account) -> Recording:
    """An old recording with a file."""
    call = make_call(account, started_at=LONG_AGO, caller_number="01055551234")
    recording = make_recording(call, stored_at=LONG_AGO)
    make_media(recording)
    return recording


def forget_everything(recording: Recording) -> None:
    retention.retain_account(account_of(recording).pk.hex)
    deletion.erase_each([recording.pk.hex])


@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_a_hold_keeps_from_retention(kind: str, recording: Recording, stored: Path) -> None:
    HOLDS[kind](recording)
    forget_everything(recording)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert recording.call is not None
    assert (stored / Media.objects.get().key).exists()


@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_a_hold_keeps_from_deletion_on_request(kind: str, recording: Recording) -> None:
    HOLDS[kind](recording)
    with pytest.raises(deletion.OnHold):
        deletion.delete_recording(recording, None)
    recording.refresh_from_db()
    assert recording.state == State.READY


@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_what_is_released_goes(kind: str, recording: Recording, stored: Path) -> None:
    hold = HOLDS[kind](recording)
    assert hold is not None
    assert release(hold, None)
    assert not release(hold, None)
    forget_everything(recording)
    assert not Call.objects.exists()
    assert not [path for path in stored.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_a_hold_stops_what_is_marked_and_not_yet_gone(kind: str, recording: Recording, stored: Path) -> None:
    deletion.delete_recording(recording, None)
    HOLDS[kind](recording)
    deletion.erase_each([recording.pk.hex])
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert (stored / Media.objects.get().key).exists()


def test_a_hold_of_another_account_keeps_nothing(recording: Recording) -> None:
    other = make_account(country="KR")
    hold_number(other, "010 5555 1234", None, "Case 2")
    hold_period(other, LONG_AGO - timedelta(days=1), LONG_AGO + timedelta(days=1), None, "Case 2")
    forget_everything(recording)
    assert not Media.objects.exists()


def test_a_hold_on_a_number_keeps_only_that_number(recording: Recording) -> None:
    hold_number(account_of(recording), "010 5555 123", None, "Case 1")
    forget_everything(recording)
    assert not Media.objects.exists()


def test_two_holds_are_two_reasons(recording: Recording) -> None:
    hold_recording(recording, None, "Case 1")
    hold = hold_call(call_of(recording), None, "Case 2")
    release_recording(recording, None)
    with pytest.raises(deletion.OnHold):
        deletion.delete_recording(recording, None)
    assert hold
    release(hold, None)
    deletion.delete_recording(recording, None)


def test_placing_and_releasing_are_in_the_audit_log(recording: Recording) -> None:
    hold = hold_recording(recording, None, "Case 1")
    assert hold
    release(hold, None)
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"hold.place", "hold.release"}
    recording.refresh_from_db()
    assert recording.legal_hold is False


@pytest.mark.parametrize("number", ["", "nobody", "+"])
def test_what_is_no_number_cannot_be_held(number: str, account: Account) -> None:
    with pytest.raises(ValueError, match="number"):
        hold_number(account, number, None, "Case 1")


def alone(deed: Callable[[], object]) -> object:
    """Do it on a connection of this thread's own, and return what came of it."""
    try:
        return deed()
    except deletion.OnHold as refused:
        return refused
    finally:
        connection.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_a_deletion_waits_for_a_hold_and_is_refused(kind: str, recording: Recording, stored: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            HOLDS[kind](recording)
            deleted = pool.submit(alone, lambda: deletion.delete_recording(recording, None))
            assert not wait([deleted], 0.3).done
        assert isinstance(deleted.result(20), deletion.OnHold)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert (stored / Media.objects.get().key).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(HOLDS))
def test_a_hold_waits_for_a_deletion_and_stops_what_is_not_gone(
    kind: str, recording: Recording, stored: Path
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            deletion.delete_recording(recording, None)
            held = pool.submit(alone, lambda: HOLDS[kind](recording))
            assert not wait([held], 0.3).done
        assert isinstance(held.result(20), LegalHold)
    deletion.erase(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.state_reason) == (State.READY, "Kept by a hold.")
    assert (stored / Media.objects.get().key).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_night_waits_for_a_hold_and_leaves_what_it_keeps(recording: Recording, stored: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            HOLDS["number"](recording)
            night = pool.submit(alone, lambda: forget_everything(recording))
            assert not wait([night], 0.3).done
        night.result(20)
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert (stored / Media.objects.get().key).exists()
