"""The index of callers' names: there where the database offers it, and missed by nobody where not."""

from __future__ import annotations

import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cdr import name_index
from cdr.models import Call
from cdr.name_index import add_name_index
from tests.factories import make_account, make_call

pytestmark = pytest.mark.django_db


def run(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def trigrams() -> None:
    if not run("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"):
        pytest.skip("this PostgreSQL has no pg_trgm")


def is_indexed() -> bool:
    return run("SELECT to_regclass('call_names') IS NOT NULL") == [(True,)]


@pytest.mark.postgres
def test_migrations_make_it_where_they_can(trigrams: None) -> None:
    assert is_indexed()


@pytest.mark.postgres
def test_part_of_a_name_is_found_by_it(trigrams: None) -> None:
    make_call(make_account(), caller_name="Anna Muster")
    run("SET LOCAL enable_seqscan = off")
    found = Call.objects.filter(caller_name__icontains="NA MUST").order_by()
    assert found.count() == 1
    assert "call_names" in found.explain()


@pytest.mark.postgres
def test_without_the_right_to_it_there_is_none(trigrams: None, caplog: pytest.LogCaptureFixture) -> None:
    run("DROP EXTENSION pg_trgm CASCADE")
    run("CREATE ROLE ccportal_powerless")
    run("SET LOCAL ROLE ccportal_powerless")
    with caplog.at_level(logging.WARNING):
        assert not add_name_index()
    assert "permission denied" in caplog.text
    run("RESET ROLE")
    assert not is_indexed()
    assert not Call.objects.filter(caller_name__icontains="anna").exists()


@pytest.mark.postgres
def test_the_command_makes_it_later(trigrams: None) -> None:
    run("DROP EXTENSION pg_trgm CASCADE")
    call_command("index_names", verbosity=0)
    assert is_indexed()


def test_the_command_says_when_there_is_none_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_index, "INDEX", "CREATE INDEX call_names ON no_such_table (no_such_column)")
    with pytest.raises(CommandError, match="pg_trgm"):
        call_command("index_names")
