from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch import measure
from switch.errors import JournalError, JournalFull, UnsafeValue
from switch.journal import Batch, Depth, Journal, pack, unpack
from tests.switch.append_until_killed import bodies_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
INCOMPRESSIBLE = random.Random(1).randbytes(100_000)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path, "switch1") as made:
        yield made


def ids(journal: Journal, after: int = 0) -> list[int]:
    return [batch.id for batch in journal.read(after)]


def damage(path: Path, offset: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * size)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_bodies_are_unpacked_as_they_were_packed(bodies: list[bytes]) -> None:
    assert unpack(pack(bodies)) == bodies


@given(st.binary(max_size=100))
def test_noise_is_no_batch(noise: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(noise)


def test_what_is_appended_is_read(journal: Journal) -> None:
    first = journal.append([b'{"a":1}', b"\xff\x00", b""], received_at=1.5)
    second = journal.append([b"{}"], kind="control", received_at=2.5)
    assert list(journal.read(0)) == [
        Batch(first, 1.5, "events", [b'{"a":1}', b"\xff\x00", b""]),
        Batch(second, 2.5, "control", [b"{}"]),
    ]
    assert ids(journal, first) == [second]
    assert ids(journal, second) == []


def test_reading_stops_at_a_limit(journal: Journal) -> None:
    for _ in range(200):
        journal.append([b"x" * 1000])
    assert [batch.id for batch in journal.read(0, limit_batches=150)] == list(range(1, 151))
    assert [batch.id for batch in journal.read(10, limit_bytes=2500)] == [11, 12, 13]
    assert [batch.id for batch in journal.read(0, limit_bytes=1)] == [1]
    assert ids(journal) == list(range(1, 201))


def test_depth_tells_what_waits(journal: Journal) -> None:
    assert journal.depth(0) == Depth(0, 0, None)
    journal.append([b"a", b"b"], received_at=5.0)
    journal.append([b"c"], received_at=6.0)
    assert journal.depth(0) == Depth(2, 3, 5.0)
    assert journal.depth(1) == Depth(1, 1, 6.0)


def test_only_what_is_old_and_applied_is_pruned(journal: Journal) -> None:
    for second in range(10):
        journal.append([b"x"], received_at=float(second))
    assert journal.prune(before_time=5.0, applied_up_to=3) == 3
    assert ids(journal) == list(range(4, 11))
    assert journal.prune(before_time=5.0, applied_up_to=10) == 2
    assert journal.prune(before_time=5.0, applied_up_to=10) == 0


def test_ids_are_never_used_twice(journal: Journal, tmp_path: Path) -> None:
    for _ in range(500):
        journal.append([b"x"], received_at=1.0)
    assert journal.prune(2.0, 500) == 500
    assert journal.last_id() == 500
    with Journal.open(tmp_path, "switch1") as again:
        assert again.append([b"y"]) == 501


def test_the_file_keeps_its_identity(journal: Journal, tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1") as again, Journal.open(tmp_path, "switch2") as other:
        assert again.identity == journal.identity
        assert other.identity != journal.identity
        assert len(journal.identity) == 32


@pytest.mark.parametrize("switch_id", ["", "..", "a/b", "/etc/passwd", "a\0", "a.b", "a" * 200, "é"])
def test_a_switch_id_cannot_lead_elsewhere(tmp_path: Path, switch_id: str) -> None:
    with pytest.raises(UnsafeValue):
        Journal.open(tmp_path, switch_id)


def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    with (
        Journal.open(tmp_path, "switch1"),
        Journal.follow(tmp_path, "switch1") as follower,
        writer(tmp_path) as process,
    ):
        after, deadline = 0, time.monotonic() + 30.0
        while after < 300:
            assert time.monotonic() < deadline
            for batch in follower.read(after):
                assert batch.id == after + 1
                assert batch.bodies == bodies_of(0, batch.id)
                after = batch.id
        process.kill()


def writer(folder: Path, run: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.switch.append_until_killed", str(folder), str(run)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_every_batch_that_was_said_survives_a_kill_and_none_is_half(tmp_path: Path) -> None:
    said: dict[int, list[bytes]] = {}
    chance = random.Random()
    for run in range(6):
        with writer(tmp_path, run) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 120)):
                said.update([confirmed(run, process.stdout.readline())])
            process.kill()
            said.update(confirmed(run, line) for line in process.stdout if line.endswith("\n"))
    with Journal.open(tmp_path, "switch1") as journal:
        kept = {batch.id: batch.bodies for batch in journal.read(0, limit_batches=1_000_000)}
    assert journal.moved_aside is None
    assert {number: kept.get(number) for number in said} == said
    assert sorted(kept) == list(range(1, len(kept) + 1))
    assert len(kept) - len(said) <= 6
    assert all(bodies for bodies in kept.values())


def confirmed(run: int, line: str) -> tuple[int, list[bytes]]:
    added, number = line.split()
    return int(added), bodies_of(run, int(number))


def test_a_full_journal_says_so_keeps_the_rest_and_recovers(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1", max_bytes=1_000_000) as journal:
        with pytest.raises(JournalFull):
            fill(journal)
        kept = ids(journal)
        assert kept == list(range(1, len(kept) + 1))
        with pytest.raises(JournalFull):
            journal.append([INCOMPRESSIBLE])
        assert journal.prune(before_time=2.0, applied_up_to=3) == 3
        assert journal.append([INCOMPRESSIBLE]) > kept[-1]
        assert all(batch.bodies == [INCOMPRESSIBLE] for batch in journal.read(0))


def fill(journal: Journal) -> None:
    for _ in range(100):
        journal.append([INCOMPRESSIBLE], received_at=1.0)


@pytest.mark.parametrize("wreck", ["noise", "header", "tail"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, wreck: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Journal.open(tmp_path, "switch1") as journal:
        path, identity = journal.path, journal.identity
        fill(journal)
    if wreck == "noise":
        path.write_bytes(b"this is not a database, it is a line of text" * 1000)
    elif wreck == "header":
        damage(path, 0, 100)
    else:
        path.write_bytes(path.read_bytes()[:20_000])
    wrecked = path.read_bytes()
    with Journal.open(tmp_path, "switch1") as journal:
        assert journal.moved_aside is not None
        assert journal.moved_aside.read_bytes() == wrecked
        assert str(journal.moved_aside) in caplog.text
        assert journal.identity != identity
        assert journal.append([b"x"]) == 1


def test_a_follower_leaves_a_damaged_file_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "switch1.sqlite3"
    path.write_bytes(b"noise" * 1000)
    with pytest.raises(JournalError):
        Journal.follow(tmp_path, "switch1")
    assert path.read_bytes() == b"noise" * 1000


def test_damage_while_open_moves_the_file_and_the_batch_is_kept(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1") as journal:
        journal.append([b"x"])
        swap_for_a_wreck(journal)
        identity = journal.identity
        journal.append([b"after"])
        assert journal.moved_aside is not None
        assert journal.moved_aside.exists()
        assert journal.identity != identity
        assert [batch.bodies for batch in journal.read(0)] == [[b"after"]]


def swap_for_a_wreck(journal: Journal) -> None:
    """Write over every page behind the first, as a broken disk would, so that SQLite has to look."""
    with sqlite3.connect(journal.path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    damage(journal.path, 8192, journal.path.stat().st_size - 8192)
    with sqlite3.connect(journal.path) as other:
        other.execute("PRAGMA user_version = 1")
    other.close()


def test_a_damaged_batch_does_not_stop_those_behind_it(journal: Journal) -> None:
    for number in range(3):
        journal.append([b"%d" % number])
    with sqlite3.connect(journal.path) as other:
        other.execute("UPDATE batches SET body = x'00ff' WHERE id = 2")
    other.close()
    assert [(batch.bodies, batch.damaged) for batch in journal.read(0)] == [
        ([b"0"], False),
        ([], True),
        ([b"2"], False),
    ]


def test_a_damaged_page_does_not_stop_the_batches_behind_it(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1") as journal:
        fill(journal)
    size = journal.path.stat().st_size
    with Journal.follow(tmp_path, "switch1") as follower:
        damage(journal.path, size // 2 // 8192 * 8192, 8192)
        batches = list(follower.read(0))
    whole = [batch for batch in batches if not batch.damaged]
    assert [batch.id for batch in batches] == list(range(1, 101))
    assert 50 < len(whole) < 100
    assert all(batch.bodies == [INCOMPRESSIBLE] for batch in whole)


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1") as journal, Journal.follow(tmp_path, "switch1") as follower:
        journal.append([b"old"])
        assert follower.refresh() is False
        for path in list(tmp_path.glob("switch1.sqlite3*")):
            path.rename(tmp_path / f"gone-{path.name}")
        identity = journal.identity
        assert journal.append([b"new"]) == 1
        assert follower.refresh() is True
        assert follower.identity == journal.identity != identity
        assert [batch.bodies for batch in follower.read(0)] == [[b"new"]]


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "switch1") as journal:
        pass
    with sqlite3.connect(journal.path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(JournalError, match="newer"):
        Journal.open(tmp_path, "switch1")
    assert [path.name for path in tmp_path.glob("*.sqlite3")] == ["switch1.sqlite3"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError):
        Journal.open(tmp_path / "file" / "journal", "switch1")


def test_sync_can_be_called_at_any_time(journal: Journal) -> None:
    journal.sync()
    journal.append([b"x"])
    journal.sync()
    journal.close()
    journal.sync()


def test_measuring_gives_figures(tmp_path: Path) -> None:
    bodies = [b'{"Event-Name":"HEARTBEAT"}'] * 500
    assert measure.measure_framing(bodies) > 0
    assert measure.measure_appends(tmp_path, bodies) > 0
    assert measure.measure_reads(tmp_path, bodies) > 0
