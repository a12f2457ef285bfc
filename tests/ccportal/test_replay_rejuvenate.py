"""Captured calls told again as new ones stay consistent with themselves."""

from __future__ import annotations

import json
import re
import wave
from pathlib import Path

import pytest

from switch import events as ev
from switch.esl.captures import MICROSECONDS, load_capture
from switch.esl.rejuvenate import NOT_OF_A_CALL, Rejuvenator
from switch.esl.replay_audio import AudioShelf
from switch.esl.tokens import Renaming
from switch.esl.translate import Translator
from tests import captures

DATA = Path(captures.__file__).parent / "data" / "freeswitch"
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NEW_TIME = 1_900_000_000 * MICROSECONDS
NAMES = sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob("*.jsonl.gz"))
CALLS = [name for name in NAMES if name != "fs_startup"]


def rejuvenator(name: str, words: tuple[str, ...] = ()) -> Rejuvenator:
    return Rejuvenator(load_capture(DATA / f"{name}.jsonl.gz"), words)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_of_the_captured_call_is_left(name: str) -> None:
    original = load_capture(DATA / f"{name}.jsonl.gz")
    told = b"\n".join(event.body for event in rejuvenator(name).call(NEW_TIME, seed=1, core="new core"))
    assert not set(UUID.findall(told)) & {id_ for event in original for id_ in UUID.findall(event.body)}
    assert b"2026-11-20" not in told
    assert b"20261120" not in told


@pytest.mark.parametrize("name", CALLS)
def test_times_are_moved_alike(name: str) -> None:
    call = rejuvenator(name)
    kept = [event for event in load_capture(DATA / f"{name}.jsonl.gz") if event.name not in NOT_OF_A_CALL]
    for old, new in zip(kept, call.call(NEW_TIME, seed=1), strict=True):
        was, now = json.loads(old.body), json.loads(new.body)
        shift = int(now["Event-Date-Timestamp"]) - int(was["Event-Date-Timestamp"])
        assert shift % MICROSECONDS == 0
        for key in ("Caller-Channel-Created-Time", "variable_end_uepoch", "variable_answer_uepoch"):
            if int(was.get(key) or 0):
                assert int(now[key]) - int(was[key]) == shift
        for key in ("CC-Member-Joined-Time", "CC-Agent-Answered-Time", "variable_start_epoch"):
            if int(was.get(key) or 0):
                assert int(now[key]) - int(was[key]) == shift // MICROSECONDS


def test_longer_waits_and_talks_agree_everywhere() -> None:
    call = rejuvenator("queue_answered")
    told = {
        (event.name, "inbound" if b'"Call-Direction":"inbound"' in event.body else ""): json.loads(event.body)
        for event in call.call(NEW_TIME, seed=1, extra_seconds=[30, 60])
    }
    a_leg, b_leg = told["CHANNEL_HANGUP_COMPLETE", "inbound"], told["CHANNEL_HANGUP_COMPLETE", ""]
    assert (a_leg["variable_billsec"], a_leg["variable_waitsec"]) == ("100", "32")
    assert (b_leg["variable_billsec"], b_leg["variable_duration"]) == ("68", "100")
    for leg in (a_leg, b_leg):
        whole = int(leg["variable_end_epoch"]) - int(leg["variable_answer_epoch"])
        assert int(leg["variable_billsec"]) == whole
        assert int(leg["variable_uduration"]) == int(leg["variable_end_uepoch"]) - int(
            leg["variable_start_uepoch"]
        )
    stop = told["RECORD_STOP", "inbound"]
    assert (stop["variable_record_ms"], stop["variable_record_file_size"]) == ("100080", "3202604")


def test_everybody_is_renamed() -> None:
    renaming = Renaming(
        {"01058400500": "4930111", "1001": "2001", "3000@default": "sales@a.example"},
        {"01058400500": 'Eve "=cmd()" 김'},
        "a.example",
    )
    call = rejuvenator("queue_answered", ("01058400500", "1001", "3000@default"))
    events = call.call(NEW_TIME, seed=1, renaming=renaming)
    told = b"\n".join(event.body for event in events)
    assert b"01058400500" not in told
    assert b"3000@default" not in told
    end = next(json.loads(event.body) for event in events if b'"member-queue-end"' in event.body)
    assert (end["CC-Queue"], end["CC-Agent"]) == ("sales@a.example", "2001")
    assert end["CC-Member-CID-Number"] == "4930111"
    assert end["Caller-Caller-ID-Name"] == 'Eve "=cmd()" 김'


@pytest.mark.parametrize("name", CALLS)
def test_the_same_kinds_of_events_come_out(name: str) -> None:
    """Ids, times and numbers are new; what happened is not."""
    translate = Translator().translate
    kept = [event for event in load_capture(DATA / f"{name}.jsonl.gz") if event.name not in NOT_OF_A_CALL]
    new = [translate(event.body) for event in rejuvenator(name).call(NEW_TIME, seed=3)]
    assert [type(event) for event in new] == [type(translate(event.body)) for event in kept]


def test_the_same_seed_gives_the_same_call() -> None:
    call = rejuvenator("queue_hold")
    first, again, other = (call.call(NEW_TIME, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert [event.body for event in first] != [event.body for event in other]


def test_sequences_of_two_calls_do_not_meet() -> None:
    call = rejuvenator("queue_requeue")
    translate = Translator().translate
    numbers = [
        {
            event.sequence
            for new in call.call(NEW_TIME, seed=1, core="c", first_sequence=first)
            if isinstance(event := translate(new.body), ev.Event)
        }
        for first in (1, 1 + call.sequences)
    ]
    assert not numbers[0] & numbers[1]


def test_a_longer_call_has_a_longer_file(tmp_path: Path) -> None:
    call = rejuvenator("queue_answered")
    stop = next(event for event in call.call(NEW_TIME, seed=1, extra_seconds=[3, 5]) if event.audio)
    assert stop.audio is not None
    written = AudioShelf(DATA / "audio", tmp_path).deliver(stop.audio)
    told = json.loads(stop.body)
    assert written is not None
    assert written.stat().st_size == int(told["variable_record_file_size"])
    with wave.open(str(written)) as file:
        assert file.getnframes() * 1000 // file.getframerate() == int(told["variable_record_ms"])


@pytest.mark.parametrize(
    "path",
    ["/var/lib/freeswitch/recordings/../../../etc/passwd", "/etc/passwd", "../../x.wav", "{a=b}/y/../z"],
)
def test_audio_stays_in_its_folder(tmp_path: Path, path: str) -> None:
    place = AudioShelf(DATA / "audio", tmp_path).place(path)
    assert place.resolve().is_relative_to(tmp_path.resolve())
