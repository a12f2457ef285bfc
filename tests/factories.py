"""Rows for tests: plain functions that make one thing each, with sensible values for what is not said."""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import struct
import uuid
import wave
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import Account, Contact, Device, PhoneNumber, Role, Switch, Team, User, digits_of
from cdr.models import (
    AgentOffer,
    Call,
    CallDirection,
    Leg,
    Network,
    OfferOutcome,
    Outcome,
    PlatformDirection,
    QueueVisit,
)
from cdr.saved_views import SavedView
from queues.models import Agent, Queue
from recordings.models import Media, Origin, Recording, State, Tag, Variant
from reviews.models import Assignment

PASSWORD = "correct horse battery"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def make_account(name: str = "", **fields: Any) -> Account:
    return Account.objects.create(name=name or f"Tenant {next(_numbers)}", **fields)


def make_user(account: Account | None, role: Role | str = Role.ADMIN, **fields: Any) -> User:
    """Make a person who signs in with ``PASSWORD``."""
    username = fields.pop("username", f"{role}{next(_numbers)}")
    email = fields.pop("email", f"{username}-{next(_numbers)}@tenant.example")
    password = fields.pop("password", PASSWORD)
    teams = fields.pop("teams", [])
    user = User.objects.create_user(
        email, password, account=account, username=username, role=Role(role), **fields
    )
    user.teams.set(teams)
    return user


def make_operator(**fields: Any) -> User:
    return make_user(None, Role.OPERATOR, **fields)


def make_team(account: Account, name: str = "", queues: list[Queue] | None = None) -> Team:
    team = Team.objects.create(account=account, name=name or f"Team {next(_numbers)}")
    for queue in queues or []:
        queue.teams.add(team)
    return team


def make_device(account: Account, sip_username: str = "", **fields: Any) -> Device:
    sip_username = sip_username or f"{1000 + next(_numbers)}"
    return Device.objects.create(
        account=account, sip_username=sip_username, name=fields.pop("name", f"Phone {sip_username}"), **fields
    )


def make_phone_number(account: Account, number: str = "", **fields: Any) -> PhoneNumber:
    number = number or f"+4930{next(_numbers):07d}"
    return PhoneNumber.objects.create(account=account, number=number, **fields)


def make_contact(account: Account, number: str = "+49 30 5550100", **fields: Any) -> Contact:
    return Contact.objects.create(account=account, number=number, **{"name": "Erika Muster"} | fields)


def make_switch(account: Account | None = None, name: str = "", **fields: Any) -> Switch:
    return Switch.objects.create(account=account, name=name or f"switch{next(_numbers)}", **fields)


def make_queue(account: Account, name: str = "", **fields: Any) -> Queue:
    teams = fields.pop("teams", [])
    queue = Queue.objects.create(account=account, name=name or f"{3000 + next(_numbers)}@default", **fields)
    queue.teams.set(teams)
    return queue


def make_agent(account: Account, name: str = "", **fields: Any) -> Agent:
    return Agent.objects.create(account=account, name=name or f"{1000 + next(_numbers)}@default", **fields)


def some_switch(account: Account | None) -> Switch:
    """The switch that already serves the account, or a new one that serves everybody."""
    return Switch.objects.filter(account=account).first() or make_switch()


def make_call(account: Account | None, **fields: Any) -> Call:
    """Make an answered inbound call of one minute; ``account`` None is quarantine."""
    started = fields.setdefault("started_at", NOON)
    defaults: dict[str, Any] = {
        "leg_uuid": str(uuid.uuid4()),
        "answered_at": started + timedelta(seconds=5),
        "ended_at": started + timedelta(seconds=65),
        "direction": CallDirection.INBOUND,
        "outcome": Outcome.ANSWERED,
        "hangup_cause": "NORMAL_CLEARING",
        "caller_number": "01055551234",
        "caller_name": "Ada Caller",
        "dialed_number": "07070063000",
        "callee_number": "1001",
        "talk_ms": 60_000,
        "duration_ms": 65_000,
        "duration": 65,
        "billsec": 60,
    }
    values = defaults | fields
    for party in ("caller", "dialed", "callee"):
        values.setdefault(f"{party}_digits", digits_of(values[f"{party}_number"]))
    values.setdefault("switch", None)
    values["switch"] = values["switch"] or some_switch(account)
    return Call.objects.create(account=account, **values)


