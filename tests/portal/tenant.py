"""A tenant with a day's work: every kind of call there is, hostile ones too, and audio to hear."""

from __future__ import annotations

import io
import math
import random
import struct
import wave
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Account, Role, User
from cdr.models import (
    Call,
    CallDirection,
    ConnectionGap,
    EventCount,
    IngestPosition,
    Leg,
    OfferOutcome,
    Outcome,
)
from recordings.models import Decision, Delivery, Finding, Recording, State, Webhook
from reviews.models import Comment
from tests import factories

HOSTILE_NAMES = (
    '<script>alert("caller")</script>',
    "Robert'); DROP TABLE calls;--",
    "\u202eevil\u202c gnp.exe",
    "x" * 255,
    "line\nbreak\r\nname",
    '"><img src=x onerror=alert(1)>',
    "=cmd()|'/C calc'!A0",
    "مريم الهاشمي",
)
PEOPLE = (
    "Kim Min-seo",
    "Lee Do-yun",
    "Oh Si-woo",
    "Choi Ha-eun",
    "Park Ji-ho",
    "Jung Woo-jin",
    "Shin Ae-ra",
    "",
)
AGENTS = {"1001": "Anna", "1002": "Ben", "1003": "Mei", "1004": "Deniz", "1005": "Jisoo"}
QUEUES = {"3000@default": "Support", "3010@default": "Billing", "3020@default": "Sales"}


@dataclass
class Tenant:
    account: Account
    people: dict[str, User]
    talked: Call


def make_tenant(now: datetime, calls: int = 120) -> Tenant:
    """Make the account, people in every role and its calls, the newest a few minutes before ``now``."""
    chance = random.Random(7)
    account = factories.make_account(
        "Hanbit Care", time_zone="Asia/Seoul", country="KR", realm="hanbit.example"
    )
    queues = [factories.make_queue(account, name, label=label) for name, label in QUEUES.items()]
    for name, label in AGENTS.items():
        factories.make_agent(account, name, label=label)
    team = factories.make_team(account, "Support", queues[:1])
    people: dict[str, User] = {
        role: factories.make_user(
            account, role, email=f"{role}@hanbit.example", name=f"Sora {role.title()}", teams=[team]
        )
        for role in (Role.ADMIN, Role.SUPERVISOR, Role.REVIEWER)
    }
    people[Role.AGENT] = factories.make_user(
        account, Role.AGENT, email="anna@hanbit.example", name="Anna Agent", agent_name="1001"
    )
    switch = factories.make_switch(name="fs-seoul-1", last_heard_at=now)
    talked = make_transferred_call(account, switch, now - timedelta(minutes=12))
    make_queue_call(account, switch, now - timedelta(minutes=3), chance, "Oh Si-woo")
    started = now - timedelta(minutes=20)
    for index in range(calls):
        started -= timedelta(seconds=chance.randint(60, 2400))
        make_any_call(account, switch, started, chance, index)
    make_stateful_calls(account, switch, now - timedelta(minutes=15))
    return Tenant(account, people, talked)


def make_any_call(
    account: Account, switch: Any, started: datetime, chance: random.Random, index: int
) -> Call:
    name = HOSTILE_NAMES[index % 8] if index % 9 == 4 else chance.choice(PEOPLE)
    kind = chance.choices(("queue", "missed", "out", "inside", "forwarded"), (10, 4, 4, 2, 1))[0]
    if kind == "queue":
        return make_queue_call(account, switch, started, chance, name)
    if kind == "missed":
        return make_missed_call(account, switch, started, chance, name)
    direction = {
        "out": CallDirection.OUTBOUND,
        "inside": CallDirection.INTERNAL,
        "forwarded": CallDirection.FORWARDED,
    }[kind]
    outcome = chance.choice(
        (Outcome.ANSWERED, Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)
    )
    talk = chance.randint(5_000, 900_000) if outcome == Outcome.ANSWERED else 0
    agent = chance.choice(list(AGENTS))
    outside = number(chance)
    parties = {
        "caller_number": outside if kind == "forwarded" else agent,
        "caller_name": name if kind == "forwarded" else AGENTS[agent],
        "dialed_number": "07070067777" if kind == "forwarded" else "1002" if kind == "inside" else outside,
        "callee_number": "1002" if kind == "inside" else outside,
        "callee_name": "Ben" if kind == "inside" else name,
    }
    return factories.make_call(
        account,
        switch=switch,
        started_at=started,
        direction=direction,
        outcome=outcome,
        talk_ms=talk,
        answered_at=started + timedelta(seconds=8) if talk else None,
        ended_at=started + timedelta(milliseconds=talk + 8000),
        duration_ms=talk + 8000,
        agent_name="" if kind == "inside" else agent,
        **parties,
    )


