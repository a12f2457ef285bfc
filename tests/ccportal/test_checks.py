from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from ccportal import checks

Check = Callable[..., list[CheckMessage]]


def test_our_own_settings_are_in_order() -> None:
    assert [message.id for message in run_checks() if message.id != "ccportal.W001"] == []


@pytest.mark.parametrize(
    ("check", "change", "found"),
    [
        (checks.check_task_broker, {"orm": "other"}, "ccportal.E001"),
        (checks.check_task_broker, {"orm": None, "redis": {}}, "ccportal.E001"),
        (checks.check_task_times, {"timeout": 1200, "retry": 1200}, "ccportal.E002"),
        (checks.check_task_times, {"timeout": None}, "ccportal.E002"),
    ],
)
def test_a_task_queue_that_loses_work_is_refused(
    settings: Settings, check: Check, change: dict[str, Any], found: str
) -> None:
    assert check() == []
    settings.Q_CLUSTER = settings.Q_CLUSTER | change
    (message,) = check()
    assert message.id == found
    assert message.hint


def test_a_data_folder_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    assert checks.check_data_folder() == []
    settings.DATA_DIR = tmp_path / "gone"
    assert [message.id for message in checks.check_data_folder()] == ["ccportal.E003"]


def test_a_secret_that_others_can_read_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    kept = tmp_path / "secret_key"
    kept.write_text("s")
    kept.chmod(0o640)
    assert [message.id for message in checks.check_kept_secret()] == ["ccportal.E004"]
    kept.chmod(0o600)
    assert checks.check_kept_secret() == []


def test_missing_front_end_packages_are_told(settings: Settings, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    assert [message.id for message in checks.check_front_end_packages()] == ["ccportal.W001"]


def test_a_deployment_without_collected_files_is_told(settings: Settings) -> None:
    settings.STATIC_IS_COLLECTED = False
    assert [message.id for message in checks.check_static_files_are_collected()] == ["ccportal.W002"]
    settings.STATIC_IS_COLLECTED = True
    assert checks.check_static_files_are_collected() == []
