"""The listener's parts: bounded memory, records of gaps, the lock, the lease, the applier's steps."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Switch
from ccportal import pipeline
from ccportal.listener import gaps
from ccportal.listener.applier import Applier
from ccportal.listener.backlog import Backlog
from ccportal.listener.parameters import Parameters, copy_path, keep_copy, load_copies
from ccportal.listener.reader import Keeper, Reader
from ccportal.listener.standby import FirstLease, Lock, give_up_lease, hold_lease, listener_name
from cdr.models import ConnectionGap, EventCount, IngestPosition, Leg
from switch import events as ev
from switch.errors import JournalFull
from switch.esl.captures import label_event
from switch.esl.connection import Address
from switch.esl.session import EventSession
from switch.journal import Journal
from tests import captures
from tests.factories import make_account, make_switch

PARAMETERS = Parameters("0" * 32, "pbx", "127.0.0.1", 8021, "secret word")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path, "pbx") as opened:
        yield opened


def test_a_full_backlog_drops_events_until_half_is_free() -> None:
    backlog = Backlog(most_bytes=100)
    assert backlog.put([b"x" * 60], 1.0)
    assert not backlog.put([b"x" * 60], 2.0)
    assert not backlog.put([b"x" * 10], 3.0)
    assert backlog.put([b"lost"], 3.0, "control")
    backlog.taken_care_of(backlog.take(0))
    assert backlog.put([b"x" * 40], 4.0)


def test_a_backlog_gives_one_kind_at_a_time_in_order() -> None:
    backlog = Backlog()
    for body, kind in ((b"a", "events"), (b"b", "events"), (b"c", "control"), (b"d", "events")):
        backlog.put([body], 1.0, kind)
    backlog.close()
    taken = [[body for parcel in backlog.take(0) for body in parcel.bodies] for _ in range(3)]
    assert taken == [[b"a", b"b"], [b"c"], [b"d"]]
    assert backlog.over


class NoConnection:
    def __call__(self, address: Address, connect_timeout: float = 5.0) -> None:
        raise AssertionError


def test_dropped_events_become_a_recorded_gap(journal: Journal) -> None:
    backlog = Backlog(most_bytes=10)
    reader = Reader("pbx", EventSession(Address("x"), NoConnection()), backlog, 0)  # type: ignore[arg-type]
    keeper = Keeper("pbx", journal, backlog)
    reader._received([b"x" * 10])
    reader._received([b"dropped"])
    assert keeper.step()
    reader._received([b"heard"])
    while keeper.step():
        pass
    batches = list(journal.read(0))
    assert [batch.bodies for batch in batches if batch.kind == "events"] == [[b"x" * 10], [b"heard"]]
    records = [
        gaps.decode_connection(body) for batch in batches if batch.kind == "control" for body in batch.bodies
    ]
    assert [type(record) for record in records] == [ev.ConnectionLost, ev.ConnectionRestored]
    assert isinstance(records[1], ev.ConnectionRestored)
    assert records[1].lost_at == records[0].at


def test_a_journal_that_refuses_is_tried_again(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = Backlog()
    keeper = Keeper("pbx", journal, backlog)
    backlog.put([b"kept"], 1.0)
    with monkeypatch.context() as broken:
        broken.setattr(Journal, "append", refuse)
        assert not keeper.step()
        assert keeper.failing
    assert keeper.step()
    assert [batch.bodies for batch in journal.read(0)] == [[b"kept"]]


def refuse(*_: object, **__: object) -> int:
    raise JournalFull("full")


def test_a_killed_listener_was_deaf_from_its_last_event_on(journal: Journal) -> None:
    body = captures.bodies("fail_busy")[0]
    told = label_event(body).at
    journal.append([body], received_at=told / 1_000_000 + 45)
    since, said = gaps.unheard_since(journal)
    assert (since, said) == (told - 1_000_000, False)


def test_a_stopped_listener_said_since_when(journal: Journal) -> None:
    assert gaps.unheard_since(journal) == (0, True)
    journal.append([gaps.lost(123, "stopped")], gaps.CONTROL)
    assert gaps.unheard_since(journal) == (123, True)
    journal.append([gaps.restored(123, 456)], gaps.CONTROL)
    assert gaps.unheard_since(journal) == (456, False)


def test_what_the_recorder_kept_says_nothing_of_the_connection(journal: Journal) -> None:
    body = captures.bodies("fail_busy")[0]
    told = label_event(body).at
    journal.append([body], received_at=told / 1_000_000 + 45)
    decided = msgspec.json.encode(ev.CallDecided(core="ccportal", sequence=1, at=told, leg="a"))
    journal.append([decided], gaps.CONTROL)
    assert gaps.unheard_since(journal) == (told - 1_000_000, False)


def test_a_clock_that_is_far_off_is_not_believed() -> None:
    body = captures.bodies("fail_busy")[0]
    assert gaps.unheard_from(9e9, body) == int(9e9 - 1) * 1_000_000


def test_only_one_listener_holds_the_lock(tmp_path: Path) -> None:
    first, second = Lock(tmp_path, "pbx"), Lock(tmp_path, "pbx")
    assert first.take()
    assert not second.take()
    assert not second.wait("pbx", lambda seconds: True)
    first.release()
    assert second.take()
    second.release()


def test_the_copy_of_the_parameters_is_private(tmp_path: Path) -> None:
    keep_copy(tmp_path, PARAMETERS)
    assert stat.S_IMODE(copy_path(tmp_path, PARAMETERS.id).stat().st_mode) == 0o600
    assert load_copies(tmp_path) == [PARAMETERS]
    assert "secret" not in repr(PARAMETERS)


@pytest.mark.django_db
def test_a_lease_goes_to_another_machine_when_it_is_old() -> None:
    switch, now = make_switch(), timezone.now()
    assert hold_lease(switch.pk, "a", now)
    assert hold_lease(switch.pk, "a", now)
    assert not hold_lease(switch.pk, "b", now)
    assert hold_lease(switch.pk, "b", now + timedelta(seconds=31))
    assert not hold_lease(switch.pk, "a", now + timedelta(seconds=32))
    give_up_lease(switch.pk, "b")
    assert hold_lease(switch.pk, "a", now)


def test_a_machine_keeps_its_name(tmp_path: Path) -> None:
    assert listener_name(tmp_path / "a") == listener_name(tmp_path / "a") != listener_name(tmp_path / "b")


@pytest.fixture
def switch(db: None) -> Switch:
    return make_switch(make_account())


@pytest.fixture
def journal_of_switch(tmp_path: Path, switch: Switch) -> Iterator[Journal]:
    with Journal.open(tmp_path, switch.pk.hex) as opened:
        yield opened


@pytest.fixture
def applier(tmp_path: Path, switch: Switch) -> Iterator[Applier]:
    made = Applier(tmp_path, switch.pk.hex, "here")
    yield made
    if made._journal is not None:
        made._journal.close()


def run(applier: Applier) -> None:
    while applier.step():
        pass


def test_the_applier_writes_rows_and_gaps(
    applier: Applier, journal_of_switch: Journal, switch: Switch
) -> None:
    journal_of_switch.append(captures.bodies("queue_answered"))
    journal_of_switch.append([gaps.lost(1_000_000, "x"), gaps.restored(1_000_000, 2_000_000)], gaps.CONTROL)
    run(applier)
    assert applier.caught_up()
    assert Leg.objects.count() == 2
    assert ConnectionGap.objects.get().ended_at is not None
    assert IngestPosition.objects.get().batch == journal_of_switch.last_id()
    switch.refresh_from_db()
    assert switch.listener == "here"


def test_the_switch_is_asked_for_its_legs_soon_after_a_gap(
    applier: Applier, journal_of_switch: Journal
) -> None:
    before = applier.census.due_at
    journal_of_switch.append([gaps.lost(1_000_000, "x")], gaps.CONTROL)
    run(applier)
    assert applier.census.due_at == before
    journal_of_switch.append([gaps.restored(1_000_000, 2_000_000)], gaps.CONTROL)
    run(applier)
    assert applier.census.due_at < before - 30


def test_the_applier_waits_for_a_database_that_is_away(
    applier: Applier, journal_of_switch: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[str] = []
    times = iter(range(0, 100_000, 100))
    applier.tell, applier.monotonic = words.append, lambda: next(times)
    monkeypatch.setattr("ccportal.listener.applier.connection.close", lambda: None)
    journal_of_switch.append(captures.bodies("fail_busy"))
    with monkeypatch.context() as away:
        away.setattr(pipeline, "apply_mixed", be_away)
        assert not applier.step()
        assert not applier.caught_up()
    run(applier)
    assert applier.caught_up()
    assert (Leg.objects.count(), words) == (2, ["held", "away", "held"])


def be_away(*_: object, **__: object) -> None:
    raise OperationalError("gone")


def test_one_event_that_cannot_be_applied_stops_nothing(
    applier: Applier, journal_of_switch: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pipeline.hear

    def hear(bodies: object, *args: object, **kwargs: object) -> object:
        listed = list(bodies)  # type: ignore[call-overload]
        if b"poison" in listed:
            raise ZeroDivisionError
        return original(listed, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "hear", hear)
    journal_of_switch.append([b"poison", *captures.bodies("fail_busy")])
    journal_of_switch.append(captures.bodies("queue_answered"))
    run(applier)
    assert Leg.objects.count() == 4
    assert EventCount.objects.get(kind="refused").count == 1


def test_another_machines_lease_keeps_the_applier_still(
    applier: Applier, journal_of_switch: Journal, switch: Switch
) -> None:
    hold_lease(switch.pk, "elsewhere", timezone.now())
    journal_of_switch.append(captures.bodies("fail_busy"))
    run(applier)
    assert (applier.lease, Leg.objects.count()) == ("elsewhere", 0)


def test_what_waits_in_the_journal_is_told_to_others(
    applier: Applier, journal_of_switch: Journal, switch: Switch
) -> None:
    journal_of_switch.append(captures.bodies("fail_busy"))
    run(applier)
    bodies = captures.bodies("queue_answered")
    journal_of_switch.append(bodies, received_at=1_800_000_000.0)
    again = Applier(applier.folder, switch.pk.hex, "here")
    again.step()
    again._open().close()
    position = IngestPosition.objects.get()
    assert position.waiting == len(bodies)
    assert position.waiting_since == datetime.fromtimestamp(1_800_000_000, UTC)
    assert position.looked_at is not None
    applier._look_at = 0.0
    applier.place = None
    run(applier)
    assert IngestPosition.objects.filter(waiting=0, waiting_since=None).exists()


def test_another_journals_position_does_not_make_the_applier_begin_again(
    applier: Applier, journal_of_switch: Journal, switch: Switch, tmp_path: Path
) -> None:
    journal_of_switch.append(captures.bodies("fail_busy"))
    run(applier)
    IngestPosition.objects.update(journal="another machine's", batch=7)
    again = Applier(tmp_path, switch.pk.hex, "here")
    run(again)
    assert again.place == applier.place
    again._open().close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("holder", "word"), [("", "held"), ("another machine", "")])
def test_the_lease_is_asked_for_while_the_applier_starts(holder: str, word: str, tmp_path: Path) -> None:
    switch = make_switch()
    Switch.objects.filter(pk=switch.pk).update(listener=holder, listener_seen_at=timezone.now())
    first = FirstLease(tmp_path, switch.pk.hex)
    first.thread.join(20)
    assert first.word == word
    assert Switch.objects.get().listener == (holder or listener_name(tmp_path))
    first.end(20)
    assert Switch.objects.get().listener == holder