def make_queue_call(
    account: Account, switch: Any, started: datetime, chance: random.Random, name: str
) -> Call:
    wait, talk = chance.randint(2, 240), chance.randint(8, 1500)
    agent, queue = chance.choice(list(AGENTS)), chance.choice(list(QUEUES))
    call = factories.make_call(
        account,
        switch=switch,
        started_at=started,
        caller_number=number(chance),
        caller_name=name,
        dialed_number="07070067777",
        callee_number=agent,
        agent_name=agent,
        queue_name=queue,
        wait_ms=wait * 1000,
        talk_ms=talk * 1000,
        answered_at=started,
        ended_at=started + timedelta(seconds=wait + talk),
        duration_ms=(wait + talk) * 1000,
    )
    joined, answered = started, started + timedelta(seconds=wait)
    visit = factories.make_visit(
        call,
        queue,
        joined_at=joined,
        answered_at=answered,
        left_at=call.ended_at,
        agent_name=agent,
        wait_ms=wait * 1000,
    )
    factories.make_leg(call)
    factories.make_leg(
        call,
        uuid=visit.agent_leg_uuid,
        direction="outbound",
        destination_number=agent,
        network="onnet",
        created_at=answered - timedelta(seconds=2),
        answered_at=answered,
    )
    factories.make_offer(
        visit,
        agent,
        offered_at=answered - timedelta(seconds=2),
        answered_at=answered,
        ended_at=call.ended_at,
        ring_ms=2000,
        talk_ms=talk * 1000,
    )
    factories.make_recording(call, started_at=started, stopped_at=call.ended_at)
    return call


def make_missed_call(
    account: Account, switch: Any, started: datetime, chance: random.Random, name: str
) -> Call:
    wait = chance.randint(3, 300)
    outcome = chance.choice((Outcome.ABANDONED, Outcome.ABANDONED, Outcome.TIMED_OUT, Outcome.NO_AGENT))
    reason = {
        Outcome.ABANDONED: "BREAK_OUT",
        Outcome.TIMED_OUT: "TIMEOUT",
        Outcome.NO_AGENT: "NO_AGENT_TIMEOUT",
    }[outcome]
    call = factories.make_call(
        account,
        switch=switch,
        started_at=started,
        caller_number=number(chance),
        caller_name=name,
        dialed_number="07070067777",
        callee_number="",
        outcome=outcome,
        talk_ms=0,
        wait_ms=wait * 1000,
        answered_at=started,
        ended_at=started + timedelta(seconds=wait),
        duration_ms=wait * 1000,
    )
    factories.make_visit(
        call,
        chance.choice(list(QUEUES)),
        joined_at=started,
        answered_at=None,
        left_at=call.ended_at,
        agent_name="",
        agent_leg_uuid="",
        wait_ms=wait * 1000,
        cause="Cancel",
        cancel_reason=reason,
    )
    return call


