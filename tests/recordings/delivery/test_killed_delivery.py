"""A worker that is killed while it sends loses nothing: the next one sends it under the same id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from recordings.delivery.files import put_recording
from recordings.delivery.models import Delivery, DeliveryState
from recordings.delivery.outbox import LEASE, deliver, sweep
from tests.recordings.delivery.conftest import SOUND, Finished
from tests.recordings.delivery.receivers import Handler, in_turn, receiving, taking
from tests.recordings.test_killed import ROOT, database_url


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_is_made_good(finished: Finished, tmp_path: Path) -> None:
    arrived = threading.Event()

    def never_answer(handler: Handler) -> None:
        handler.take()
        arrived.set()
        handler.rfile.read(1)

    with receiving(in_turn(never_answer, taking())) as receiver:
        delivery = put_recording(finished(receiver.url))[0]
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ccportal.settings",
            "CCPORTAL_DATA_DIR": str(tmp_path),
            "CCPORTAL_DELIVERY_ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database_url(),
        }
        command = [sys.executable, "-m", "tests.recordings.delivery.delivery_worker", delivery.pk.hex]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as worker:
            assert arrived.wait(40)
            worker.kill()
            assert worker.wait() == -signal.SIGKILL
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 1)
        OrmQ.objects.all().delete()
        assert (sweep(), deliver(delivery.pk)) == (0, None)
        long_ago = timezone.now() - LEASE
        Delivery.objects.update(next_try_at=timezone.now(), queued_at=long_ago)
        assert sweep() == 1
        sent = deliver(delivery.pk)
    assert sent
    assert (sent.state, sent.attempts) == (DeliveryState.SENT, 2)
    assert [taken.body for taken in receiver.taken] == [SOUND, SOUND]
    assert {taken.headers["X-CCPortal-Delivery"] for taken in receiver.taken} == {delivery.pk.hex}
