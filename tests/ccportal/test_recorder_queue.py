"""A queue that records: its callers, from an agent's answer on, and never into a second file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from policies.snapshot import Snapshot, present_mark, read_rows
from queues.models import Queue
from switch import events as ev
from switch.esl.captures import label_event
from tests import factories as make
from tests.admin_forms import posted
from tests.ccportal.recording import Scene, beside, calm, eventually, play, playing, snapshot

BOTH: dict[str, dict[str, Any]] = {"3000@default": {}, "3001@default": {}}
EVERYTHING = {"account": {"any": {"any": {"enabled": True}}}}


def member(scene: Scene) -> str:
    return str(scene.events("CHANNEL_CREATE")[0]["Unique-ID"])


def scopes(scene: Scene) -> list[str]:
    return [grant["scope"] for grant in scene.records(ev.RecordingIntended)[-1].grants]


def words(scene: Scene) -> list[str]:
    return [line.split()[0] for line in scene.commands]


def test_the_caller_is_recorded_from_the_agent_s_answer_on(tmp_path: Path) -> None:
    policies = snapshot(queues={"3000@default": {"time_limit": 60, "record_sample_rate": 8000}})
    scene = play(calm("queue_answered"), policies, tmp_path, speed=6)
    assert words(scene) == ["uuid_setvar_multi", "uuid_record"]
    assert "record_sample_rate=8000" in scene.commands[0]
    (began,) = scene.ours
    assert began["Unique-ID"] == member(scene)
    assert f" start {began['Record-File-Path']} 60 " in scene.commands[1]
    heard = [label_event(body).name for body in scene.kept("events")]
    assert heard[: heard.index("RECORD_START")].count("CHANNEL_ANSWER") == 2
    intended = scene.records(ev.RecordingIntended)[0]
    assert intended.origin == "queue"
    (grant,) = intended.grants
    assert (grant["scope"], grant["leg"]) == ("queue", member(scene))
    assert grant["because"] == "Recorded by the queue 3000@default."
    assert grant["params"]["time_limit"] == 60
    assert scene.records(ev.CallDecided)[-1].grants == [grant]


def test_a_queue_adds_its_grant_to_the_file_that_there_is(tmp_path: Path) -> None:
    policies = snapshot(EVERYTHING, queues=BOTH)
    scene = play(calm("queue_answered"), policies, tmp_path, speed=6)
    assert len(scene.ours) == 1
    assert scopes(scene) == ["account", "queue"]


def test_two_queues_of_one_call_share_the_file(tmp_path: Path) -> None:
    scene = play(calm("queue_requeue"), snapshot(queues=BOTH), tmp_path, speed=10)
    assert len(scene.ours) == 1
    grants = scene.records(ev.RecordingIntended)[-1].grants
    assert [grant["because"] for grant in grants] == [f"Recorded by the queue {name}." for name in BOTH]


def test_an_agent_behind_a_loopback_makes_one_grant(tmp_path: Path) -> None:
    scene = play(calm("queue_loopback"), snapshot(queues={"3100@default": {}}), tmp_path, speed=6)
    assert [event["Unique-ID"] for event in scene.ours] == [member(scene)]
    assert scopes(scene) == ["queue"]


@pytest.mark.parametrize(
    ("call", "queue"),
    [
        ("queue_answered", "3001@default"),
        ("queue_abandoned", "3000@default"),
        ("onnet_onnet_recorded", "3000@default"),
    ],
)
def test_other_calls_are_left_alone(call: str, queue: str, tmp_path: Path) -> None:
    scene = play(calm(call), snapshot(queues={queue: {}}), tmp_path, speed=10)
    assert scene.commands == []


def test_a_listener_that_comes_late_records_the_caller(tmp_path: Path) -> None:
    with playing(calm("queue_answered"), snapshot({}), tmp_path) as scene:
        eventually(lambda: len(scene.events("CHANNEL_BRIDGE")) == 1)
        with beside(scene, snapshot(queues=BOTH), tmp_path):
            eventually(lambda: len(scene.ours) == 1)
    assert [event["Unique-ID"] for event in scene.ours] == [member(scene)]


@pytest.mark.django_db
def test_a_snapshot_has_the_queues_that_record_and_follows_their_changes() -> None:
    account, other = make.make_account(), make.make_account()
    switch = make.make_switch(None)
    queue = make.make_queue(account, "3000@default", record_parameters={"format": "wav", "nonsense": 1})
    marks = [present_mark()]
    assert not Snapshot(read_rows(switch.pk)).asks_for_something
    for change in ({"record": True}, {"record_parameters": {"format": "wav"}}, {"name": "3002@default"}):
        Queue.objects.filter(pk=queue.pk).update(**change)
        marks.append(present_mark())
    assert len(set(marks)) == len(marks)
    Queue.objects.filter(pk=queue.pk).update(label="Support")
    assert present_mark() == marks[-1]
    known = Snapshot(read_rows(switch.pk))
    found = known.queue(account.pk.hex, "3002@default")
    assert known.asks_for_something
    assert found is not None
    assert (found.params["format"], found.params["time_limit"], found.start) == ("wav", 10800, "now")
    assert known.queue(other.pk.hex, "3002@default") is None
    assert known.queue(account.pk.hex, "3000@default") is None


def save(account: Account, queue: Queue, told: str) -> Any:
    client = Client()
    client.force_login(make.make_user(account))
    form = posted(queue, account=str(account.pk), record="on", record_parameters=told)
    return client.post(reverse("admin:queues_queue_change", args=[queue.pk]), form)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "stored"),
    [
        ('{"time_limit": "60", "format": "wav"}', {"time_limit": 60, "format": "wav"}),
        ("{}", {}),
        ("", {}),
    ],
)
def test_the_admin_lets_a_queue_record(told: str, stored: dict[str, Any]) -> None:
    account = make.make_account()
    queue = make.make_queue(account, "3000@default")
    assert save(account, queue, told).status_code == 302
    queue.refresh_from_db()
    assert (queue.record, queue.record_parameters) == (True, stored)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('{"time_limit": 4}', "time_limit: It must be at least 5."),
        ('{"enabled": true}', "enabled: There is no such key here."),
        ('{"url": "http://127.0.0.1/"}', "url: "),
        ("[]", "It must be an object."),
        ("{", "Enter a valid JSON."),
    ],
)
def test_the_admin_says_what_is_wrong_with_parameters(told: str, words: str) -> None:
    account = make.make_account()
    queue = make.make_queue(account, "3000@default")
    answer = save(account, queue, told)
    assert answer.status_code == 200
    assert any(words in said for said in answer.context["adminform"].form.errors["record_parameters"])
    queue.refresh_from_db()
    assert not queue.record