def make_transferred_call(account: Account, switch: Any, started: datetime) -> Call:
    """Make the call that has everything: menu, wait, missed offer, talk, hold, transfer, recording."""

    def at(seconds: float) -> datetime:
        return started + timedelta(seconds=seconds)

    call = factories.make_call(
        account,
        switch=switch,
        started_at=started,
        answered_at=started,
        ended_at=at(552),
        duration_ms=552_000,
        talk_ms=422_000,
        hold_ms=42_000,
        wait_ms=74_000,
        caller_number="01058400500",
        caller_name="Kim Min-seo",
        dialed_number="07070067777",
        callee_number="1004",
        duration=552,
        billsec=552,
    )
    visit = factories.make_visit(
        call,
        "3000@default",
        joined_at=at(38),
        answered_at=at(112),
        left_at=at(552),
        agent_name="1004",
        wait_ms=74_000,
        agent_leg_uuid="b0000000-0000-4000-8000-000000000001",
    )
    factories.make_leg(
        call, variables={"sip_call_id": "3f9c@192.0.2.7", "sip_user_agent": "<b>Evil</b> Phone/1.0"}
    )
    hold = f"{{{{{micros(at(250))},{micros(at(292))}}}}}"
    anna = factories.make_leg(
        call,
        uuid="b0000000-0000-4000-8000-000000000001",
        direction="outbound",
        destination_number="1001",
        created_at=at(100),
        answered_at=at(112),
        ended_at=at(340),
        network="onnet",
        hold_ms=42_000,
        variables={"hold_events": hold},
    )
    deniz = factories.make_leg(
        call,
        uuid="b0000000-0000-4000-8000-000000000002",
        direction="outbound",
        destination_number="1004",
        created_at=at(341),
        answered_at=at(358),
        ended_at=at(552),
        network="onnet",
    )
    factories.make_offer(
        visit,
        "1003",
        offered_at=at(58),
        answered_at=None,
        ended_at=at(78),
        outcome=OfferOutcome.FAILED,
        hangup_cause="NO_ANSWER",
        ring_ms=20_000,
        talk_ms=None,
        agent_leg_uuid="b0000000-0000-4000-8000-000000000003",
    )
    make_answered_offer(visit, "1001", anna, 228_000)
    make_answered_offer(visit, "1004", deniz, 194_000)
    mask = {"from_ms": 312_000, "to_ms": 339_000}
    recording = factories.make_recording(call, started_at=at(112), stopped_at=at(552), masked=[mask])
    factories.make_media(recording, conversation(440))
    return call


def make_comments(tenant: Tenant, now: datetime) -> None:
    """Make what a reviewer and somebody hostile say about the call that has everything."""
    reviewer = tenant.people[Role.REVIEWER]
    said = (
        (None, "A good example for the next training."),
        (198, "Hold was announced, good. Return time was not."),
        (271, "42 s of hold to find the invoice. Knowledge base is missing it."),
        (498, "Refund 20-4471 confirmed to the caller here."),
    )
    for index, (second, text) in enumerate(said):
        at = tenant.talked.started_at + timedelta(seconds=second) if second else None
        Comment.objects.create(
            call=tenant.talked,
            author=reviewer,
            author_name=reviewer.email,
            text=text,
            at=at,
            written_at=now - timedelta(minutes=9 - index),
        )


def make_answered_offer(visit: Any, agent: str, leg: Leg, talk_ms: int) -> None:
    factories.make_offer(
        visit,
        agent,
        offered_at=leg.created_at,
        answered_at=leg.answered_at,
        ended_at=leg.ended_at,
        agent_leg_uuid=leg.uuid,
        ring_ms=12_000,
        talk_ms=talk_ms,
    )


def make_stateful_calls(account: Account, switch: Any, started: datetime) -> None:
    """Make a call for each thing that can be wrong with a recording."""
    states = (
        (State.MISSING, Finding.MISSING),
        (State.FAILED, Finding.EMPTY),
        (State.FAILED, Finding.UNFINISHED),
        (State.DISCARDED, Finding.DISCARDED),
        (State.PROCESSING, ""),
        (State.RECORDING, ""),
    )
    for index, (state, finding) in enumerate(states):
        call = factories.make_call(
            account,
            switch=switch,
            started_at=started - timedelta(seconds=30 * index),
            caller_name=f"State {state}",
            caller_number="027814420",
        )
        factories.make_recording(call, state=state, finding=finding, state_reason="")


