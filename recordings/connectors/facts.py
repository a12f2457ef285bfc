"""What a connector can tell of a call, by the names of ``recordings.connectors.mapping``."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from accounts.contacts import name_callers
from accounts.models import Account
from cdr.models import Call
from recordings.connectors.mapping import RESULT, SECRET, SESSION, BadMapping, at_path
from recordings.delivery.documents import hex_of, iso, seconds
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.files import media_for, opened
from recordings.models import PLAYABLE, Media, Recording

LARGEST_FILE = 48 * 1024 * 1024


def call_facts(call: Any, account: Account) -> dict[str, Any]:
    name_callers([call])
    return {
        "account_id": account.pk.hex,
        "account_name": account.name,
        "interaction_id": call.pk.hex,
        "call_id": call.leg_uuid,
        "direction": call.direction,
        "outcome": call.outcome,
        "caller_number": call.caller_number,
        "caller_name": call.caller_name,
        "contact_name": call.contact_name,
        "destination": call.dialed_number,
        "answered_number": call.callee_number,
        "answered_name": call.callee_name,
        "queue_name": call.queue_name,
        "agent_name": call.agent_name,
        "started": iso(call.started_at),
        "started_local": f"{call.started_at.astimezone(account.zone):%Y-%m-%d %H:%M:%S}",
        "answered": iso(call.answered_at),
        "ended": iso(call.ended_at),
        "wait_seconds": seconds(call.wait_ms),
        "talk_seconds": seconds(call.talk_ms),
        "duration_seconds": call.duration,
        "hangup_cause": call.hangup_cause,
    }


class Facts:
    """Finds fields for templates; the file is read when it is asked for."""

    def __init__(self, call: Call, account: Account, recording: Recording | None, delivery_id: str) -> None:
        self.told = call_facts(call, account) | {"delivery_id": delivery_id}
        self.recording = recording
        self.secrets: dict[str, str] = {}
        self.results: dict[str, Any] = {}
        self.session: Any = None

    def find(self, name: str) -> Any:
        first, _, rest = name.partition(".")
        if first == SECRET:
            return self.secrets.get(rest, "")
        if first == RESULT:
            return self.result(rest)
        if name == SESSION:
            return self.session
        return self.told[name] if name in self.told else self.of_file(name)

    def result(self, path: str) -> Any:
        step, _, inside = path.partition(".")
        try:
            return at_path(self.results[step], inside)
        except BadMapping as bad:
            raise DeliveryFailed(f"{step}: {bad}.", permanent=True) from None

    def of_file(self, name: str) -> Any:
        media = self.media()
        if name in ("file", "file_base64"):
            content = read(media)
            return content if name == "file" else b64encode(content).decode("ascii")
        values = {
            "file_name": media.file_name,
            "file_format": media.format,
            "file_size": media.size,
            "file_sha256": media.sha256,
            "recording_id": hex_of(media.recording_id),
        }
        return values[name]

    def media(self) -> Media:
        if self.recording is None or self.recording.state not in PLAYABLE:
            raise DeliveryFailed("The recording has no audio any more.", permanent=True)
        return media_for(self.recording, "mp3")


def read(media: Media) -> bytes:
    if media.size > LARGEST_FILE:
        raise DeliveryFailed(f"The file has more than {LARGEST_FILE // 1024**2} MB.", permanent=True)
    with opened(media) as file:
        return file.read(LARGEST_FILE)
