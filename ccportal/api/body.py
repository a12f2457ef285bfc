"""Reading what clients send: ``{"data": {...}}`` and nothing larger than is sensible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from ccportal.api.errors import Invalid, TooLarge

BODY_LIMIT = 1024 * 1024


class BodyParser(BaseParser):
    """JSON whatever the content type calls it."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        content = stream.read(BODY_LIMIT + 1)
        if len(content) > BODY_LIMIT:
            raise TooLarge({"message": f"A body may have {BODY_LIMIT} bytes.", "target": BODY_LIMIT})
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ParseError from None


def data_of(request: Request) -> dict[str, Any]:
    """Return the object under ``data``, or refuse."""
    body = request.data
    if not isinstance(body, dict) or "data" not in body:
        raise Invalid.rule("data", "required", "The body needs a data key.")
    data = body["data"]
    if not isinstance(data, dict):
        raise Invalid.rule("data", "type", "data must be an object.", target="object")
    return data


def required_text(data: Mapping[str, Any], *names: str) -> list[str]:
    """Return the named texts, or refuse with every one that is missing or no text."""
    problems = {name: problem for name in names if (problem := problem_of(data, name))}
    if problems:
        raise Invalid(problems)
    return [data[name] for name in names]


def problem_of(data: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]] | None:
    if name not in data:
        return {"required": {"message": f"{name} is required."}}
    if not isinstance(data[name], str) or not is_storable(data[name]):
        return {"type": {"message": f"{name} must be a text.", "target": "string"}}
    return None


def is_storable(text: str) -> bool:
    """Whether every database takes it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
