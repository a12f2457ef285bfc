"""A database of a tenant's million calls that stays: `python -m benchmarks.million FOLDER COMMAND...`.

It is made in the folder at the first time, some minutes; the command finds it by MILLION_DATABASE_URL, as the
benchmarks of lists and the tests marked `million` do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from accounts.models import User
from benchmarks.databases import DURABLE, migrated_database, use
from benchmarks.whole_calls import fill_whole
from tests.postgres import Cluster

CALLS = 1_000_000
ADDRESS = "MILLION_DATABASE_URL"
ADMIN = "admin@measured.example"


@contextmanager
def whole_calls(calls: int) -> Iterator[User]:
    """Let Django use the database that stays, else one of its own; yields the tenant's administrator."""
    if url := os.environ.get(ADDRESS):
        use(url)
        try:
            yield User.objects.get(email=ADMIN)
        finally:
            connections.close_all()
    else:
        with migrated_database("postgresql"):
            yield fill_whole(calls)


@contextmanager
def kept_cluster(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder, settings=DURABLE)
    if not (folder / "data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        cluster.create()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop("fast")


def bring_up_to_date(url: str) -> None:
    """Have the schema of now, and the calls."""
    use(url)
    call_command("migrate", verbosity=0)
    if not User.objects.filter(email=ADMIN).exists():
        fill_whole(CALLS)
    connections.close_all()


def main(folder: Path, command: list[str]) -> int:
    with kept_cluster(folder.resolve()) as cluster:
        bring_up_to_date(cluster.url)
        return subprocess.run(command, env=os.environ | {ADDRESS: cluster.url}, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