def make_leg(call: Call, **fields: Any) -> Leg:
    """Make a leg of the call: its first A leg unless ``uuid`` or ``direction`` say otherwise."""
    defaults: dict[str, Any] = {
        "uuid": str(uuid.uuid4()) if Leg.objects.filter(call=call).exists() else call.leg_uuid,
        "direction": PlatformDirection.INBOUND,
        "channel_name": "sofia/blueivr/01055551234@192.0.2.7",
        "network": Network.OFFNET,
        "profile": "blueivr",
        "context": "blueivr",
        "caller_number": call.caller_number,
        "caller_name": call.caller_name,
        "destination_number": call.dialed_number,
        "final_destination_number": call.dialed_number,
        "created_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "hangup_cause": call.hangup_cause,
        "duration_ms": call.duration_ms,
        "duration": call.duration,
        "billsec": call.billsec,
        "read_codec": "PCMU",
        "write_codec": "PCMU",
    }
    leg = Leg.objects.create(account=call.account, switch=call.switch, call=call, **defaults | fields)
    Call.objects.filter(pk=call.pk).update(leg_count=call.legs.count())
    return leg


def make_visit(call: Call, queue_name: str = "3000@default", **fields: Any) -> QueueVisit:
    """Make a passage of the caller through a queue, answered after ten seconds."""
    joined = fields.setdefault("joined_at", call.started_at + timedelta(seconds=1))
    defaults: dict[str, Any] = {
        "member_uuid": str(uuid.uuid4()),
        "session_uuid": call.leg_uuid,
        "caller_number": call.caller_number,
        "caller_name": call.caller_name,
        "destination_number": call.dialed_number,
        "agent_name": "1001",
        "agent_leg_uuid": str(uuid.uuid4()),
        "answered_number": "1001",
        "entered_system_at": call.started_at,
        "ring_at": joined + timedelta(seconds=4),
        "answered_at": joined + timedelta(seconds=10),
        "left_at": joined + timedelta(seconds=60),
        "cause": "Terminated",
        "hangup_cause": "NORMAL_CLEARING",
        "billsec": 60,
        "wait_ms": 10_000,
        "duration_ms": 50_000,
    }
    visit = QueueVisit.objects.create(
        account=call.account, switch=call.switch, call=call, queue_name=queue_name, **defaults | fields
    )
    changes: dict[str, Any] = {
        "queue_name": queue_name,
        "agent_name": visit.agent_name,
        "wait_ms": visit.wait_ms,
    }
    Call.objects.filter(pk=call.pk).update(**changes)
    call.refresh_from_db()
    return visit


def make_offer(visit: QueueVisit, agent_name: str = "1001", **fields: Any) -> AgentOffer:
    offered = fields.setdefault("offered_at", visit.joined_at + timedelta(seconds=4))
    defaults: dict[str, Any] = {
        "agent_leg_uuid": visit.agent_leg_uuid,
        "outcome": OfferOutcome.ANSWERED,
        "answered_at": offered + timedelta(seconds=6),
        "ended_at": visit.left_at,
        "ring_ms": 6_000,
        "talk_ms": 50_000,
    }
    is_first = not visit.call.offers.filter(agent_name=agent_name, listed_at__isnull=False).exists()
    answered = (defaults | fields)["answered_at"] and is_first
    defaults["listed_at"] = visit.call.started_at if answered else None
    return AgentOffer.objects.create(
        account=visit.account,
        switch=visit.switch,
        call=visit.call,
        visit=visit,
        agent_name=agent_name,
        **defaults | fields,
    )


