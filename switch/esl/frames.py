"""Frames as a FreeSWITCH writes them: for a switch that is replayed."""

from __future__ import annotations

import json
import re
from typing import Any

AUTH_REQUEST = b"Content-Type: auth/request\n\n"
GOODBYE = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
SHUT_DOWN = b"The system is being shut down.\n"
URL_UNSAFE = frozenset(b'\r\n #%&+:;<=>?@[\\]^`{|}"')
ENCODED = re.compile(rb"%[0-9A-F]{2}")


def json_frame(body: bytes) -> bytes:
    """Return an event's JSON body as a frame, the body untouched."""
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body)


def plain_frame(body: bytes) -> bytes:
    """Return an event's JSON body as an `event plain` frame: values percent-encoded, lists as ARRAY::."""
    text = b"".join(
        b"%b: %b\n" % (name.encode(), _plain_value(value) or b"_undef_")
        for name, value in json.loads(body, object_pairs_hook=list)
        if name not in ("_body", "Content-Length")
    )
    text += _plain_body(dict(json.loads(body)).get("_body", ""))
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b" % (len(text), text)


def _plain_value(value: Any) -> bytes:
    text = "ARRAY::" + "|:".join(map(str, value)) if isinstance(value, list) else str(value)
    return url_encode(text.encode("utf-8", "replace"))


def _plain_body(text: str) -> bytes:
    body = text.encode("utf-8", "replace")
    return b"Content-Length: %d\n\n%b" % (len(body), body) if body else b"\n"


def url_encode(text: bytes) -> bytes:
    """Percent-encode as the switch does: what looks encoded already stays as it is."""
    encoded = bytearray()
    for place, byte in enumerate(text):
        already = byte == ord("%") and ENCODED.match(text, place)
        if not already and (byte < 0x20 or byte > 0x7E or byte in URL_UNSAFE):
            encoded += b"%%%02X" % byte
        else:
            encoded.append(byte)
    return bytes(encoded)


def reply_frame(text: str, headers: str = "") -> bytes:
    """Return the reply to a command."""
    return f"Content-Type: command/reply\nReply-Text: {text}\n{headers}\n".encode()


def api_frame(text: str) -> bytes:
    """Return what an api command printed."""
    body = (text or "-ERR no reply\n").encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body)


def notice_frame(text: bytes) -> bytes:
    """Return the notice that comes before the end of a connection."""
    return b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%b" % (len(text), text)
