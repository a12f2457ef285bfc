"""Captured files go in by the way that live events go."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from cdr.models import Call, EventCount, Leg
from tests import captures
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db
DATA = Path(captures.__file__).parent / "data" / "freeswitch"


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]


def replay(*files: Path) -> None:
    call_command("replay_events", *map(str, files), switch="pbx")


def test_a_packed_capture_becomes_rows(capsys: pytest.CaptureFixture[str]) -> None:
    make_switch(make_account(), "pbx")
    replay(DATA / "queue_answered.jsonl.gz", DATA / "fail_busy.jsonl.gz")
    assert (Call.objects.count(), Leg.objects.count()) == (2, 4)
    assert "142 events committed" in capsys.readouterr().out


def test_again_changes_nothing() -> None:
    make_switch(make_account(), "pbx")
    replay(DATA / "queue_answered.jsonl.gz")
    before = list(Leg.objects.order_by("id").values())
    replay(DATA / "queue_answered.jsonl.gz")
    assert list(Leg.objects.order_by("id").values()) == before


def test_bad_lines_are_counted_and_passed(tmp_path: Path) -> None:
    make_switch(make_account(), "pbx")
    bad = tmp_path / "bad.jsonl"
    good = b"\n".join(captures.bodies("fail_busy"))
    bad.write_bytes(b'{"broken\n\xff\xfe\n[]\n\n' + good + b"\nnull")
    replay(bad)
    assert Leg.objects.count() == 2
    assert sum(EventCount.objects.filter(kind="malformed").values_list("count", flat=True)) == 4


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No switch named pbx"):
        replay(DATA / "fail_busy.jsonl.gz")
    make_switch(make_account(), "pbx")
    with pytest.raises(CommandError, match="No such file"):
        replay(tmp_path / "none.jsonl")
