"""Files follow what is heard of their call after they were ready: what changed is made anew, no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from mutagen.id3 import ID3

from accounts.models import Account, Switch
from ccportal.pipeline import apply_bodies
from cdr.models import AgentOffer, Call
from recordings.basis import affects, basis_of, follow
from recordings.intake import collect
from recordings.models import Recording, State, Variant
from recordings.process import claim, done, process, process_each
from tests import captures
from tests.factories import make_call, make_offer, make_visit, tone
from tests.recordings.conftest import BEGAN, received

Put = Callable[..., Path]
LATE = ("bridge-agent-end", "member-queue-end")
MP3 = [{"params": {"format": "mp3"}}]


def is_late(body: bytes, caller: str) -> bool:
    """Whether it tells of an end that is not the caller's own."""
    event: dict[str, Any] = json.loads(body)
    ended = event["Event-Name"] in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_UNBRIDGE", "CHANNEL_HANGUP")
    return event.get("CC-Action") in LATE or (ended and event.get("Unique-ID") != caller)


def work() -> list[str]:
    """Do the tasks that are enqueued, as a worker would; return which recordings were processed."""
    processed: list[str] = []
    while task := OrmQ.objects.order_by("pk").first():
        task.delete()
        ids = task.task["args"][0]
        if task.task["func"].endswith("collect_each"):
            for recording_id in ids:
                collect(Recording.objects.get(pk=recording_id).pk)
        else:
            process_each(ids)
            processed += ids
    return processed


def parts(recording: Recording) -> list[tuple[object, ...]]:
    rows = recording.media.filter(variant=Variant.AGENT).order_by("part", "format")
    return list(rows.values_list("part", "agent_name", "format", "offset_ms", "duration_ms"))


def tries(recording: Recording) -> dict[str, int]:
    return dict(recording.steps.values_list("name", "attempts"))


@pytest.fixture
def ready(switch: Switch, account: Account, folder: Path) -> Recording:
    """A call of three seconds, kept as MP3 only, of which an agent had the last two."""
    call = make_call(account, switch=switch, started_at=BEGAN, ended_at=BEGAN + timedelta(seconds=3))
    visit = make_visit(call, left_at=BEGAN + timedelta(seconds=3))
    make_offer(visit, "1001", answered_at=BEGAN + timedelta(seconds=1), agent_leg_uuid="b")
    (folder / "x.wav").write_bytes(tone(3.0))
    recording = received(
        switch,
        account,
        "x.wav",
        call=call,
        stopped_at=BEGAN + timedelta(seconds=3),
        origin="policy",
        grants=MP3,
    )
    collect(recording.pk)
    work()
    recording.refresh_from_db()
    assert (recording.state, parts(recording)) == (State.READY, [(1, "1001", "mp3", 1000, 2000)])
    return recording


def test_a_clip_is_cut_anew_when_the_agents_end_comes_late(switch: Switch, captured: Put) -> None:
    name = "queue_blind_transfer"
    for file in captures.index()[name]["files"]:
        if file.startswith("audio/"):
            captured(Path(file).name)
    bodies = captures.bodies(name)
    caller = captures.index()[name]["recordings"][0]["leg"]
    early = [body for body in bodies if not is_late(body, caller)]
    apply_bodies(switch, early)
    work()
    recording = Recording.objects.get()
    assert recording.state == State.READY
    before = parts(recording)
    apply_bodies(switch, [body for body in bodies if is_late(body, caller)])
    assert work() == [recording.pk.hex]
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert parts(recording) != before
    assert all(int(str(new[4])) < int(str(old[4])) for new, old in zip(parts(recording), before, strict=True))
    assert {name for name, count in tries(recording).items() if count > 1} == {"parts", "finish"}
    apply_bodies(switch, bodies)
    assert work() == []


def test_an_end_that_changes_cuts_and_names_nothing(ready: Recording) -> None:
    AgentOffer.objects.update(ended_at=BEGAN + timedelta(seconds=2))
    assert follow([ready.call_id] if ready.call_id else []) == 1
    assert work() == [ready.pk.hex]
    assert parts(ready) == [(1, "1001", "mp3", 1000, 1000)]
    assert {name for name, count in tries(ready).items() if count > 1} == {"parts", "finish"}


