from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.postgres import Cluster


def pragma(name: str) -> object:
    with connection.cursor() as cursor:
        row = cursor.execute(f"PRAGMA {name}").fetchone()
    return row[0]


@pytest.mark.django_db
def test_sqlite_writes_ahead_and_waits_for_other_writers() -> None:
    if connection.vendor != "sqlite":
        assert connection.vendor == "postgresql"
        return
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 1
    assert pragma("busy_timeout") == 30_000
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def run_manage(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_pool_of_connections_serves_postgresql(postgres_cluster: Cluster, tmp_path: Path) -> None:
    question = (
        "from django.db import connection as c; k = c.cursor(); k.execute('SELECT 40 + 2');"
        "print(k.fetchone()[0], type(c.pool).__name__)"
    )
    said = run_manage(
        "shell",
        "--verbosity=0",
        "-c",
        question,
        DATABASE_URL=postgres_cluster.url,
        CCPORTAL_DATABASE_POOL="4",
        CCPORTAL_DATA_DIR=str(tmp_path),
        DJANGO_SETTINGS_MODULE="ccportal.settings",
    )
    assert said.split() == ["42", "ConnectionPool"]


@pytest.mark.slow
def test_a_server_can_be_stopped_and_started_again(postgres_cluster: Cluster) -> None:
    postgres_cluster.stop()
    assert not (postgres_cluster.folder / "data" / "postmaster.pid").exists()
    postgres_cluster.start()
    assert (postgres_cluster.folder / "data" / "postmaster.pid").exists()
