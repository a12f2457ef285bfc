"""The headers of a FreeSWITCH event that we read, and nothing else of its 10 kB."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from switch.errors import MalformedEvent

HEADERS = {
    "name": "Event-Name",
    "subclass": "Event-Subclass",
    "core": "Core-UUID",
    "uuid": "Unique-ID",
    "direction": "Call-Direction",
    "channel_name": "Channel-Name",
    "call_uuid": "Channel-Call-UUID",
    "other_leg": "Other-Leg-Unique-ID",
    "read_codec": "Channel-Read-Codec-Name",
    "write_codec": "Channel-Write-Codec-Name",
    "presence": "Channel-Presence-ID",
    "hangup_cause": "Hangup-Cause",
    "caller_number": "Caller-Caller-ID-Number",
    "caller_name": "Caller-Caller-ID-Name",
    "callee_number": "Caller-Callee-ID-Number",
    "callee_name": "Caller-Callee-ID-Name",
    "destination": "Caller-Destination-Number",
    "context": "Caller-Context",
    "source": "Caller-Source",
    "network_address": "Caller-Network-Addr",
    "bridge_a": "Bridge-A-Unique-ID",
    "bridge_b": "Bridge-B-Unique-ID",
    "bug_function": "Media-Bug-Function",
    "bug_target": "Media-Bug-Target",
    "record_path": "Record-File-Path",
    "record_cause": "Record-Completion-Cause",
    "record_cause_kept": "variable_record_completion_cause",
    "record_id": "Recording-Variable-rid",
    "record_by_queue": "variable_cc_record_filename",
    "record_discarded": "variable_RECORD_DISCARDED",
    "cc_action": "CC-Action",
    "cc_queue": "CC-Queue",
    "cc_agent": "CC-Agent",
    "cc_agent_leg": "CC-Agent-UUID",
    "cc_agent_status": "CC-Agent-Status",
    "cc_agent_state": "CC-Agent-State",
    "cc_agent_contact": "CC-Agent-Contact",
    "cc_no_answer_status": "CC-Agent-No-Answer-Status",
    "cc_member": "CC-Member-UUID",
    "cc_session": "CC-Member-Session-UUID",
    "cc_caller_number": "CC-Member-CID-Number",
    "cc_caller_name": "CC-Member-CID-Name",
    "cc_cause": "CC-Cause",
    "cc_cancel_reason": "CC-Cancel-Reason",
    "cc_hangup_cause": "CC-Hangup-Cause",
    "action": "Action",
    "conference": "Conference-Unique-ID",
    "conference_name": "Conference-Name",
    "conference_domain": "Conference-Domain",
    "conference_path": "Path",
    "job": "Job-UUID",
    "job_command": "Job-Command",
    "job_reply": "_body",
    "ask_action": "Record-Action",
    "ask_label": "Record-Label",
    "ask_format": "Record-Format",
    "ask_time_limit": "Record-Time-Limit",
    "ask_min_sec": "Record-Min-Sec",
    "ask_sample_rate": "Record-Sample-Rate",
    "ask_media_name": "Record-Media-Name",
    "ask_method": "Record-Method",
}

NUMBERS = {
    "sequence": "Event-Sequence",
    "at": "Event-Date-Timestamp",
    "created": "Caller-Channel-Created-Time",
    "progress": "Caller-Channel-Progress-Time",
    "progress_media": "Caller-Channel-Progress-Media-Time",
    "answered": "Caller-Channel-Answered-Time",
    "bridged": "Caller-Channel-Bridged-Time",
    "hung_up": "Caller-Channel-Hangup-Time",
    "cc_joined": "CC-Member-Joined-Time",
    "cc_left": "CC-Member-Leaving-Time",
    "cc_called": "CC-Agent-Called-Time",
    "cc_answered": "CC-Agent-Answered-Time",
    "cc_aborted": "CC-Agent-Aborted-Time",
    "cc_terminated": "CC-Bridge-Terminated-Time",
    "cc_count": "CC-Count",
    "cc_no_answers": "CC-Agent-No-Answer-Count",
    "sessions": "Session-Count",
    "uptime": "Uptime-msec",
    "conference_ms": "Milliseconds-Elapsed",
    "conference_size": "Record-File-Size",
    "billsec": "variable_billsec",
    "duration": "variable_duration",
    "record_ms": "variable_record_ms",
    "record_size": "variable_record_file_size",
}

KEPT_VARIABLES = (
    "accountcode",
    "bridge_uuid",
    "cc_agent",
    "cc_member_session_uuid",
    "cc_member_uuid",
    "cc_queue",
    "cc_side",
    "ccportal_account",
    "ccportal_forwarded_by",
    "ccportal_take",
    "dialed_domain",
    "dialed_user",
    "domain_name",
    "effective_caller_id_number",
    "endpoint_disposition",
    "hold_accum_ms",
    "hold_events",
    "last_bridge_to",
    "original_destination_number",
    "originating_leg_uuid",
    "originator",
    "other_loopback_leg_uuid",
    "presence_id",
    "proto_specific_hangup_cause",
    "resource_type",
    "sip_auth_realm",
    "sip_auth_username",
    "sip_authorized",
    "sip_call_id",
    "sip_gateway_name",
    "sip_hangup_disposition",
    "sip_req_user",
    "sip_term_status",
    "sip_to_user",
    "sip_user_agent",
    "sofia_profile_name",
    "transfer_source",
    "user_name",
)

QUALITY = {
    "mos": "rtp_audio_in_mos",
    "quality_percentage": "rtp_audio_in_quality_percentage",
    "flaws": "rtp_audio_in_flaw_total",
    "jitter_min_variance": "rtp_audio_in_jitter_min_variance",
    "jitter_max_variance": "rtp_audio_in_jitter_max_variance",
    "jitter_loss_rate": "rtp_audio_in_jitter_loss_rate",
    "jitter_burst_rate": "rtp_audio_in_jitter_burst_rate",
    "mean_interval": "rtp_audio_in_mean_interval",
    "packets_in": "rtp_audio_in_media_packet_count",
    "packets_out": "rtp_audio_out_media_packet_count",
    "packets_skipped": "rtp_audio_in_skip_packet_count",
}

HEAD = 256
KIND = re.compile(rb'"Event-Name"\s*:\s*"([A-Z_]+)"')
LEG_KINDS = (b"CHANNEL_CREATE", b"CHANNEL_ANSWER")
BARE_KINDS = (
    b"CHANNEL_BRIDGE",
    b"CHANNEL_UNBRIDGE",
    b"CHANNEL_HOLD",
    b"CHANNEL_UNHOLD",
    b"RECORD_START",
    b"RECORD_STOP",
    b"MEDIA_BUG_START",
    b"MEDIA_BUG_STOP",
)
IDENTITY = frozenset({"name", "subclass", "core", "sequence", "at", "uuid", "hangup_cause"})

UNUSABLE = re.compile("[\x00\ud800-\udfff]")
ESCAPED = re.compile(rb"\\u")  # found so in a third of the time that ``in`` takes


class WireEvent(Protocol):
    """A decoded event: every header above, ``v_<n>`` a variable, ``q_<figure>``; "" or None when absent."""

    def __getattr__(self, name: str) -> Any: ...


def _of_custom(field: str) -> bool:
    """What queues and conferences tell."""
    return field in IDENTITY or field == "action" or field.startswith(("cc_", "conference"))


def _of_bare(field: str) -> bool:
    """A leg without its variables, its bridges and recordings."""
    return not field.startswith(("v_", "q_", "cc_", "conference", "ask_", "job"))


def _of_leg(field: str) -> bool:
    """A leg with its variables, before its end."""
    return _of_bare(field) or field.startswith("v_")


def _wire_type(name: str, rename: dict[str, str]) -> Any:
    fields: list[tuple[str, Any, Any]] = [
        (field, int | None, None) if field in NUMBERS else (field, str, "") for field in rename
    ]
    return msgspec.defstruct(name, fields, rename=rename, frozen=True, gc=False)


def _decoder(wire_type: Any) -> Callable[[bytes], WireEvent]:
    decoder: Any = msgspec.json.Decoder(wire_type, strict=False)
    decode: Callable[[bytes], WireEvent] = decoder.decode
    return decode


class WireDecoder:
    """Decodes one JSON body; ``custom_variables`` are read besides the ones we always keep.

    What an event's kind never needs is not looked for, which saves time. Raises ``MalformedEvent`` when the
    body is not a JSON object.
    """

    def __init__(self, custom_variables: Iterable[str] = ()) -> None:
        names = dict.fromkeys((*KEPT_VARIABLES, *custom_variables))
        self.variables = [(f"v_{position}", name) for position, name in enumerate(names)]
        rename = HEADERS | NUMBERS | {field: f"variable_{name}" for field, name in self.variables}
        rename |= {f"q_{field}": f"variable_{name}" for field, name in QUALITY.items()}
        self._type = _wire_type("Wire", rename)
        self._numbers = dict.fromkeys(NUMBERS.values(), int)
        self._known = set(rename.values())
        self._whole = _decoder(self._type)
        custom = _decoder(
            _wire_type("CustomWire", {name: rename[name] for name in rename if _of_custom(name)})
        )
        bare = _decoder(_wire_type("BareWire", {n: name for n, name in rename.items() if _of_bare(n)}))
        leg = _decoder(_wire_type("LegWire", {n: name for n, name in rename.items() if _of_leg(n)}))
        self._by_kind = dict.fromkeys(BARE_KINDS, bare) | dict.fromkeys(LEG_KINDS, leg) | {b"CUSTOM": custom}

    def decode(self, body: bytes) -> WireEvent:
        if ESCAPED.search(body) or b"\x00" in body:
            return self._decode_unclean(body)
        found = KIND.search(body, 0, HEAD)
        kind = found[1] if found else b""
        try:
            wire = self._by_kind.get(kind, self._whole)(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._decode_unclean(body)
        return wire if wire.name.encode() == kind else self.decode_whole(body)

    def decode_whole(self, body: bytes) -> WireEvent:
        """Decode with everything that any kind needs."""
        try:
            return self._whole(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._decode_unclean(body)

    def _decode_unclean(self, body: bytes) -> WireEvent:
        """Decode what is not clean: lists, bad numbers, NUL, lone surrogates, broken UTF-8."""
        try:
            found = json.loads(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"not JSON: {error}") from error
        if not isinstance(found, dict):
            raise MalformedEvent("not a JSON object")
        tidy = {key: self._tidy(key, found[key]) for key in self._known & found.keys()}
        try:
            wire: WireEvent = msgspec.convert(tidy, self._type, strict=False)
        except msgspec.MsgspecError as error:
            raise MalformedEvent(str(error)) from error
        return wire

    def _tidy(self, key: str, value: object) -> object:
        if isinstance(value, list):
            value = value[-1] if value else ""
        text = UNUSABLE.sub("\ufffd", value if isinstance(value, str) else json.dumps(value))
        if key in self._numbers:
            return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
        return text
