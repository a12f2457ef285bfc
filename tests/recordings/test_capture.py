from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from accounts.models import Account, Switch
from cdr.assembly import Take
from cdr.ingest import ingest, retire
from recordings.capture import CallSummary, ConversationTakes, record_takes, takes_of
from recordings.intake import collect
from recordings.models import Finding, Media, Origin, Recording, State
from recordings.process import process
from recordings.rehome import rehome
from switch.esl.translate import Translator
from switch.events import Event
from tests import captures
from tests.factories import make_account, make_call, make_media, make_recording, make_switch, tone
from tests.recordings.conftest import BEGAN_US, REMOTE, make_take, received

pytestmark = pytest.mark.django_db

SECOND = 1_000_000


def tell(switch: Switch, *takes: Take, **fields: Any) -> list[uuid.UUID]:
    fields.setdefault("call_id", None)
    fields.setdefault("account_id", None)
    return record_takes(switch, [ConversationTakes(takes=takes, **fields)])


def rows() -> list[tuple[object, ...]]:
    found = Recording.objects.order_by("path", "take")
    return [(row.path, row.take, row.state, row.finding, row.overwritten, row.stopped_at) for row in found]


def tasks() -> Iterator[str]:
    for queued in OrmQ.objects.order_by("pk"):
        yield from queued.task["args"][0]


def test_a_running_take_becomes_a_file_to_collect(switch: Switch) -> None:
    running = make_take("a.wav", stopped_at=0, milliseconds=None, cause="")
    assert tell(switch, running) == []
    before = Recording.objects.get()
    assert before.state == State.RECORDING
    assert tell(switch, make_take("a.wav")) == [before.pk]
    after = Recording.objects.get()
    assert (after.pk, after.state, after.switch_ms) == (before.pk, State.RECEIVED, 10_000)
    assert list(tasks()) == [after.pk.hex]


