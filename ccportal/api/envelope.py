"""The wrapping that every answer wears, whether it went well or not."""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from ccportal import __version__
from ccportal.api.errors import Invalid, Refused
from ccportal.api.times import iso

MESSAGES = {
    400: "validation error",
    401: "invalid_credentials",
    403: "forbidden",
    404: "bad_identifier",
    405: "invalid_method",
    409: "datastore_conflict",
    429: "too_many_requests",
    500: "internal_error",
}
PLAIN_WORDS = {
    401: "The credentials were not accepted.",
    403: "Your role may not do this.",
    404: "There is no such thing.",
    405: "This method is not offered here.",
    429: "Wait before you try again.",
    500: "The fault is ours and has been noted.",
}


class Answer(Response):
    """Success: ``data`` and what stands beside it in the envelope."""

    def __init__(self, data: Any, *, status: int = 200, **beside: Any) -> None:
        super().__init__(data, status=status)
        self.beside = beside


class Refusal(Response):
    """An error: its word and what there is to say about it."""

    def __init__(self, data: Any, *, status: int, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(data, status=status, headers=headers)
        self.message = message


class EnvelopeRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = renderer_context or {}
        return wrapped(data, surroundings(context["response"]), request_id(context["request"]))


def wrapped(data: Any, beside: Mapping[str, Any], identifier: str) -> bytes:
    body = encode(data)
    around = {
        **beside,
        "request_id": identifier,
        "revision": hashlib.sha256(body).hexdigest()[:32],
        "timestamp": iso(timezone.now()),
        "version": __version__,
    }
    return b'{"data":' + body + b"," + encode(around)[1:]


def encode(value: Any) -> bytes:
    """Encode as JSON; half a surrogate pair, which UTF-8 has no bytes for, stays an escape.

    Numbers above 64 bits, which come back to who sent them, are written by the slower encoder too.
    """
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def surroundings(response: Response) -> dict[str, Any]:
    if isinstance(response, Refusal):
        return failed(response.status_code, response.message)
    return {"status": "success", **getattr(response, "beside", {})}


def failed(code: int, message: str) -> dict[str, str]:
    return {"error": str(code), "message": message, "status": "error"}


def request_id(request: Any) -> str:
    return request_id_of(request._request)


def request_id_of(request: Any) -> str:
    """The id of the request, made when it is first asked for."""
    if not hasattr(request, "request_id"):
        request.request_id = uuid.uuid4().hex
    return str(request.request_id)


def bare_refusal(request: HttpRequest, code: int) -> HttpResponse:
    """The answer to what no view of the API could answer."""
    identifier = request_id_of(request)
    data = {"message": PLAIN_WORDS.get(code, "The request could not be read.")}
    return HttpResponse(
        wrapped(data, failed(code, MESSAGES.get(code, "error")), identifier),
        content_type=EnvelopeRenderer.media_type,
        status=code,
        headers={"X-Request-ID": identifier, "Cache-Control": "no-store"},
    )


def refuse(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into an answer; None for one that nobody foresaw."""
    refused = as_api_exception(error)
    if refused is None:
        return None
    code = refused.status_code
    return Refusal(
        data_of(refused),
        status=code,
        message=getattr(refused, "message", MESSAGES.get(code, "error")),
        headers=headers_of(refused),
    )


def as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, exceptions.ParseError):
        return Invalid.rule("json", "invalid", "The body is not JSON.")
    return error if isinstance(error, exceptions.APIException) else None


def data_of(refused: exceptions.APIException) -> Any:
    if isinstance(refused, Refused):
        return refused.data
    return {"message": PLAIN_WORDS.get(refused.status_code, str(refused.detail))}


def headers_of(refused: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(refused, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    wait: float | None = getattr(refused, "wait", None)
    if wait or isinstance(refused, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(wait or 1)))
    return headers