def make_troubled_switches(account: Account, now: datetime) -> None:
    """Make switches of the account's own: one is heard, one is not, and refuses commands."""
    heard = factories.make_switch(
        account,
        "fs-hanbit-1",
        listener="here",
        listener_seen_at=now,
        last_heard_at=now - timedelta(seconds=3),
    )
    lost = factories.make_switch(
        account,
        "fs-hanbit-2",
        listener="here",
        listener_seen_at=now,
        last_heard_at=now - timedelta(minutes=7),
    )
    for switch, ago in ((heard, timedelta(seconds=4)), (lost, timedelta(minutes=7))):
        IngestPosition.objects.create(switch=switch, last_event_at=now - ago)
        for hours in (3, 30):
            start = now - timedelta(hours=hours)
            ConnectionGap.objects.create(
                switch=switch,
                started_at=start,
                ended_at=start + timedelta(seconds=hours * 9),
                reason="closed by the switch",
            )
    ConnectionGap.objects.create(switch=lost, started_at=now - timedelta(minutes=7), reason="no heartbeat")
    for name in ("CUSTOM sofia::<odd>", "x" * 128):
        EventCount.objects.create(switch=heard, kind="unknown", name=name, count=1204, last_at=now)
    for index, answer in enumerate(
        ("start the recording: -ERR No such channel!", f"mask the recording: {'x' * 200}")
    ):
        call = factories.make_call(account, switch=lost, started_at=now - timedelta(hours=index + 1))
        Decision.objects.create(
            switch=lost,
            call=call,
            leg_uuid=call.leg_uuid,
            decided_at=now,
            complaints=[{"leg": call.leg_uuid, "because": f"The switch did not {answer}"}],
        )


def make_deliveries(account: Account, recording: Recording, now: datetime) -> None:
    """Make a delivery in each state, of files and of news; some names are as long as names get."""
    hook = Webhook.objects.create(
        account=account, name="CRM of the head office", url="https://hooks.crm.example/in?token=t0k3n"
    )
    refused = "Refused: 10.0.0.8 leads into a network that nothing is delivered to."
    busy = "The receiver answered 503 (Service Unavailable)."
    later = {"next_try_at": now + timedelta(minutes=15)}
    over: dict[str, Any] = {"next_try_at": None, "finished_at": now - timedelta(hours=1)}
    for state, error, host, fields in (
        ("sent", "", "archive.hanbit.example", over),
        ("failed", refused, "files.intern.example", over),
        ("pending", busy, f"{'a-long-name.' * 6}example", later),
        ("pending", "", "sftp.hanbit.example", later | {"queued_at": now}),
    ):
        file = {"kind": "recording", "subject": "Recording as mp3", "recording": recording}
        news = {"kind": "webhook", "subject": "recording.ready", "webhook": hook}
        for what in (file | {"url": f"https://ann:s3cret@{host}/in?key=k3y"}, news):
            Delivery.objects.create(account=account, state=state, error=error, attempts=3, **what, **fields)


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def number(chance: random.Random) -> str:
    return chance.choice(
        (f"010{chance.randint(20000000, 99999999)}", f"02{chance.randint(2000000, 9999999)}", "+493055570142")
    )


def conversation(seconds: int, rate: int = 8000) -> bytes:
    """Make a stereo WAV in which the two sides take turns, syllable by syllable."""
    chance = random.Random(3)
    block = rate // 10
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    speaker, left, swell = 0, 0, 0.5
    for index in range(seconds * 10):
        if left == 0:
            speaker, left = chance.choice((0, 1, 2)), chance.randint(12, 70)
        if index % 4 == 0:
            swell = chance.choice((0.06, 0.15, 0.25, 0.35, 0.5, 0.7, 0.9))
        left -= 1
        for side in (0, 1):
            sides[side].append(hum(block, rate, (1000, 440)[side], swell if side == speaker else 0.004))
    frames = interleaved(b"".join(sides[0]), b"".join(sides[1]))
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(2)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(frames)
    return file.getvalue()


HUMS: dict[tuple[int, float], bytes] = {}


def hum(block: int, rate: int, pitch: int, loud: float) -> bytes:
    if (pitch, loud) not in HUMS:
        samples = (int(32000 * loud * math.sin(2 * math.pi * pitch * index / rate)) for index in range(block))
        HUMS[pitch, loud] = struct.pack(f"<{block}h", *samples)
    return HUMS[pitch, loud]


def interleaved(left: bytes, right: bytes) -> bytes:
    frames = bytearray(len(left) * 2)
    for byte in (0, 1):
        frames[byte::4] = left[byte::2]
        frames[byte + 2 :: 4] = right[byte::2]
    return bytes(frames)
