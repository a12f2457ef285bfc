"""``PUT …/recordings/R/media``: a switch or a program sends a file, with a token for it and nothing else."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import cached_property
from rest_framework import status
from rest_framework.request import Request

from accounts import audit
from accounts.access import Action
from accounts.audit import address_of
from accounts.models import Switch
from accounts.tenancy import Actor
from ccportal.api.body import data_of, required_text
from ccportal.api.columns import as_id
from ccportal.api.documents import upload_described, upload_token_described
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, Refused
from ccportal.api.times import iso, read_span
from ccportal.api.views import AccountView, ApiView, find
from recordings.awaited import Coming, expect, leg_of
from recordings.models import Recording, UploadToken
from recordings.storage import safe_name
from recordings.uploads import Sent, Trouble, UploadRefused, find_token, issue, receive

LONGEST_CALL_ID = 255
MOST_SWITCHES = 1000
DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):\s*(?:,|$)")
WORDS: dict[Trouble, tuple[int, str]] = {
    Trouble.TOO_LARGE: (status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "body too large"),
    Trouble.LENGTH_UNKNOWN: (status.HTTP_411_LENGTH_REQUIRED, "length_required"),
    Trouble.CUT: (status.HTTP_400_BAD_REQUEST, "incomplete"),
    Trouble.CHANGED: (status.HTTP_400_BAD_REQUEST, "incomplete"),
    Trouble.NO_AUDIO: (status.HTTP_422_UNPROCESSABLE_ENTITY, "no_audio"),
    Trouble.OTHER_FILE: (status.HTTP_409_CONFLICT, "datastore_conflict"),
    Trouble.GONE: (status.HTTP_409_CONFLICT, "datastore_conflict"),
    Trouble.BUSY: (status.HTTP_503_SERVICE_UNAVAILABLE, "try_again"),
    Trouble.NO_ROOM: (status.HTTP_507_INSUFFICIENT_STORAGE, "insufficient_storage"),
    Trouble.STORAGE: (status.HTTP_503_SERVICE_UNAVAILABLE, "try_again"),
}
RETRY_SECONDS = 60
MAY_GO_BETTER = (status.HTTP_503_SERVICE_UNAVAILABLE, status.HTTP_507_INSUFFICIENT_STORAGE)


class NotTaken(Refused):
    """A file that was not taken, in the words of HTTP."""

    def __init__(self, refused: UploadRefused) -> None:
        super().__init__({"message": refused.reason})
        self.status_code, self.message = WORDS[refused.trouble]
        self.wait = RETRY_SECONDS if self.status_code in MAY_GO_BETTER else None


class NotAdmitted(Refused):
    """A token that is not there, is another recording's, or has run out: nothing tells them apart."""

    status_code = status.HTTP_401_UNAUTHORIZED
    message = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__({"message": "The upload token was not accepted."})


class UploadView(ApiView):
    """Whoever has the token; the body is read as it comes, and the API's limit of bodies is not its."""

    authentication_classes = ()  # type: ignore[assignment]
    permission_classes = ()

    @upload_described
    def put(self, request: Request, account_id: str, recording_id: str, file_name: str = "") -> Answer:
        token = token_for(request, account_id, recording_id)
        http_request = request._request
        sent = Sent(
            name=safe_name(file_name) or token.recording_id.hex,
            length=length_of(http_request),
            sha256=digest_of(http_request),
        )
        try:
            is_new = receive(token, http_request.META["wsgi.input"], sent)
        except UploadRefused as refused:
            raise NotTaken(refused) from refused
        if is_new:
            audit.record(sender_of(token, http_request), "recording.upload", token.recording, file=sent.name)
        return Answer(taken(token), status=201 if is_new else 200)


def carries_upload_token(request: HttpRequest) -> bool:
    return request.method == "PUT" and bool(plain_token(request))


def plain_token(request: HttpRequest) -> str:
    """The secret in ``X-Upload-Token`` or as the password of Basic, whoever the user is."""
    if token := request.headers.get("X-Upload-Token"):
        return token.strip()
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def token_for(request: Request, account_id: str, recording_id: str) -> UploadToken:
    """The token of this very recording; anything else is one and the same refusal."""
    try:
        account, recording = as_id(account_id), as_id(recording_id)
    except ValueError:
        raise NotAdmitted from None
    token = find_token(plain_token(request._request), account, recording)
    if token is None:
        raise NotAdmitted
    return token


