"""What the API refuses, and how it says so."""

from __future__ import annotations

from typing import Any, Self

from rest_framework import status
from rest_framework.exceptions import APIException

Problems = dict[str, dict[str, dict[str, Any]]]


class Refused(APIException):
    """An answer with ``message`` as the error's word and ``data`` as its body."""

    status_code: int = status.HTTP_400_BAD_REQUEST
    message = "bad_request"

    def __init__(self, data: Any) -> None:
        super().__init__()
        self.data = data

    @classmethod
    def rule(cls, path: str, rule: str, message: str, **facts: Any) -> Self:
        """One broken rule at one path."""
        return cls({path: {rule: {"message": message, **facts}}})


class Invalid(Refused):
    """Some of the request breaks a rule; ``data`` is keyed by dotted path, then rule."""

    message = "validation error"


class NotSignedIn(Refused):
    """The password was right, and the second step is missing or wrong."""

    status_code = status.HTTP_401_UNAUTHORIZED
    message = "invalid_credentials"
    auth_header = 'Bearer realm="ccportal"'


class TooLarge(Refused):
    """The body is longer than is read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    message = "body too large"


class Missing(Refused):
    """There was something, and it is gone: the reason is told to whoever may see the thing."""

    status_code = status.HTTP_404_NOT_FOUND
    message = "bad_identifier"


class NoLongerThere(Refused):
    """A version of the API that is not served any more."""

    status_code = status.HTTP_410_GONE
    message = "gone"
