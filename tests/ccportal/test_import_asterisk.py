"""Asterisk's files, imported by hand: a folder of them, rotated ones too, any number of times."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import SwitchKind
from cdr.models import AgentOffer, Call, QueueVisit
from tests import asterisk_captures as captured
from tests.factories import make_account, make_switch

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_switch(make_account(), name="pbx", kind=SwitchKind.ASTERISK, time_zone="Europe/Moscow")
    for name, target in (("answer", "Master.csv.1"), ("queue_answered", "Master.csv")):
        shutil.copy(captured.ASTERISK / f"{name}.cdr.csv", tmp_path / target)
    shutil.copy(captured.ASTERISK / "queue_answered.queue_log.txt", tmp_path / "queue_log")
    (tmp_path / "messages").write_text("not for us")
    return tmp_path


def test_a_folder_gives_calls_and_queue_visits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_cdrs", folder, switch="pbx")
    assert json.loads(capsys.readouterr().out) == {"files": 3, "legs": 2, "conversations": 2, "refused": 0}
    assert Call.objects.get(queue_name="support").talk_ms == 7000
    assert QueueVisit.objects.get().wait_ms == 2000


def test_twice_changes_nothing(folder: Path) -> None:
    call_command("import_cdrs", folder, switch="pbx")
    before = list(Call.objects.order_by("pk").values())
    call_command("import_cdrs", folder, switch="pbx")
    assert list(Call.objects.order_by("pk").values()) == before
    assert AgentOffer.objects.count() == 1


def test_what_is_no_record_is_named_and_the_rest_is_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "Master.csv").open("a") as file:
        file.write('"half","a","record"\n')
    with pytest.raises(CommandError, match="1 records could not be read"):
        call_command("import_cdrs", folder, switch="pbx")
    assert "a record of 3 columns" in capsys.readouterr().err
    assert Call.objects.count() == 2