def make_tag(tagged: Call | Recording, name: str = "billing") -> Tag:
    owner = {"call": tagged} if isinstance(tagged, Call) else {"recording": tagged}
    tag = Tag(name=name, started_at=tagged.started_at, **owner)
    tag.account = tagged.account  # type: ignore[assignment]
    tag.save()
    return tag


def make_view(account: Account, person: User | None, name: str = "Mine", query: str = "") -> SavedView:
    return SavedView.objects.create(account=account, person=person, name=name, query=query)


def make_assignment(call: Call, reviewer: User, **fields: Any) -> Assignment:
    defaults = {"reviewer_name": str(reviewer), "assigned_by": "Sora", "started_at": call.started_at}
    row = Assignment(call=call, reviewer=reviewer, **defaults | fields)
    row.account = call.account  # type: ignore[assignment]
    row.save()
    return row


def make_recording(call: Call, **fields: Any) -> Recording:
    """Make a ready take of the call without a file; ``make_media`` stores one."""
    defaults: dict[str, Any] = {
        "switch": call.switch,
        "leg_uuid": call.leg_uuid,
        "path": f"/var/lib/freeswitch/recordings/{call.leg_uuid}.wav",
        "take": Recording.objects.filter(call=call).count() + 1,
        "origin": Origin.DIALPLAN,
        "state": State.READY,
        "started_at": call.answered_at or call.started_at,
        "stopped_at": call.ended_at,
        "switch_ms": call.talk_ms,
        "queue_name": call.queue_name,
        "agent_name": call.agent_name,
        "caller_number": call.caller_number,
        "caller_name": call.caller_name,
        "callee_number": call.callee_number,
        "direction": call.direction,
        "user": call.user,
    }
    recording = Recording.objects.create(account=call.account, call=call, **defaults | fields)
    count = Recording.objects.filter(call=call).count()
    Call.objects.filter(pk=call.pk).update(recording_count=count)
    call.recording_count = count
    return recording


def make_lone_recording(account: Account) -> Recording:
    """Make a recording of no call."""
    recording = make_recording(make_call(account))
    recording.call = None
    recording.save()
    return recording


def make_media(recording: Recording, audio: bytes | None = None, **fields: Any) -> Media:
    """Store a real WAV file under the account's key and make its row."""
    audio = tone() if audio is None else audio
    variant = fields.setdefault("variant", Variant.CALL)
    owner = recording.account_id.hex if recording.account_id else "quarantine"
    defaults: dict[str, Any] = {
        "format": "wav",
        "key": f"{owner}/{recording.started_at:%Y/%m/%d}/{recording.pk.hex}-{variant}.wav",
        "file_name": f"{recording.started_at:%Y%m%d-%H%M%S}-{recording.pk.hex}.wav",
        "size": len(audio),
        "sha256": hashlib.sha256(audio).hexdigest(),
        "duration_ms": fields["duration_ms"] if "duration_ms" in fields else wav_ms(audio),
        "channels": 2,
        "sample_rate": 8000,
    }
    media = Media.objects.create(recording=recording, **defaults | fields)
    path = Path(settings.MEDIA_ROOT) / media.key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio)
    return media


@lru_cache(maxsize=8)
def tone(seconds: float = 1.0, hertz: tuple[float, float] = (1000.0, 440.0), rate: int = 8000) -> bytes:
    """A stereo 16-bit WAV file: the caller's tone on the left, the agent's on the right."""
    frames = bytearray()
    for index in range(int(seconds * rate)):
        turn = 2 * math.pi * index / rate
        frames += struct.pack("<2h", *(int(12_000 * math.sin(turn * pitch)) for pitch in hertz))
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(2)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(bytes(frames))
    return file.getvalue()


def wav_ms(audio: bytes) -> int:
    with wave.open(io.BytesIO(audio), "rb") as file:
        return file.getnframes() * 1000 // file.getframerate()
