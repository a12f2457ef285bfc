"""A number is gone from everywhere, but what a hold keeps; others stay, and nothing brings it back."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.actors import actor_for
from accounts.models import Account, AuditEntry, Contact, Switch
from ccportal.exports import work as exports
from ccportal.pipeline import apply_bodies
from cdr.models import Call, EvidenceKey, Leg, QueueFigures
from cdr.saved_views import SavedView
from recordings.delivery.models import DeliveryState
from recordings.erasure import work
from recordings.erasure.finding import preview
from recordings.erasure.models import Erasure, Phase
from recordings.erasure.numbers import NotANumber, Sought
from recordings.exporting import ask
from recordings.exports import Export, ExportState
from recordings.holding import hold_call, hold_number, release
from recordings.models import Delivery, Media, Orphan, OrphanState, Recording, Webhook
from recordings.sweep import sweep
from reviews.models import Comment
from tests import captures
from tests.factories import make_account, make_call, make_leg, make_media, make_recording, make_user
from tests.recordings.erasure.conftest import NUMBER, OTHER, files_below, note, rows_with, run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "written", ["010-5840-0500", "+82 10 5840 0500", "0082 (10) 58400500", "82105840 0500"]
)
def test_a_number_is_gone_from_everywhere_however_it_is_written(
    heard: Account, stored: Path, written: str
) -> None:
    Comment.objects.create(call=of_the_number(), author_name="Mei", text=f"ring {NUMBER} back")
    hook = Webhook.objects.create(account=heard, name="CRM", url="https://crm.example/in")
    body = {"event": "call.ended", "body": f'{{"caller_id_number": "{NUMBER}"}}'}
    Delivery.objects.create(
        account=heard, kind="webhook", webhook=hook, payload=body, state=DeliveryState.SENT
    )
    note(heard, "+82 10-5840-0500, 02-781", chosen={"list": f"q={NUMBER}"})
    SavedView.objects.create(account=heard, name="Mr Kim", query="q=%2B82+10-5840-0500&period=all")
    release(hold_number(heard, NUMBER, None, f"asked by {NUMBER}"), None)
    assert rows_with(NUMBER)

    erasure = run(heard, written)

    assert (erasure.phase, erasure.number, erasure.stayed) == (Phase.DONE, "", {})
    assert rows_with(NUMBER) == []
    assert not Contact.objects.exists()
    counts = {"calls": 1, "comments": 1, "contacts": 1, "deliveries": 1, "recordings": 1, "audio files": 1}
    assert counts.items() <= erasure.counts.items()
    assert not SavedView.objects.exists()
    assert (erasure.elsewhere, erasure.ending) == ({"crm.example": 1}, "500")
    assert rows_with(OTHER)
    assert files_below(stored) == [Media.objects.get().key.rsplit("/", 1)[-1]]
    assert AuditEntry.objects.filter(action="calls.search").get().detail["text"] == "[erased], 02-781"


def of_the_number() -> Call:
    return Call.objects.get(caller_number=NUMBER)


def test_nothing_late_brings_it_back_and_a_new_call_comes_in(heard: Account, switch: Switch) -> None:
    run(heard)
    for body in captures.bodies("queue_answered"):
        apply_bodies(switch, [body])
    assert rows_with(NUMBER) == []
    assert EvidenceKey.objects.filter(forgotten_at__isnull=False).exists()
    apply_bodies(switch, captures.bodies("fail_busy"))
    assert Call.objects.count() == 2


def test_figures_are_those_of_the_calls_that_are_left(heard: Account) -> None:
    before = offered()
    run(heard)
    assert offered() == before - 1


def offered() -> int:
    return sum(QueueFigures.objects.filter(span="day").values_list("offered", flat=True))


def test_what_is_on_hold_stays_until_it_is_released_and_asked_for_again(heard: Account, stored: Path) -> None:
    hold = hold_call(of_the_number(), None, "Case 7")
    first = run(heard)
    assert (first.phase, first.stayed) == (Phase.DONE, {"calls on hold": 1})
    assert len(files_below(stored)) == 2
    assert hold is not None
    release(hold, None)
    second = run(heard)
    assert second.key == first.key
    assert second.stayed == {}
    assert rows_with(NUMBER) == []


def test_a_call_that_the_number_only_passed_through_goes_too(account: Account) -> None:
    call = make_call(account, caller_number="0212345678")
    make_leg(call)
    make_leg(call, direction="outbound", final_destination_number=f"+82{NUMBER[1:]}")
    make_leg(make_call(account, caller_number="0212345678"))
    assert run(account).counts["calls"] == 1
    assert Leg.objects.count() == 1


def test_a_recording_that_outlived_its_call_goes_too(account: Account, stored: Path) -> None:
    recording = make_recording(make_call(account, caller_number=NUMBER), stored_at=timezone.now())
    make_media(recording)
    Call.objects.all().delete()
    assert run(account).counts["recordings"] == 1
    assert files_below(stored) == []


def test_a_call_that_goes_on_is_waited_for(account: Account) -> None:
    call = make_call(account, caller_number=NUMBER, started_at=timezone.now(), ended_at=None)
    erasure = run(account)
    assert (erasure.phase, erasure.trouble) == (Phase.CALLS, "A call with this number is not over yet.")
    Call.objects.filter(pk=call.pk).update(ended_at=timezone.now())
    Erasure.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    sweep()
    assert OrmQ.objects.filter(key__isnull=False).exists()
    work.go_on(erasure.pk.hex)
    erasure.refresh_from_db()
    assert (erasure.phase, Call.objects.count()) == (Phase.DONE, 0)


def test_audio_that_cannot_be_removed_keeps_its_call_until_it_can(
    heard: Account, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OSError("The storage is away.")

    with monkeypatch.context() as broken:
        broken.setattr("recordings.storage.AudioStorage.delete", away)
        erasure = run(heard)
    assert (erasure.phase, erasure.trouble[:10]) == (Phase.CALLS, "Some audio")
    assert of_the_number().recordings.get().state == "deleting"
    Erasure.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    work.go_on(erasure.pk.hex)
    assert rows_with(NUMBER) == []
    assert len(files_below(stored)) == 1


@pytest.mark.parametrize(
    ("kind", "file_format"), [("calls", "csv"), ("calls", "xlsx"), ("recordings", "zip")]
)
def test_exports_with_the_number_go_and_others_stay(
    heard: Account, stored: Path, kind: str, file_format: str
) -> None:
    user = make_user(heard)

    def made(listed: str) -> Export:
        wanted = Export.wanted(heard, kind, file_format, {"list": f"period=all&{listed}"}, user=user)
        export = ask(wanted, actor_for(user))
        exports.go_on(export.pk.hex)
        export.refresh_from_db()
        assert export.state == ExportState.READY, export.state_reason
        return export

    everything, by_number, other = made(""), made("q=010-5840-0500"), made(f"q={OTHER}")
    if file_format == "zip":
        hide_the_number(stored / everything.key)
    erasure = run(heard)
    assert erasure.counts["exports"] == 2
    for export in (everything, by_number, other):
        export.refresh_from_db()
    assert [everything.state, by_number.state, other.state] == ["deleted", "deleted", "ready"]
    assert not [path for path in stored.rglob("export.*") if everything.pk.hex in str(path)]
    assert rows_with(NUMBER) == []


def hide_the_number(path: Path) -> None:
    """Name an archive's files by a template without numbers: its list still has the call."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).replace(NUMBER.encode(), b"x") for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name.replace(NUMBER, "x"), data)


