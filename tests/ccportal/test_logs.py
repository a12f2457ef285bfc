from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from ccportal.logs import OneLineFormatter


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLineFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    yield logger, written
    handler.close()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann\nERROR forged", r"Ann\nERROR forged"),
        ("Ann\r\x00\x1b[31m", r"Ann\r\x00\x1b[31m"),
        ("Ann\u2028\u202eexe", r"Ann\u2028\u202eexe"),
        ("Ann\udcff", r"Ann\udcff"),
        ("Zoë 李 😀", "Zoë 李 😀"),
    ],
)
def test_a_name_cannot_begin_a_line_of_its_own(
    log: tuple[logging.Logger, io.StringIO], name: str, shown: str
) -> None:
    logger, written = log
    logger.warning("caller %s", name)
    assert written.getvalue() == f"WARNING caller {shown}\n"


def test_no_line_of_a_traceback_begins_at_the_margin(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        raise ValueError("first\nERROR forged\x1b[2J")
    except ValueError:
        logger.exception("call %s failed", "c0ffee")
    first, *others = written.getvalue().splitlines()
    assert first == "ERROR call c0ffee failed"
    assert others[-1] == r"    ERROR forged\x1b[2J"
    assert all(line.startswith("    ") for line in others)
