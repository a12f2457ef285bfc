"""Files that no recording knows, and files that came late."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, AuditEntry, Switch, SwitchKind
from recordings.arrivals import FolderLook
from recordings.intake import collect, collect_each
from recordings.late import look_for_late
from recordings.models import Finding, Media, Origin, Orphan, OrphanState, Recording, State
from recordings.orphans import discard, link, look, possible_names, scan, unique_ids_in
from tests.factories import make_call, make_leg, make_recording, make_switch, tone
from tests.recordings.conftest import REMOTE, received

WAV = tone(1.0)


def put(folder: Path, name: str, hours_old: float = 2, audio: bytes = WAV) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio)
    then = time.time() - hours_old * 3600
    os.utime(path, (then, then))
    return path


def shown() -> set[str]:
    rows = Orphan.objects.filter(state=OrphanState.WAITING)
    return {path.removeprefix(f"{REMOTE}/") for path in rows.values_list("path", flat=True)}


def test_a_quiet_file_that_no_recording_knows_is_shown_at_the_second_look(
    switch: Switch, folder: Path
) -> None:
    put(folder, "lost.wav")
    put(folder, "2026/11/deep.mp3")
    put(folder, "fresh.wav", hours_old=0)
    put(folder, "notes.txt")
    (folder / "link.wav").symlink_to(folder / "lost.wav")
    (folder / "out").symlink_to("/etc")
    look()
    assert shown() == set()
    look()
    assert shown() == {"lost.wav", "2026/11/deep.mp3"}


def test_a_file_that_still_grows_is_not_shown(switch: Switch, folder: Path) -> None:
    put(folder, "growing.wav")
    look()
    put(folder, "growing.wav", hours_old=1.5, audio=WAV + b"more")
    look()
    assert shown() == set()
    look()
    assert shown() == {"growing.wav"}


def test_what_a_recording_has_or_was_renamed_to_is_no_orphan(
    switch: Switch, account: Account, folder: Path
) -> None:
    received(switch, account, "a_b.wav")
    for name in ("a_b.wav", "a_b_1001.wav", "a.wav"):
        put(folder, name)
    look()
    look()
    assert shown() == {"a.wav"}


def test_possible_names_are_all_that_come_before() -> None:
    assert possible_names("/r/a_b_c.wav") == [f"/r/{name}.wav" for name in ("a", "a_b", "a_b_c", "a_b_c")]


def test_a_look_is_bounded_and_goes_on_where_it_stopped(switch: Switch, folder: Path) -> None:
    for day in range(5):
        for number in range(3):
            put(folder, f"2026/{day}/{number}.wav")
    positions = []
    for _ in range(3):
        scan(switch, REMOTE, most=6)
        positions.append(FolderLook.objects.get().position)
    assert positions == ["2026/1", "2026/3", ""]
    assert Orphan.objects.count() == 15


def test_what_went_or_got_a_recording_leaves_the_list(switch: Switch, account: Account, folder: Path) -> None:
    gone, known = put(folder, "gone.wav"), put(folder, "known.wav")
    look()
    gone.unlink()
    received(switch, account, known.name, state=State.READY)
    look()
    assert not Orphan.objects.exists()


def test_an_orphan_is_of_the_account_whose_switch_it_is(
    switch: Switch, account: Account, folder: Path
) -> None:
    put(folder, "a.wav")
    Switch.objects.update(account=account)
    look()
    assert Orphan.objects.get().account == account


def test_a_folder_that_is_not_there_stops_nothing(switch: Switch, folder: Path) -> None:
    Switch.objects.update(path_mapping={"/gone": "/nonexistent/x", REMOTE: str(folder)})
    put(folder, "a.wav")
    look()
    assert Orphan.objects.count() == 1


def test_nothing_is_looked_for_when_that_is_switched_off(switch: Switch, folder: Path, settings: Any) -> None:
    settings.CCPORTAL_ORPHAN_MINUTES = 0
    put(folder, "a.wav")
    look()
    assert not Orphan.objects.exists()


@pytest.fixture
def orphan(switch: Switch, folder: Path) -> Orphan:
    put(folder, "lost.wav")
    look()
    look()
    return Orphan.objects.get()


def test_linked_by_hand_it_becomes_the_calls_recording(
    orphan: Orphan, account: Account, folder: Path
) -> None:
    call = make_call(account, switch=orphan.switch, agent_name="1001")
    recording = link(orphan, call, None)
    assert recording is not None
    collect_each([recording.pk.hex])
    recording.refresh_from_db()
    call.refresh_from_db()
    assert (recording.state, recording.origin, recording.agent_name) == (
        State.PROCESSING,
        Origin.LINKED,
        "1001",
    )
    assert Media.objects.get().duration_ms == 1000
    assert not (folder / "lost.wav").exists()
    assert call.recording_count == 1
    assert AuditEntry.objects.get(action="orphan.link").object_id == recording.pk.hex
    assert link(orphan, call, None) is None


def test_a_recording_of_the_call_without_a_file_takes_it(orphan: Orphan, account: Account) -> None:
    call = make_call(account, switch=orphan.switch)
    missing = make_recording(call, state=State.MISSING, finding=Finding.MISSING, switch_ms=None)
    assert link(orphan, call, None) == missing
    collect(missing.pk)
    missing.refresh_from_db()
    assert (missing.state, missing.source_path) == (State.PROCESSING, f"{REMOTE}/lost.wav")
    assert Recording.objects.count() == 1


def test_discarded_it_leaves_the_list_and_stays_on_disk(orphan: Orphan, folder: Path) -> None:
    assert discard(orphan, None)
    look()
    look()
    assert shown() == set()
    assert (folder / "lost.wav").exists()
    assert not discard(orphan, None)


def missed(switch: Switch, account: Account) -> Recording:
    recording = received(switch, account, "late.wav", attempts=2)
    collect(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.finding) == (State.MISSING, Finding.MISSING)
    return recording


def test_a_file_that_comes_late_is_found_by_itself(switch: Switch, account: Account, folder: Path) -> None:
    recording = missed(switch, account)
    put(folder, "late.wav")
    assert look_for_late() == 0
    Recording.objects.update(next_try_at=timezone.now())
    assert look_for_late() == 1
    collect(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.finding) == (State.PROCESSING, "")


def test_it_is_looked_for_ever_less_often_and_not_for_good(switch: Switch, account: Account) -> None:
    recording = missed(switch, account)
    waits = []
    for days in (0.5, 3, 8):
        now = timezone.now()
        Recording.objects.update(state_at=now - timedelta(days=days), next_try_at=now)
        look_for_late()
        recording.refresh_from_db()
        due = recording.next_try_at
        waits.append(round((due - now) / timedelta(days=1), 1) if due else None)
    assert waits == [0.5, 3.0, None]


@pytest.fixture
def asterisk(switch: Switch) -> Switch:
    switch.kind = SwitchKind.ASTERISK
    switch.save()
    return switch


@pytest.mark.parametrize(
    ("name", "unique_id"),
    [
        ("1795178103.10.wav", "1795178103.10"),
        ("1795178103.10-1795178199.wav", "1795178103.10"),
        ("q-3000-1795178103.10.wav", "1795178103.10"),
        ("pbx-2-1795178103.10.wav", "pbx-2-1795178103.10"),
    ],
)
def test_a_file_named_for_one_leg_goes_to_its_call(
    asterisk: Switch, account: Account, folder: Path, name: str, unique_id: str
) -> None:
    call = make_call(account, switch=asterisk)
    make_leg(call, uuid=unique_id)
    put(folder, name)
    look()
    assert not Recording.objects.exists()
    look()
    recording = Recording.objects.get()
    assert (recording.call, recording.leg_uuid, recording.state) == (call, unique_id, State.RECEIVED)
    collect(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.media.count(), shown()) == (State.PROCESSING, 1, set())


def test_a_file_whose_call_comes_later_goes_to_it_then(
    asterisk: Switch, account: Account, folder: Path
) -> None:
    put(folder, "1795178103.10.wav")
    look()
    look()
    assert shown() == {"1795178103.10.wav"}
    make_leg(make_call(account, switch=asterisk), uuid="1795178103.10")
    look()
    assert (shown(), Recording.objects.count()) == (set(), 1)


def test_a_name_that_tells_no_single_leg_of_this_asterisk_is_left_to_a_person(
    asterisk: Switch, account: Account, folder: Path
) -> None:
    other = make_switch(account, "other", kind=SwitchKind.ASTERISK)
    make_leg(make_call(account, switch=other), uuid="1795178103.1")
    for uuid in ("1795178103.10", "1795178103.11"):
        make_leg(make_call(account, switch=asterisk), uuid=uuid)
    for name in ("1795178103.1.wav", "1795178103.10-1795178103.11.wav", "1795178103.100.wav"):
        put(folder, name)
    look()
    look()
    assert (len(shown()), Recording.objects.count()) == (3, 0)


def test_unique_ids_are_read_whole() -> None:
    found = unique_ids_in("/a/in-100-1795178103.10.wav")
    assert found == ["in-100-1795178103.10", "100-1795178103.10", "1795178103.10"]
    assert unique_ids_in("/a/11795178103999.10.wav") == []