def length_of(request: HttpRequest) -> int | None:
    """What ``Content-Length`` says; None for a body in chunks, from a server that marks its end."""
    told = request.META.get("CONTENT_LENGTH") or ""
    if told.isascii() and told.isdigit():
        return int(told)
    if "Transfer-Encoding" not in request.headers:
        return 0
    if request.META.get("wsgi.input_terminated"):
        return None
    raise NotTaken(UploadRefused(Trouble.LENGTH_UNKNOWN, "Send the length of the body."))


def digest_of(request: HttpRequest) -> str:
    """The SHA-256 of ``Content-Digest`` (RFC 9530) in hexadecimal."""
    found = DIGEST.search(request.headers.get("Content-Digest", ""))
    try:
        return base64.b64decode(found[1], validate=True).hex() if found else ""
    except binascii.Error:
        return ""


def sender_of(token: UploadToken, request: HttpRequest) -> Actor:
    return Actor(
        role="", account_id=token.recording.account_id, label="upload token", address=address_of(request)
    )


def taken(token: UploadToken) -> dict[str, Any]:
    """What there is of the recording now."""
    row = Recording.objects.get(pk=token.recording_id)
    media = row.media.order_by("-variant", "format").first()
    return {
        "id": row.pk.hex,
        "state": row.state,
        "finding": row.finding,
        "duration_ms": media.duration_ms if media else None,
        "size": media.size if media else None,
        "sha256": media.sha256 if media else None,
    }


class AwaitedView(AccountView):
    """Whatever makes tokens, for those who look after the account."""

    def with_token(self, recording: Recording, document: dict[str, Any]) -> Answer:
        token, plain = issue(recording, self.actor)
        audit.record(self.actor, "recording.upload_token", recording)
        path = f"/v2/accounts/{self.account.pk.hex}/recordings/{recording.pk.hex}/media"
        upload = {
            "token": plain,
            "expires": iso(token.expires_at),
            "url": self.request.build_absolute_uri(path),
        }
        answer = Answer(document | {"upload": upload}, status=201)
        answer["Location"] = path.removesuffix("/media")
        return answer

    def awaited(self, request: Request) -> Recording:
        """The recording that a program says it is going to send."""
        self.require(Action.CONFIGURE)
        data = data_of(request)
        refuse_unknown(data, ("call_id", "file_name", "start", "media_server"))
        call_id = required_text(data, "call_id")[0]
        if not 0 < len(call_id) <= LONGEST_CALL_ID:
            raise Invalid.rule("call_id", "maxLength", "This is no call's id.", target=LONGEST_CALL_ID)
        name = required_text(data, "file_name")[0] if "file_name" in data else f"call_recording_{call_id}"
        leg = leg_of(self.account, call_id)
        coming = Coming(call_id, name, began(data), leg.switch if leg else self.switch_of(data), leg)
        return expect(self.account, coming)

    def switch_of(self, data: dict[str, Any]) -> Switch:
        """The switch that is named, else the only one that serves the account."""
        switches = Switch.objects.filter(Q(account=None) | Q(account=self.account), enabled=True)
        if "media_server" in data:
            switches = switches.filter(name=required_text(data, "media_server")[0])
        found = list(switches.order_by("name")[:MOST_SWITCHES])
        own = [switch for switch in found if switch.account_id] or found
        if len(own) != 1:
            raise Invalid.rule("media_server", "required", "Say which switch has the call.")
        return own[0]


def began(data: dict[str, Any]) -> datetime | None:
    if data.get("start") is None:
        return None
    try:
        return read_span(str(data["start"]))[0]
    except ValueError:
        raise Invalid.rule("start", "type", "This is no time.", target="date-time") from None


def refuse_unknown(data: dict[str, Any], names: tuple[str, ...]) -> None:
    unknown = [name for name in data if name not in names]
    if unknown:
        raise Invalid.rule(unknown[0], "additionalProperties", "This field is not known.")


class RecordingUploadToken(AwaitedView):
    """A token for the file of a recording that is there already."""

    @cached_property
    def recording(self) -> Recording:
        return find(self.within(Recording), self.kwargs["recording_id"])

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _ = self.recording

    @upload_token_described
    def post(self, request: Request, account_id: str, recording_id: str) -> Answer:
        self.require(Action.CONFIGURE)
        row = self.recording
        return self.with_token(row, {"id": row.pk.hex, "state": row.state})
