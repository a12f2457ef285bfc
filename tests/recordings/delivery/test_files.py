"""A recording that is ready goes to the urls of its grants, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import socket
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import issue_token
from accounts.models import Account
from cdr.models import Call
from recordings.basis import basis_of
from recordings.delivery import files
from recordings.delivery.files import put_recording
from recordings.delivery.models import Delivery, DeliveryState
from recordings.delivery.network import Network
from recordings.delivery.outbox import deliver
from recordings.models import Damage, Media, Origin, Recording, State
from recordings.process import done
from recordings.storage import storage_at, store
from recordings.stores import AudioStore
from tests.factories import make_leg, make_user
from tests.recordings.delivery.conftest import SOUND, Finished
from tests.recordings.delivery.receivers import Names, in_turn, receiving, taking

pytestmark = pytest.mark.django_db


def delivered(recording: Recording) -> Delivery:
    result = deliver(put_recording(recording)[0].pk)
    assert result
    return result


def test_it_is_written_with_what_makes_it_ready(finished: Finished) -> None:
    recording = finished("https://a.example/", state=State.PROCESSING)
    done(recording, basis_of(recording))
    recording.refresh_from_db()
    assert recording.state == State.READY
    assert [row.url for row in Delivery.objects.all()] == ["https://a.example/"]


def test_each_url_gets_it_once(finished: Finished) -> None:
    recording = finished("https://a.example/", "https://b.example/", "https://a.example/")
    assert len(put_recording(recording)) == 2
    assert put_recording(recording) == []


def test_a_grant_that_keeps_longer_ones_alone_sends_nothing(finished: Finished) -> None:
    keeps = {"url": "https://a.example/", "record_min_sec": 2}
    too_short = {"url": "https://b.example/", "record_min_sec": 3}
    put_recording(finished(grants=[keeps, too_short]))
    assert Delivery.objects.get().host == "a.example"


def test_the_file_arrives_under_its_name_with_its_facts(
    finished: Finished, call: Call, account: Account
) -> None:
    leg = make_leg(call, uuid="leg-1")
    with receiving(taking()) as receiver:
        recording = finished(f"{receiver.url}/in/?key=k%20v&flag")
        sent = delivered(recording)
    taken = receiver.taken[0]
    parts = urlsplit(taken.path)
    assert (sent.state, sent.error) == (DeliveryState.SENT, "")
    assert (taken.method, parts.path, taken.body) == ("PUT", "/in/call_recording_leg-1.wav", SOUND)
    assert parts.query.startswith("key=k%20v&flag&from=")
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == {
        "key": "k v",
        "flag": "",
        "from": "+49 30 1",
        "to": call.dialed_number,
        "caller_id_name": "Kim & Söhne",
        "caller_id_number": "+49 30 1",
        "call_id": "leg-1",
        "cdr_id": leg.pk.hex,
        "interaction_id": call.pk.hex,
        "account_id": account.pk.hex,
        "recording_id": recording.pk.hex,
    }
    digest = base64.b64encode(hashlib.sha256(SOUND).digest()).decode()
    assert taken.headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert taken.headers["Content-Type"] == "audio/wav"
    assert taken.headers["X-CCPortal-Delivery"] == sent.pk.hex


def test_the_file_stays_and_the_grants_method_is_used(finished: Finished) -> None:
    with receiving(taking()) as receiver:
        recording = finished(grants=[{"url": receiver.url, "method": "post", "format": "wav"}])
        delivered(recording)
    assert receiver.taken[0].method == "POST"
    with files.opened(recording.media.get()) as kept:
        assert kept.read() == SOUND


def test_a_redirect_gets_the_whole_file_again(finished: Finished) -> None:
    with receiving(in_turn(taking(307, Location="/there"), taking())) as receiver:
        assert delivered(finished(receiver.url)).state == DeliveryState.SENT
    assert [taken.body for taken in receiver.taken] == [SOUND, SOUND]


HOSTILE = "a\r\nX-Evil: 1\x00&recording_id=1#x\u202e ${system(id)} 김 ' \" <b>"


def test_hostile_names_stay_in_their_field(finished: Finished) -> None:
    with receiving(taking()) as receiver:
        name = HOSTILE.replace("\x00", "")
        recording = finished(receiver.url, caller_name=name, leg_uuid="../../x?y=1#z\r\n")
        delivered(recording)
    taken = receiver.taken[0]
    parts = urlsplit(taken.path)
    query = parse_qs(parts.query)
    assert query["caller_id_name"] == [name]
    assert query["recording_id"] == [recording.pk.hex]
    assert parts.path == "/call_recording_..%2F..%2Fx%3Fy%3D1%23z%0D%0A.wav"
    assert "X-Evil" not in taken.headers


def test_inside_is_refused_when_it_is_sent_too(finished: Finished, settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = []
    with receiving(taking()) as receiver:
        refused = delivered(finished(receiver.url.replace("//", "//ann:secret@")))
    assert (refused.state, receiver.taken) == (DeliveryState.FAILED, [])
    assert refused.error == "Refused: 127.0.0.1 leads into a network that nothing is delivered to."


def test_a_recording_without_audio_is_a_failure_that_is_seen(finished: Finished) -> None:
    recording = finished("http://127.0.0.1:1/")
    Recording.objects.filter(pk=recording.pk).update(state=State.DELETED)
    assert delivered(recording).error == "The recording has no audio any more."


def test_a_file_that_cannot_be_read_is_tried_again(finished: Finished) -> None:
    with receiving(taking()) as receiver:
        recording = finished(receiver.url)
        recording.media.update(key="gone.wav")
        waiting = delivered(recording)
    assert (waiting.state, waiting.error) == (
        DeliveryState.PENDING,
        "The file could not be read (FileNotFoundError).",
    )
    assert receiver.taken == []


def test_one_that_gets_its_account_later_is_sent_then(finished: Finished, account: Account) -> None:
    recording = finished("https://a.example/")
    Recording.objects.filter(pk=recording.pk).update(account=None)
    recording.refresh_from_db()
    assert put_recording(recording) == []
    Recording.objects.filter(pk=recording.pk).update(account=account)
    files.follow(recording.pk)
    assert Delivery.objects.get().account_id == account.pk


def test_a_file_in_the_accounts_bucket_is_sent_from_there(finished: Finished, bucket: AudioStore) -> None:
    with receiving(taking()) as receiver:
        recording = finished(receiver.url)
        media = recording.media.get()
        with files.opened(media) as local:
            store(storage_at(bucket), media.key, local)
        storage_at(None).delete(media.key)
        recording.media.update(store=bucket)
        assert delivered(recording).state == DeliveryState.SENT
    assert receiver.taken[0].body == SOUND


def test_a_callers_message_goes_where_a_program_said(finished: Finished) -> None:
    with receiving(taking()) as receiver:
        params = {"enabled": True, "method": "put", "format": "wav", "time_limit": 60, "url": receiver.url}
        recording = finished(grants=[params], origin=Origin.DIALPLAN)
        recording.grants = [{"scope": "action", "kind": "record_caller", "params": params}]
        assert delivered(recording).state == DeliveryState.SENT
    assert receiver.taken[0].body == SOUND


def test_a_name_without_an_address_is_tried_again_and_one_inside_is_not(finished: Finished) -> None:
    names = Names({"now-and-then.example": [], "inside.example": [["10.0.0.8"]]})

    def resolve(host: str, port: int, **options: Any) -> Any:
        if host == "now-and-then.example":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return names(host, port, **options)

    rows = put_recording(finished("https://now-and-then.example/", "https://inside.example/"))
    sent = {row.host: deliver(row.pk, Network(resolve=resolve)) for row in rows}
    waiting, dead = sent["now-and-then.example"], sent["inside.example"]
    assert waiting
    assert dead
    assert (waiting.state, waiting.next_try_at is not None) == (DeliveryState.PENDING, True)
    assert (dead.state, dead.next_try_at) == (DeliveryState.FAILED, None)


SECRETS = ("s3cret", "ann:", "k3y")


@pytest.mark.parametrize("form", ["application/json", "text/csv"])
def test_a_grants_url_is_told_without_its_secrets(
    finished: Finished, call: Call, account: Account, form: str
) -> None:
    leg = make_leg(call, uuid="leg-1")
    recording = finished("https://ann:s3cret@a.example/in?key=k3y")
    client = Client(headers={"X-Auth-Token": issue_token(user=make_user(account))})
    base = f"/v2/accounts/{account.pk.hex}"
    lists = ["recordings", "cdrs"]
    ones = [f"recordings/{recording.pk.hex}", f"cdrs/{leg.pk.hex}"] if form == "application/json" else []
    for path in lists + ones:
        answer = client.get(f"{base}/{path}", headers={"Accept": form})
        assert answer.status_code == 200
        assert not [secret for secret in SECRETS if secret in answer.getvalue().decode()], path
    shown = client.get(f"{base}/recordings/{recording.pk.hex}").json()["data"]["grants"]
    assert shown[0]["params"]["url"] == "https://a.example/in"


def test_a_damaged_file_is_not_sent_until_it_is_mended(finished: Finished) -> None:
    with receiving(taking()) as receiver:
        recording = finished(f"{receiver.url}/in/")
        Media.objects.update(damage=Damage.CHANGED)
        result = delivered(recording)
        assert result.state == DeliveryState.PENDING
        assert result.error == "The stored file is damaged: not what was stored."
        assert receiver.taken == []
        Media.objects.update(damage="")
        Delivery.objects.update(next_try_at=timezone.now())
        assert deliver(result.pk)
        assert len(receiver.taken) == 1
