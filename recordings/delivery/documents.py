"""Calls and recordings as webhooks are told of them, by the field names of /v2.

Their callers have been named before, by ``accounts.contacts.name_callers``.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from recordings.models import Media


def call_document(call: Any, recordings: Sequence[uuid.UUID]) -> dict[str, Any]:
    return {
        "id": call.pk.hex,
        "call_id": call.leg_uuid,
        "interaction_id": call.pk.hex,
        "call_direction_for_people": call.direction,
        "outcome": call.outcome,
        "caller_id_number": call.caller_number,
        "caller_id_name": call.caller_name,
        "contact_name": call.contact_name,
        "callee_id_number": call.callee_number,
        "callee_id_name": call.callee_name,
        "dialed_number": call.dialed_number,
        "duration_seconds": call.duration,
        "billing_seconds": call.billsec,
        "wait_seconds": seconds(call.wait_ms),
        "talk_seconds": seconds(call.talk_ms),
        "hold_seconds": seconds(call.hold_ms),
        "iso_8601": iso(call.started_at),
        "answered": iso(call.answered_at),
        "ended": iso(call.ended_at),
        "hangup_cause": call.hangup_cause,
        "owner_id": hex_of(call.user_id),
        "authorizing_id": hex_of(call.device_id),
        "queue_name": call.queue_name,
        "agent_name": call.agent_name,
        "media_recordings": [id_.hex for id_ in recordings],
    }


def recording_document(recording: Any, media: Media | None) -> dict[str, Any]:
    return {
        "id": recording.pk.hex,
        "call_id": recording.leg_uuid,
        "interaction_id": hex_of(recording.call_id),
        "account_id": hex_of(recording.account_id),
        "owner_id": hex_of(recording.user_id),
        "endpoint_id": hex_of(recording.device_id),
        "queue_name": recording.queue_name,
        "agent_name": recording.agent_name,
        "caller_id_number": recording.caller_number,
        "caller_id_name": recording.caller_name,
        "contact_name": recording.contact_name,
        "callee_id_number": recording.callee_number,
        "direction": recording.direction,
        "origin": recording.origin,
        "start": iso(recording.started_at),
        "duration_ms": media.duration_ms if media else recording.switch_ms,
        "format": media.format if media else None,
        "size": media.size if media else None,
        "sha256": media.sha256 if media else None,
        "file_name": media.file_name if media else None,
        "state": recording.state,
        "finding": recording.finding,
        "state_reason": recording.state_reason,
    }


def hex_of(value: uuid.UUID | None) -> str | None:
    return value.hex if value else None


def seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else (milliseconds + 500) // 1000


def iso(moment: datetime | None) -> str | None:
    """``2026-11-20T13:11:24.123Z``."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
