"""A database of the measurement's own: PostgreSQL as a server would have it, or SQLite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from ccportal.environment import database_from_url
from tests.postgres import temporary_cluster

VENDORS = ("postgresql", "sqlite")
DURABLE = (
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "effective_cache_size=4GB",
    "maintenance_work_mem=256MB",
    "random_page_cost=1.1",
    "max_connections=40",
)


@contextmanager
def migrated_database(vendor: str) -> Iterator[str]:
    """Make a database for the length of a with block and let Django use it; yields its URL."""
    with made_database(vendor) as url:
        use(url)
        call_command("migrate", verbosity=0)
        try:
            yield url
        finally:
            connections.close_all()


@contextmanager
def made_database(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        with temporary_cluster(DURABLE) as cluster:
            yield cluster.url
    else:
        with tempfile.TemporaryDirectory(prefix="ccportal-bench-db-") as folder:
            yield f"sqlite:///{Path(folder) / 'db.sqlite3'}"


def use(url: str) -> None:
    """Lead Django's default connection to another database."""
    connections.close_all()
    connections.settings = connections.configure_settings({"default": database_from_url(url)})
    connections["default"] = connections.create_connection("default")
