"""An Asterisk's files and tables, followed while they grow, are rotated, cut and broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from accounts.models import Switch, SwitchKind
from ccportal.catch_up.chore import CatchUp
from ccportal.pipeline import apply_events, sorted_events
from cdr.models import AgentOffer, Call, EventCount, Evidence, EvidenceKey, Leg, QueueVisit, SourcePosition
from switch import events as ev
from tests import asterisk_captures as captured
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db

ANSWER = (captured.ASTERISK / "answer.cdr.csv").read_bytes()
BUSY = (captured.ASTERISK / "busy.cdr.csv").read_bytes()


@pytest.fixture
def master(tmp_path: Path) -> Path:
    return tmp_path / "Master.csv"


@pytest.fixture
def switch(master: Path) -> Switch:
    return make_switch(
        make_account(),
        name="pbx",
        kind=SwitchKind.ASTERISK,
        cdr_source=str(master),
        time_zone="Europe/Moscow",
    )


def follow(switch: Switch) -> None:
    """Look as often as there is something."""
    chore = CatchUp()
    while chore.take(switch):
        continue


def outcomes() -> dict[str, str]:
    return dict(Call.objects.order_by("started_at").values_list("leg_uuid", "outcome"))


def trouble() -> str:
    return SourcePosition.objects.get().trouble


def test_what_is_added_is_read_once(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER)
    follow(switch)
    with master.open("ab") as file:
        file.write(BUSY)
    follow(switch)
    assert outcomes() == {"1795178129.12": "answered", "1795179379.0": "busy"}
    assert SourcePosition.objects.get().offset == len(ANSWER + BUSY)


def test_a_record_that_is_half_written_waits_for_its_rest(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER[:100])
    follow(switch)
    assert outcomes() == {}
    master.write_bytes(ANSWER)
    follow(switch)
    assert outcomes() == {"1795178129.12": "answered"}


def test_a_rotated_file_is_finished_before_the_new_one(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER[:100])
    follow(switch)
    with master.open("ab") as file:
        file.write(ANSWER[100:])
    master.rename(master.with_name("Master.csv.1"))
    master.write_bytes(BUSY)
    follow(switch)
    assert outcomes() == {"1795178129.12": "answered", "1795179379.0": "busy"}


def test_a_file_emptied_in_place_is_read_from_its_beginning(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER + BUSY)
    follow(switch)
    Call.objects.all().delete()
    with master.open("r+b") as file:
        file.truncate()
        file.write(BUSY)
    follow(switch)
    assert SourcePosition.objects.get().offset == len(BUSY)


def test_a_file_that_was_rotated_away_unread_is_told(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER)
    follow(switch)
    master.unlink()
    master.with_name("other").write_bytes(b"")
    master.write_bytes(BUSY)
    if master.stat().st_ino == SourcePosition.objects.get().inode:
        pytest.skip("the disk used the inode again")
    follow(switch)
    assert "1795179379.0" in outcomes()
    assert EventCount.objects.get(kind="lost").count == 1


def test_a_missing_file_is_said_and_then_read(switch: Switch, master: Path) -> None:
    follow(switch)
    assert trouble() == "There is no such file."
    master.write_bytes(ANSWER)
    follow(switch)
    assert (trouble(), len(outcomes())) == ("", 1)


def test_a_broken_record_is_counted_and_stops_nothing(switch: Switch, master: Path) -> None:
    master.write_bytes(b'"no","record"\n' + ANSWER[:150] + b"\n" + BUSY)
    follow(switch)
    assert outcomes() == {"1795179379.0": "busy"}
    assert EventCount.objects.filter(kind="malformed").exists()


def test_a_record_cut_off_by_a_power_cut_does_not_swallow_the_next(switch: Switch, master: Path) -> None:
    master.write_bytes(ANSWER[:60] + b"\n" + BUSY)
    follow(switch)
    assert outcomes() == {"1795179379.0": "busy"}


def rows_of_everything() -> tuple[object, ...]:
    return tuple(
        tuple(model._default_manager.order_by("pk").values_list(*fields))
        for model, fields in (
            (Call, ("pk", "outcome", "talk_ms", "dialed_number", "started_at", "ended_at")),
            (Leg, ("pk", "uuid", "answered_at")),
            (QueueVisit, ("pk", "cause", "wait_ms")),
            (AgentOffer, ("pk", "outcome", "agent_leg_uuid")),
        )
    )


@pytest.mark.parametrize("name", ["queue_answered", "queue_abandoned"])
def test_every_order_of_sources_gives_the_same_rows(switch: Switch, name: str) -> None:
    told: list[Sequence[ev.Event]] = [captured.reports(name), captured.rows(name), captured.lines(name)]
    seen = set()
    for order in permutations(range(3)):
        for source in (*order, order[0]):
            apply_events(switch, sorted_events(told[source]))
        seen.add(rows_of_everything())
        Call.objects.all().delete()
        EvidenceKey.objects.all().delete()
        Evidence.objects.all().delete()
    assert len(seen) == 1


CDR = {
    "calldate": "2026-11-20 15:35:29",
    "answer": "2026-11-20 15:35:30",
    "enddate": "2026-11-20 15:35:34",
    "clid": b'"A" <555>',
    "dcontext": "incoming",
    "channel": "SIP/a-1",
    "dstchannel": "SIP/b-1",
    "lastapp": "Dial",
    "lastdata": "SIP/b,20",
    "duration": 5,
    "billsec": 4,
    "disposition": "ANSWERED",
    "amaflags": "3",
    "accountcode": "",
    "uniqueid": "",
    "linkedid": "",
    "userfield": "",
    "src": "555",
    "dst": "100",
    "sequence": 7,
}


def sqlite_table(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute(f"CREATE TABLE cdr (AcctId INTEGER PRIMARY KEY, {', '.join(CDR)})")
    return database


def insert(database: sqlite3.Connection, unique_id: str, clid: bytes = b'"A" <555>') -> None:
    row = CDR | {"uniqueid": unique_id, "linkedid": unique_id, "clid": clid}
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO cdr ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    database.commit()


def test_a_table_is_read_by_its_number(switch: Switch, tmp_path: Path) -> None:
    path = tmp_path / "master.db"
    database = sqlite_table(path)
    switch.cdr_source = f"sqlite://{path}"
    insert(database, "1795178129.1")
    chore = CatchUp()
    assert chore.take(switch)
    insert(database, "1795178130.2", b'"\xff\xd1" <555>')
    chore.due_at.clear()
    assert chore.take(switch)
    database.close()
    assert outcomes() == {"1795178129.1": "answered", "1795178130.2": "answered"}


def test_a_table_that_is_none_is_told_without_its_password(switch: Switch, tmp_path: Path) -> None:
    switch.cdr_source = "postgresql://asterisk:secret@127.0.0.1:1/asterisk"
    follow(switch)
    assert "secret" not in trouble() + SourcePosition.objects.get().place
    assert trouble().startswith("The database does not answer")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_table_on_postgresql_is_read_by_its_number(switch: Switch) -> None:
    """A table of the test's own server, filled as Asterisk's back-end for it does."""
    columns = ", ".join(f'"{name}" text' for name in CDR if name not in ("calldate", "duration", "billsec"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE asterisk_cdr (id serial, calldate timestamp, duration int, billsec int, {columns})"
        )
    used = connection.settings_dict
    switch.cdr_source = (
        f"postgresql://{used['USER']}:{used['PASSWORD']}@:{used['PORT'] or 5432}/{used['NAME']}"
        f"?table=asterisk_cdr&host={quote(used['HOST'])}"
    )
    chore = CatchUp()
    try:
        for unique_id in ("1795178129.1", "1795178130.2"):
            row: dict[str, Any] = CDR | {"uniqueid": unique_id, "linkedid": unique_id, "clid": '"A" <555>'}
            names = ", ".join(f'"{name}"' for name in row)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO asterisk_cdr ({names}) VALUES ({', '.join(['%s'] * len(row))})",
                    list(row.values()),
                )
            chore.due_at.clear()
            assert chore.take(switch), trouble()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE asterisk_cdr")
    assert outcomes() == {"1795178129.1": "answered", "1795178130.2": "answered"}
