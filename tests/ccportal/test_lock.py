from __future__ import annotations

import tomllib

import pytest
from django.conf import settings

from ccportal import __version__
from scripts.lock_is_current import faults

LOCK = (settings.BASE_DIR / "requirements.lock").read_text()


def test_the_lock_answers_the_project() -> None:
    assert faults(LOCK) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("msgspec==", "msgspeck==", "msgspec>=0.19 is not pinned"),
        ("django==5.2.", "django==6.2.", "does not answer django<5.3,>=5.2"),
        (
            "annotated-types==",
            "--index-url https://mirror.example/\nannotated-types==",
            "it names an address",
        ),
    ],
)
def test_a_lock_that_fell_behind_is_told(old: str, new: str, fault: str) -> None:
    assert any(fault in line for line in faults(LOCK.replace(old, new, 1)))


def test_a_pin_without_a_hash_is_told() -> None:
    assert "msgspec==1.0 has no hash" in faults(LOCK + "\nmsgspec==1.0\n")


def test_the_project_and_its_package_tell_one_version() -> None:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
