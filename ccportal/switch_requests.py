"""What FreeSWITCH asks for through mod_xml_curl: its queues, and the phones that sign in.

Everything else, and everybody else's, is "not found": the switch uses its own files then.
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.models import Device
from queues.keys import find_server
from queues.models import QueueServer
from queues.orders import last_number
from queues.wanted import accounts_of, to_write, wanted
from switch.switch_xml import NOT_FOUND, callcenter_lines, directory_lines, document

KEPT_SECONDS: Final = 1.0
MOST_KEPT: Final = 16
REGISTERING: Final = "sip_auth"


@dataclass
class Shelf:
    """Whole configurations, kept for a second: several programs of one switch ask at its start."""

    kept: dict[tuple[uuid.UUID, int], tuple[float, str]] = field(default_factory=dict)

    def whole(self, server: QueueServer) -> str:
        """The configuration as of the newest order: a change that the switch is told of is never missed."""
        key = (server.pk, last_number(server.switch))
        now = time.monotonic()
        self.kept = {name: kept for name, kept in self.kept.items() if kept[0] > now}
        if key in self.kept:
            return self.kept[key][1]
        text = callcenter_answer(server)
        if len(self.kept) < MOST_KEPT:
            self.kept[key] = (now + KEPT_SECONDS, text)
        return text


SHELF: Final = Shelf()


@method_decorator(csrf_exempt, name="dispatch")
class SwitchXml(View):
    """``POST /xml/``, with a switch's name and secret as Basic authentication."""

    def post(self, request: HttpRequest) -> HttpResponse:
        server = find_server(*credentials(request))
        if server is None:
            challenge = {"WWW-Authenticate": 'Basic realm="ccportal"'}
            return HttpResponse("Not a switch of ours.", status=401, headers=challenge)
        return HttpResponse(answer(server, request.POST), content_type="text/xml; charset=utf-8")


def credentials(request: HttpRequest) -> tuple[str, str]:
    """The name and secret of Basic authentication; empty ones fit nobody."""
    scheme, _, told = request.headers.get("Authorization", "").partition(" ")
    try:
        plain = base64.b64decode(told, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    name, _, secret = plain.partition(":")
    return name.replace("\0", ""), secret


def answer(server: QueueServer, asked: Any) -> str:
    """The document that a switch asks for."""
    section = asked.get("section", "")
    if section == "configuration" and asked.get("key_value") == "callcenter.conf":
        return callcenter(server, asked.get("CC-Queue", ""))
    if section == "directory" and server.serves_directory:
        return directory(server, asked)
    return NOT_FOUND


def callcenter(server: QueueServer, queue: str) -> str:
    if not server.serves_queues:
        return NOT_FOUND
    if not queue:
        return SHELF.whole(server)
    return callcenter_answer(server, queue.replace("\0", ""))


def callcenter_answer(server: QueueServer, queue: str = "") -> str:
    """All queues of a switch, or one; without any that is ours to say, its own file holds."""
    found = wanted(server, queue=queue)
    if not found.queues:
        return NOT_FOUND
    return document("configuration", callcenter_lines(to_write(found)))


def directory(server: QueueServer, asked: Any) -> str:
    """One phone by its SIP user name and realm; its password's digest only for one that signs in."""
    domain = asked.get("domain", "").replace("\0", "").lower()
    user = asked.get("user", "").replace("\0", "")
    device = device_of(server, domain, user) if domain and user else None
    if device is None:
        return NOT_FOUND
    signing_in = asked.get("action") == REGISTERING
    if signing_in and (not device.a1_hash or device.sip_realm != domain):
        return NOT_FOUND
    parameters = {"a1-hash": device.a1_hash} if signing_in else {}
    variables = {"user_context": server.context, "ccportal_account": device.account_id.hex}
    return document("directory", directory_lines(domain, user, parameters, variables))


def device_of(server: QueueServer, domain: str, user: str) -> Device | None:
    rows = Device.objects.filter(account__in=accounts_of(server.switch), account__enabled=True, enabled=True)
    return rows.filter(account__realm=domain, sip_username=user).first()
