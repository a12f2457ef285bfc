"""The recorder in a real process, whose database goes away in the middle of calls."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psycopg
import pytest

from switch.esl.replay import BackgroundSwitch, ReplaySwitch, Terms
from tests.ccportal.test_listener_process import (
    PATIENCE,
    count,
    manage,
    new_calls,
    own_cluster,
    processes_in,
    until,
)
from tests.postgres import Cluster

__all__ = ["own_cluster"]

pytestmark = pytest.mark.slow
CALLS = 40
POLICY = """
from accounts.models import Account
from policies.models import RecordingPolicy
from queues.models import Queue
account = Account.objects.create(name="Acme")
RecordingPolicy.objects.create(account=account, document={"account": {"any": {"any": {"enabled": True}}}})
Queue.objects.create(account=account, name="3000@default", record=True)
"""


def recorded_legs(commands: list[str]) -> set[str]:
    """The legs that were armed."""
    words = [command.removeprefix("api ").split() for command in commands]
    return {word[1] for word in words if word[0] == "uuid_setvar" and "record_session" in word}


def test_without_its_database_calls_are_recorded_all_the_same(own_cluster: Cluster, tmp_path: Path) -> None:
    url = os.environ.pop("CCPORTAL_TEST_DATABASE")
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ccportal.settings"}
    with processes_in(tmp_path, environment) as processes:
        manage(processes.environment, "migrate", "-v0")
        manage(processes.environment, "shell", "-v0", "-c", POLICY)
        tape = new_calls(("queue_answered",), CALLS, 8.0, time.time())
        switch = ReplaySwitch(iter(tape), Terms(speed=1))
        with BackgroundSwitch(switch) as played:
            manage(
                processes.environment, "create_switch", "pbx", "--account", "Acme", "--port", str(played.port)
            )
            listener = processes.start("--once")
            until(lambda: recorded_legs(switch.commands))
            own_cluster.stop()
            before = recorded_legs(switch.commands)
            until(lambda: switch.played == len(tape))
            assert processes.log.count("the recorder goes on without the database") == 1
            in_the_dark = recorded_legs(switch.commands) - before
            own_cluster.start()
            assert listener.wait(PATIENCE) == 0, processes.log
        assert len(in_the_dark) > CALLS / 2
        assert legs_with_rows(url) == before | in_the_dark
        assert count(url, "recordings_recording WHERE origin = 'policy'") == CALLS
        assert count(url, "recordings_recording WHERE grants::text LIKE '%queue 3000@default%'") == CALLS
        assert count(url, "recordings_decision WHERE call_id IS NOT NULL") == CALLS


def legs_with_rows(url: str) -> set[str]:
    with psycopg.connect(url) as database:
        return {leg for (leg,) in database.execute("SELECT leg_uuid FROM recordings_recording")}
