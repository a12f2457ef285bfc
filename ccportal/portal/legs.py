"""A call's legs and their raw fields, for those who look under the bonnet."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from ccportal.portal.clock import clock_time_seconds
from ccportal.portal.rows import Names
from ccportal.portal.wording import cause_word, on_one_line
from cdr.models import Leg

LONGEST_FIELD = 2000


def leg_of(leg: Leg, names: Names, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "leg": leg,
        "from": names.phone(on_one_line(leg.caller_number)),
        "to": names.phone(on_one_line(leg.destination_number)),
        "created": clock_time_seconds(leg.created_at, zone),
        "answered": clock_time_seconds(leg.answered_at, zone),
        "ended": clock_time_seconds(leg.ended_at, zone),
        "cause": cause_word(leg.hangup_cause),
        "codec": leg.read_codec or leg.write_codec,
        "fields": raw_fields(leg),
    }


def raw_fields(leg: Leg) -> list[tuple[str, str]]:
    """Everything a leg carries, by the switch's own names."""
    fields: dict[str, Any] = {
        "uuid": leg.uuid,
        "channel": leg.channel_name,
        "profile": leg.profile,
        "context": leg.context,
        "gateway": leg.gateway,
        "network": leg.network,
        "final destination": leg.final_destination_number,
        "hangup cause": leg.hangup_cause,
        "SIP status": leg.sip_status,
        "billsec": leg.billsec,
        "duration": leg.duration,
        "post-dial delay, ms": leg.post_dial_delay_ms,
        "read codec": leg.read_codec,
        "write codec": leg.write_codec,
        **{f"quality: {name}": value for name, value in sorted(leg.quality.items())},
        **{f"custom: {name}": value for name, value in sorted(leg.custom.items())},
        **dict(sorted(leg.variables.items())),
    }
    return [(name, as_text(value)) for name, value in fields.items() if value not in ("", None)]


def as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_FIELD else text[:LONGEST_FIELD] + "…"