def test_an_unfinished_export_is_made_anew_without_the_number(heard: Account) -> None:
    user = make_user(heard)
    export = ask(Export.wanted(heard, "calls", "csv", {"list": "period=all"}, user=user), actor_for(user))
    Export.objects.update(draft="a" * 32, flushed=100, rows_done=2, state="running", lease="x" * 32)
    run(heard)
    export.refresh_from_db()
    assert (export.state, export.draft, export.rows_done) == ("queued", "", 0)


def test_files_of_a_switch_that_name_it_are_told_and_left(heard: Account, switch: Switch) -> None:
    Orphan.objects.create(
        account=heard, switch=switch, path=f"/rec/{NUMBER}.wav", size=1, modified_at=timezone.now(),
        state=OrphanState.WAITING,
    )  # fmt: skip
    assert run(heard).stayed == {"files in a switch's folder that no recording knows": 1}


def test_other_accounts_keep_theirs(heard: Account) -> None:
    child = make_account(parent=heard, country="KR")
    make_call(child, caller_number=NUMBER)
    run(heard)
    assert Call.objects.get(caller_number=NUMBER).account == child


def test_a_longer_or_shorter_number_is_another_one(account: Account) -> None:
    for number in (f"{NUMBER}1", NUMBER[:-1], f"9{NUMBER}"):
        make_call(account, caller_number=number)
    note(account, f"ids {NUMBER}1 and {NUMBER[:-1]}")
    assert "calls" not in run(account).counts
    assert NUMBER in AuditEntry.objects.get(action="calls.search").detail["text"]


def test_it_is_asked_once_at_a_time_and_is_repeatable(heard: Account) -> None:
    erasure = work.ask(heard, NUMBER, None)
    assert work.ask(heard, "010 5840 0500", None) == erasure
    work.go_on(erasure.pk.hex)
    work.go_on(erasure.pk.hex)
    erasure.refresh_from_db()
    assert erasure.counts["calls"] == 1
    assert run(heard).counts == {}


def test_what_is_no_number_is_refused(account: Account) -> None:
    with pytest.raises(NotANumber):
        work.ask(account, "12 x", None)


def test_the_preview_counts_what_will_go(heard: Account) -> None:
    found = preview(heard, Sought("+82 10 5840 0500", "KR"))
    assert (found.calls, found.recordings, found.contacts, found.evidence, found.held) == (1, 1, 1, 1, 0)
    assert dict(found.parts)["legs"] == 2
    hold_number(heard, NUMBER, None, "Case 1")
    assert preview(heard, Sought(NUMBER, "KR")).held == 1
    assert Recording.objects.count() == 2