def test_an_agent_who_turns_out_not_to_have_had_the_call_has_no_part(ready: Recording, stored: Path) -> None:
    AgentOffer.objects.all().delete()
    assert follow([ready.call_id] if ready.call_id else []) == 1
    work()
    assert parts(ready) == []
    assert {path.name for path in stored.rglob("*") if path.is_file()} == {"call.mp3", "call.mp3.peaks.json"}


def test_a_number_that_changes_names_and_tags_without_encoding_again(ready: Recording, stored: Path) -> None:
    whole = ready.media.get(variant=Variant.CALL)
    Call.objects.update(dialed_number="15551234")
    assert follow([ready.call_id] if ready.call_id else []) == 1
    work()
    again = ready.media.get(variant=Variant.CALL)
    assert "15551234" in again.file_name
    assert (again.pk, again.duration_ms) == (whole.pk, whole.duration_ms)
    for media in ready.media.all():
        tags: Any = ID3(stored / media.key)
        assert str(tags["TXXX:destination"]) == "15551234"
    assert ready.steps.get(name="mp3").note == "Tagged again."
    assert (tries(ready)["probe"], tries(ready)["levels"], tries(ready)["mp3"]) == (1, 1, 2)


def test_what_came_as_mp3_is_never_changed(switch: Switch, captured: Put, account: Account) -> None:
    captured("20261120123017_01044445555_07070067775.mp3", "x.mp3")
    call = make_call(account, switch=switch, started_at=BEGAN)
    recording = received(switch, account, "x.mp3", call=call)
    collect(recording.pk)
    work()
    before = recording.media.get(variant=Variant.CALL).sha256
    Call.objects.update(dialed_number="15551234")
    assert follow([call.pk]) == 1
    work()
    media = recording.media.get(variant=Variant.CALL)
    assert (media.sha256, "15551234" in media.file_name) == (before, True)


def test_nothing_new_is_nothing_to_do(ready: Recording) -> None:
    assert follow([ready.call_id] if ready.call_id else []) == 0
    Call.objects.update(talk_ms=1, hangup_cause="OTHER")
    assert follow([ready.call_id] if ready.call_id else []) == 0
    assert not OrmQ.objects.exists()


def test_a_change_while_it_is_processed_is_not_missed(ready: Recording) -> None:
    Recording.objects.update(state=State.PROCESSING)
    claimed = claim(ready.pk)
    assert claimed
    before = basis_of(claimed)
    AgentOffer.objects.update(ended_at=BEGAN + timedelta(seconds=2))
    assert follow([claimed.call_id] if claimed.call_id else []) == 0
    done(claimed, before)
    ready.refresh_from_db()
    assert ready.state == State.PROCESSING
    assert work() == [ready.pk.hex]
    assert parts(ready) == [(1, "1001", "mp3", 1000, 1000)]


def test_a_change_between_two_tries_is_not_missed(ready: Recording) -> None:
    ready.steps.filter(name="finish").update(finished_at=None)
    Recording.objects.update(state=State.FAILED, next_try_at=timezone.now())
    AgentOffer.objects.update(ended_at=BEGAN + timedelta(seconds=2))
    process(ready.pk)
    assert parts(ready) == [(1, "1001", "mp3", 1000, 1000)]


@pytest.mark.parametrize(
    ("step", "before", "now", "affected"),
    [
        ("probe", "a-b", "x-y", False),
        ("levels", "a-b", "x-y", False),
        ("mp3", "a-b", "a-y", False),
        ("mp3", "a-b", "x-b", True),
        ("parts", "a-b", "a-y", True),
        ("parts", "a-b", "x-b", True),
        ("finish", "a-b", "a-b", False),
    ],
)
def test_only_what_depends_on_it_is_affected(step: str, before: str, now: str, affected: bool) -> None:
    assert affects(step, before, now) == affected
