from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TypeVar
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import settings as hypothesis_settings

from tests.postgres import Cluster, NoPostgreSQL, temporary_cluster

NOTHING_MAY_BE_SKIPPED = bool(os.environ.get("CCPORTAL_TEST_REQUIRE_ALL"))
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_server"})

hypothesis_settings.register_profile("unhurried", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis_settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="run only tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not belong to this run: that is not a skip."""
    keep: list[pytest.Item] = []
    drop: list[pytest.Item] = []
    for item in items:
        (keep if belongs_to_run(item, config) else drop).append(item)
    items[:] = keep
    config.hook.pytest_deselected(items=drop)


def belongs_to_run(item: pytest.Item, config: pytest.Config) -> bool:
    if item.get_closest_marker("million"):
        return str(config.getoption("markexpr")) == "million"
    if config.getoption("--only-database"):
        return uses_database(item) and not item.get_closest_marker("browser")
    return connection.vendor == "postgresql" or not item.get_closest_marker("postgres")


def uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """Turn a skip into a failure where every test has to run."""
    if NOTHING_MAY_BE_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
        report.outcome = "failed"
    return report


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """Return the environment in which a process of ours works on this test's database and data folder."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "ccportal.settings",
        "DATABASE_URL": url_of_test_database(),
        "CCPORTAL_DATA_DIR": str(settings.DATA_DIR),
        "CCPORTAL_SECRET_KEY": settings.SECRET_KEY,
        "PYTHONPATH": str(settings.BASE_DIR),
    }


def url_of_test_database() -> str:
    used = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(used['NAME']))}"
    where = {"host": used["HOST"], "port": used["PORT"]}
    query = urlencode({name: value for name, value in where.items() if value})
    return f"postgresql://{quote(used['USER'])}:{quote(used['PASSWORD'])}@/{quote(used['NAME'])}?{query}"


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """Start a server of the run's own, for tests that stop and start one."""
    try:
        with temporary_cluster() as cluster:
            yield cluster
    except NoPostgreSQL as missing:
        pytest.skip(str(missing))
