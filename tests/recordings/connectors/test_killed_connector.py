"""A worker that is killed between two steps opens no incident twice, and forgets no file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import Account
from recordings.connectors.models import Connector
from recordings.connectors.sending import recording_ready
from recordings.delivery.models import Delivery, DeliveryState
from recordings.delivery.outbox import deliver
from tests.recordings.connectors.process_tool import SECRET, SIGN_IN, STEPS, tool_running
from tests.recordings.delivery.conftest import Finished
from tests.recordings.delivery.receivers import Handler
from tests.recordings.test_killed import ROOT, database_url


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_does_nothing_twice(account: Account, finished: Finished, tmp_path: Path) -> None:
    arrived = threading.Event()

    def never_answer(handler: Handler, do: Callable[[], None]) -> None:
        del do
        arrived.set()
        handler.rfile.read(1)

    with tool_running() as (tool, _):
        tool.on["addFile"] = [never_answer]
        connector = Connector.objects.create(
            account=account,
            name="Tool",
            wsdl=f"{tool.url}/?wsdl",
            secrets={"password": SECRET},
            sign_in=SIGN_IN,
            steps=STEPS,
        )
        recording_ready(finished(stopped_at=timezone.now()))
        delivery = Delivery.objects.get(connector=connector)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ccportal.settings",
            "CCPORTAL_DATA_DIR": str(tmp_path),
            "CCPORTAL_DELIVERY_ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database_url(),
        }
        command = [
            sys.executable,
            "-m",
            "tests.recordings.delivery.delivery_worker",
            delivery.pk.hex,
        ]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as worker:
            assert arrived.wait(60)
            worker.kill()
            worker.wait()
        Delivery.objects.update(next_try_at=timezone.now())
        sent = deliver(delivery.pk)
        assert sent
        assert (sent.state, sent.attempts) == (DeliveryState.SENT, 2)
        assert len(tool.incidents) == tool.asked.count("createObjectref") == 1
        assert list(tool.files) == ["incident 1"]