def test_the_same_again_writes_nothing_and_asks_for_nothing(switch: Switch) -> None:
    tell(switch, make_take("a.wav"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert tell(switch, make_take("a.wav")) == []
    assert not [query for query in queries.captured_queries if query["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(list(tasks())) == 1


@pytest.mark.parametrize("state", [State.READY, State.FAILED, State.DELETED, State.PROCESSING])
def test_a_file_that_was_dealt_with_stays_so(state: State, switch: Switch) -> None:
    tell(switch, make_take("a.wav"))
    Recording.objects.update(state=state)
    tell(switch, make_take("a.wav", stopped_at=0))
    tell(switch, make_take("a.wav", overwritten=True, agent="1001"))
    row = Recording.objects.get()
    assert (row.state, row.agent_name) == (state, "1001")


def test_a_missing_file_is_looked_for_again_when_its_end_is_told_late(switch: Switch) -> None:
    tell(switch, make_take("a.wav", stopped_at=0))
    Recording.objects.update(state=State.MISSING, finding=Finding.MISSING)
    assert tell(switch, make_take("a.wav")) == [Recording.objects.get().pk]


@pytest.mark.parametrize("cause", ["input-too-short", "empty-file", "no-input-timeout", "", "odd"])
def test_what_the_switch_discarded_says_why(cause: str, switch: Switch) -> None:
    assert tell(switch, make_take("a.wav", discarded=True, cause=cause)) == []
    row = Recording.objects.get()
    assert (row.state, row.finding) == (State.DISCARDED, Finding.DISCARDED)
    assert "switch" in row.state_reason


@pytest.mark.parametrize(("seconds", "rid"), [(10, "5" * 32), (10, ""), (0.5, "5" * 32)])
def test_a_file_of_ours_that_stayed_empty_is_a_loss(seconds: float, rid: str, switch: Switch) -> None:
    stopped = BEGAN_US + int(seconds * SECOND)
    tell(switch, make_take("a.wav", discarded=True, cause="empty-file", rid=rid, stopped_at=stopped))
    row = Recording.objects.get()
    lost = (State.MISSING, Finding.EMPTY)
    assert (row.state, row.finding) == (lost if rid and seconds > 1 else (State.DISCARDED, Finding.DISCARDED))


def test_two_takes_on_one_path(switch: Switch) -> None:
    first = make_take("re.wav", overwritten=True)
    second = make_take(
        "re.wav", number=2, started_at=BEGAN_US + 20 * SECOND, stopped_at=BEGAN_US + 30 * SECOND
    )
    wanted = tell(switch, first, second)
    one, two = Recording.objects.order_by("take")
    assert (one.state, one.finding) == (State.MISSING, Finding.OVERWRITTEN)
    assert (two.state, wanted) == (State.RECEIVED, [two.pk])


def test_a_first_take_that_is_told_late_leaves_the_second_its_row(switch: Switch) -> None:
    second = make_take("re.wav", started_at=BEGAN_US + 20 * SECOND, stopped_at=BEGAN_US + 30 * SECOND)
    tell(switch, second)
    known = Recording.objects.get()
    tell(switch, make_take("re.wav", overwritten=True), dataclasses.replace(second, number=2))
    first = Recording.objects.exclude(pk=known.pk).get()
    known.refresh_from_db()
    assert (first.take, first.overwritten, known.take, known.overwritten) == (1, True, 2, False)


def test_a_start_that_is_told_after_the_stop_keeps_the_row(switch: Switch) -> None:
    tell(switch, make_take("a.wav", leg="b", stop_leg="b", started_at=0))
    known = Recording.objects.get()
    tell(switch, make_take("a.wav", leg="a", stop_leg="b"))
    row = Recording.objects.get()
    assert (row.pk, row.leg_uuid, row.stop_leg_uuid) == (known.pk, "a", "b")


def test_the_id_that_was_asked_for_is_the_rows(switch: Switch) -> None:
    asked = uuid.uuid4()
    Recording.objects.create(
        pk=asked,
        switch=switch,
        path=f"{REMOTE}/planned.wav",
        leg_uuid="leg-a",
        origin=Origin.POLICY,
        state=State.EXPECTED,
        started_at="2026-11-20T12:29:59Z",
    )
    tell(switch, make_take("real.wav", rid=asked.hex))
    row = Recording.objects.get()
    assert (row.pk, row.state, row.origin) == (asked, State.RECEIVED, Origin.POLICY)
    other = uuid.uuid4()
    tell(switch, make_take("b.wav", rid=other.hex, leg="leg-b"))
    assert Recording.objects.filter(pk=other).exists()


def test_an_id_that_is_anothers_is_not_taken_over(switch: Switch, account: Account) -> None:
    foreign = received(make_switch(), account, "theirs.wav", leg_uuid="theirs")
    tell(switch, make_take("a.wav", rid=foreign.pk.hex))
    foreign.refresh_from_db()
    assert foreign.leg_uuid == "theirs"
    assert Recording.objects.filter(switch=switch).exclude(pk=foreign.pk).count() == 1


def test_a_room_recorded_to_the_same_path_another_day_is_another_recording(switch: Switch) -> None:
    room = {"leg": "", "stop_leg": "", "conference": "3501", "origin": Origin.CONFERENCE.value}
    tell(switch, make_take("conf.wav", **room))
    tell(switch, make_take("conf.wav", **room))
    assert Recording.objects.count() == 1
    day = 86_400 * SECOND
    tell(switch, make_take("conf.wav", started_at=BEGAN_US + day, stopped_at=BEGAN_US + day + SECOND, **room))
    assert Recording.objects.count() == 2


def test_rows_that_are_no_takes_any_more_go_but_files_stay(switch: Switch, account: Account) -> None:
    call = make_call(account, switch=switch)
    tell(switch, make_take("a.wav"), make_take("b.wav"), call_id=call.pk, account_id=account.pk)
    kept = Recording.objects.get(path__endswith="b.wav")
    make_media(kept)
    tell(switch, make_take("c.wav"), call_id=call.pk, account_id=account.pk)
    assert sorted(row.path[-5:] for row in call.recordings.all()) == ["b.wav", "c.wav"]


def test_recordings_move_with_a_call_that_goes_into_another(switch: Switch, account: Account) -> None:
    older, younger = make_call(account, switch=switch), make_call(account, switch=switch)
    take = make_take("a.wav")
    tell(switch, take, call_id=younger.pk, account_id=account.pk)
    known = Recording.objects.get()
    make_media(known)
    Recording.objects.update(state=State.READY)
    tell(switch, take, call_id=older.pk, account_id=account.pk, absorbed=[younger.pk])
    younger.delete()
    row = Recording.objects.get()
    assert (row.pk, row.call_id, row.state) == (known.pk, older.pk, State.READY)
    assert Media.objects.get().recording_id == known.pk


def test_a_stored_file_moves_with_its_account(switch: Switch, folder: Path, stored: Path) -> None:
    (folder / "a.wav").write_bytes(tone(0.2))
    take = make_take("a.wav")
    call = make_call(None, switch=switch)
    tell(switch, take, call_id=call.pk)
    recording = Recording.objects.get()
    collect(recording.pk)
    old = Media.objects.get().key
    owner = make_account()
    tell(switch, take, call_id=call.pk, account_id=owner.pk)
    assert list(tasks()) == [recording.pk.hex] * 3
    rehome(recording.pk)
    rehome(recording.pk)
    media = Media.objects.get()
    assert media.key.startswith(owner.pk.hex)
    assert (stored / media.key).read_bytes() == tone(0.2)
    assert not (stored / old).exists()


def test_what_a_line_says_is_cleaned_and_cut(switch: Switch) -> None:
    hostile = "x\0\ud800" + "y" * 5000
    summary = CallSummary(caller_number=hostile, caller_name=hostile, direction="inbound")
    takes = [
        make_take(
            f"/{hostile}{end}", leg=hostile, stop_leg=hostile, queue=hostile, agent=hostile, cause=hostile
        )
        for end in "ab"
    ]
    tell(switch, *takes, summary=summary)
    tell(switch, *takes, summary=summary)
    assert Recording.objects.count() == 2
    assert all("\0" not in row.path and len(row.path.encode()) <= 2000 for row in Recording.objects.all())


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(switch: Switch, account: Account) -> None:
    def told(count: int) -> int:
        calls = [make_call(account, switch=switch) for _ in range(count)]
        batch = [
            ConversationTakes(
                call.pk, account.pk, [make_take(f"{call.pk}.wav", leg=call.leg_uuid, stop_leg=call.leg_uuid)]
            )
            for call in calls
        ]
        with CaptureQueriesContext(connection) as queries:
            assert len(record_takes(switch, batch)) == count
        return len(queries)

    assert told(2) == told(20)


def hear(switch: Switch, batches: Sequence[Sequence[Event]]) -> None:
    for batch in batches:
        result = ingest(switch, batch)
        record_takes(switch, takes_of(result))
        retire(result)


def events_of(name: str) -> list[Event]:
    translator = Translator()
    return [event for body in captures.bodies(name) if (event := translator.translate(body))]


WITH_TAKES = [name for name in captures.names() if captures.index()[name]["recordings"]]


@pytest.mark.parametrize("name", WITH_TAKES)
def test_captured_calls_give_the_recordings_they_had(name: str, switch: Switch) -> None:
    hear(switch, [events_of(name)])
    told = sorted(
        (item["path"], item["leg"] or "", item.get("conference", ""), item["ms"])
        for item in captures.index()[name]["recordings"]
    )
    found = Recording.objects.order_by("path", "take")
    assert sorted((row.path, row.leg_uuid, row.conference_name, row.switch_ms) for row in found) == told


@pytest.mark.parametrize("name", WITH_TAKES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_and_repetition_make_no_difference(name: str, seed: int) -> None:
    straight, mixed = make_switch(), make_switch()
    events = events_of(name)
    hear(straight, [events])
    expected = seen(straight)
    chance = random.Random(seed)
    shuffled = chance.sample(events, len(events))
    cut = chance.randrange(len(events))
    hear(mixed, [shuffled[cut:], shuffled[:cut], shuffled])
    assert seen(mixed) == expected


def seen(switch: Switch) -> list[tuple[object, ...]]:
    found = Recording.objects.filter(switch=switch).order_by("path", "started_at")
    return [
        (
            row.path,
            row.take,
            row.leg_uuid,
            row.stop_leg_uuid,
            row.started_at,
            row.stopped_at,
            row.switch_ms,
            row.overwritten,
            row.queue_name,
            row.agent_name,
            row.state,
            row.finding,
            row.caller_number,
        )
        for row in found
    ]


@pytest.mark.parametrize("name", WITH_TAKES)
def test_captured_calls_end_with_their_audio_in_storage(name: str, switch: Switch, captured: Any) -> None:
    files = [Path(file).name for file in captures.index()[name]["files"] if file.startswith("audio/")]
    for file in files:
        captured(file)
    hear(switch, [events_of(name)])
    for recording_id in list(tasks()):
        collect(uuid.UUID(recording_id))
        process(uuid.UUID(recording_id))
    ready = Recording.objects.filter(state=State.READY)
    assert {row.finding for row in ready} <= {""}
    assert ready.count() == len(files) - (1 if "sp-in.PCMU" in files else 0)
    assert not [path for path in Path(switch.path_mapping[REMOTE]).rglob("*") if path.is_file()]
    assert all(row.agent_name for row in ready if row.queue_name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rec_min_sec", [(State.DISCARDED, Finding.DISCARDED)]),
        ("rec_dir_gone", [(State.RECEIVED, "")]),
        ("uuid_record_restart", [(State.MISSING, Finding.OVERWRITTEN)] + [(State.RECEIVED, "")] * 4),
    ],
)
def test_captured_calls_without_a_file_say_so(name: str, expected: list[Any], switch: Switch) -> None:
    hear(switch, [events_of(name)])
    found = Recording.objects.order_by("started_at")
    assert [(row.state, row.finding) for row in found] == expected


def test_a_ready_recording_of_the_factories_is_left_alone(switch: Switch, account: Account) -> None:
    recording = make_recording(make_call(account, switch=switch))
    make_media(recording)
    tell(switch, call_id=recording.call_id, account_id=account.pk)
    assert Recording.objects.get().state == State.READY
