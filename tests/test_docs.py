from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
VARIABLE = re.compile(r"\bCCPORTAL_(?!TEST_)[A-Z_]+\b")
PACKAGES = (
    "accounts",
    "ccportal",
    "cdr",
    "database",
    "policies",
    "queues",
    "recordings",
    "reviews",
    "switch",
)


def code() -> str:
    files = chain.from_iterable((ROOT / package).rglob("*.py") for package in PACKAGES)
    return "\n".join(path.read_text() for path in [*files, ROOT / "Procfile"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages - set(LINK.findall(index)) == set()


def test_every_setting_is_described_and_no_other() -> None:
    described = set(VARIABLE.findall((ROOT / "docs" / "settings.md").read_text()))
    assert described == set(VARIABLE.findall(code()))


def test_every_make_target_is_described() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    described = (ROOT / "docs" / "development.md").read_text()
    assert [target for target in targets if f"`make {target}`" not in described] == ["help", "assets"]
