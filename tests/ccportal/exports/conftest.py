from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django_q.models import OrmQ

from accounts.actors import actor_for
from accounts.models import Account, User
from ccportal.exports import work
from ccportal.exports.rows import RowsMaker
from recordings.exporting import ask
from recordings.exports import Export
from tests.factories import make_account, make_user


@pytest.fixture(autouse=True)
def _clean_storage(tmp_path: Path, settings: Any) -> None:
    """Give each test a storage and a data folder of its own."""
    storages = {**settings.STORAGES}
    storages["recordings"] = {**storages["recordings"], "OPTIONS": {"location": tmp_path / "audio"}}
    settings.STORAGES = storages
    settings.MEDIA_ROOT = tmp_path / "audio"
    settings.DATA_DIR = tmp_path


@pytest.fixture
def account(db: None) -> Account:
    return make_account("Acme", time_zone="Europe/Berlin")


@pytest.fixture
def admin(account: Account) -> User:
    return make_user(account)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowsMaker, "chunk", 3)


Asking = Callable[..., Export]


@pytest.fixture
def asking(admin: User) -> Asking:
    """Ask for an export, of all calls as CSV unless something else is said."""

    def asked(user: User = admin, **fields: Any) -> Export:
        defaults: dict[str, Any] = {"kind": "calls", "format": "csv", "file_name": "calls.csv"}
        export = Export(account=user.account or admin.account, user=user, **defaults | fields)
        return ask(export, actor_for(user))

    return asked


def run(export: Export) -> Export:
    """Do the tasks that wait, as a worker does, until none is left."""
    while task := OrmQ.objects.order_by("pk").first():
        func, arguments = task.task["func"], task.task["args"]
        task.delete()
        if func == "ccportal.exports.work.go_on":
            work.go_on(*arguments)
    export.refresh_from_db()
    return export


def content(export: Export) -> bytes:
    from recordings.storage import storage_at

    with storage_at(export.store).open(export.key) as file:
        return bytes(file.read())


def table(export: Export) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content(export).decode(), newline="")))


def column(export: Export, name: str) -> list[str]:
    head, *rows = table(export)
    return [row[head.index(name)] for row in rows]
