"""Plans of lists at a million calls of a tenant: `make million` makes the database and runs this."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client

from accounts.models import User
from benchmarks import api_lists, calls_list
from benchmarks.million import ADDRESS, CALLS, whole_calls
from benchmarks.plans import faults_of, statements_of
from cdr.models import Call

pytestmark = pytest.mark.million
API_QUESTIONS = [(path, asked) for path in api_lists.LISTS for asked in ({}, *api_lists.FILTERS[path])]


@pytest.fixture(scope="module")
def admin(django_db_blocker: Any) -> Iterator[User]:
    assert os.environ.get(ADDRESS), "make million names the database"
    before = connections.settings
    with django_db_blocker.unblock():
        with whole_calls(CALLS) as found:
            yield found
        connections.settings = before
        connections["default"] = connections.create_connection("default")


def test_there_are_a_million_calls(admin: User) -> None:
    assert Call.objects.filter(account=admin.account_id).count() == CALLS


@pytest.mark.parametrize("question", calls_list.QUESTIONS, ids=lambda question: question.name)
def test_every_filter_of_the_calls_page_is_answered_by_an_index(admin: User, question: Any) -> None:
    asked = question.parameters(calls_list.Chance(7))
    page = partial(calls_list.page, admin, asked)
    count = partial(calls_list.count, admin, asked)
    statements = statements_of(page)
    assert len(statements) <= 12
    assert list(chain.from_iterable(faults_of(each) for each in statements + statements_of(count))) == []


@pytest.mark.parametrize(("path", "asked"), API_QUESTIONS, ids=lambda told: str(told))
def test_the_thousandth_page_costs_what_the_first_does(admin: User, path: str, asked: dict[str, str]) -> None:
    program = api_lists.Program(admin, path, 1)
    far = api_lists.key_at(admin, path, api_lists.FAR)
    first = statements_of(partial(program.page, asked))
    deep = statements_of(partial(program.page, {**asked, "start_key": far}))
    assert len(first) == len(deep)
    assert list(chain.from_iterable(map(faults_of, first + deep))) == []


@pytest.mark.parametrize("path", ["/calls/", "/calls/count"])
def test_pages_ask_as_often_as_for_few_calls(admin: User, path: str) -> None:
    client = Client()
    client.force_login(admin)
    statements = statements_of(partial(client.get, f"{path}?{urlencode({'period': 'all'})}"))
    assert len(statements) <= 25
    reads = [each for each in statements if each.startswith("SELECT")]
    assert list(chain.from_iterable(map(faults_of, reads))) == []
