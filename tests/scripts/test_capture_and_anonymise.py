from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from django.conf import settings

from scripts.anonymise_events import anonymise
from scripts.capture_events import EVERYTHING, capture
from switch.esl.native import NativeConnection
from tests.switch.fake_switch import FakeSwitch, event_frame

CAPTURED = settings.BASE_DIR / "tests" / "data" / "freeswitch"

EVENT = {
    "Event-Name": "CHANNEL_CREATE",
    "FreeSWITCH-Hostname": "pbx.acme.de",
    "FreeSWITCH-IPv4": "203.0.113.77",
    "Unique-ID": "0a1b2c3d-4915-1234-5678-491512345678",
    "Event-Date-Timestamp": "1763641764123456",
    "Caller-Caller-ID-Name": 'Zoë "Z" Müller',
    "Caller-Caller-ID-Number": "+4915123456789",
    "Caller-Destination-Number": "1001",
    "variable_sip_from_uri": "%2B4915123456789@pbx.acme.de",
    "variable_effective_name": 'Zoë "Z" Müller',
    "variable_sip_auth_password": "hunter2",
    "variable_switch_r_sdp": "c=IN IP4 203.0.113.77 a=ice 2001:470::5",
    "Caller": "callcenter::info",
}


def test_nothing_that_says_who_or_where_is_left() -> None:
    (told,), _ = anonymise([json.dumps(EVENT)])
    for secret in ("4915123456789", "Müller", "M\\u00fcller", "acme", "203.0.113.77", "2001:470", "hunter2"):
        assert secret not in told
    assert "%2B0700000000000@host1.example" in told


def test_what_makes_the_call_is_left() -> None:
    (told,), _ = anonymise([json.dumps(EVENT)])
    event = json.loads(told)
    assert list(event) == list(EVENT)
    assert event["variable_effective_name"] == event["Caller-Caller-ID-Name"] == "Caller 1"
    for key in ("Unique-ID", "Event-Date-Timestamp", "Caller-Destination-Number", "Event-Name", "Caller"):
        assert event[key] == EVENT[key]


def test_two_people_stay_two() -> None:
    numbers = ["+4915123456789", "+4915123456780"]
    told, _ = anonymise([json.dumps({"Caller-Caller-ID-Number": number}) for number in numbers])
    assert len(set(told)) == 2


@pytest.mark.parametrize("name", ["queue_answered", "conference_rec", "attended_transfer"])
def test_a_captured_call_keeps_its_events_and_their_keys(name: str) -> None:
    with gzip.open(CAPTURED / f"{name}.jsonl.gz", "rt", newline="\n") as file:
        bodies = file.readlines()
    told, stand_ins = anonymise(bodies)
    assert stand_ins.numbers
    assert [list(json.loads(body)) for body in told] == [list(json.loads(body)) for body in bodies]
    assert not any(number in body for number in stand_ins.numbers for body in told)


def test_a_capture_ends_with_the_switch_and_holds_every_body(tmp_path: Path) -> None:
    bodies = [json.dumps({"Event-Name": "HEARTBEAT", "n": str(n)}).encode() for n in range(50)]
    with FakeSwitch() as switch:
        source = NativeConnection.open(switch.address)
        source.subscribe(EVERYTHING)
        client = switch.client()
        for body in bodies:
            client.send(event_frame(body))
        switch.hang_up()
        assert capture(source, tmp_path / "call.jsonl.gz") == 50
        source.close()
    with gzip.open(tmp_path / "call.jsonl.gz") as file:
        assert file.read().splitlines() == bodies
