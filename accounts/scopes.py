"""What narrows a key or a token: words such as ``read``, ``cdrs`` and ``users:write``.

Without any, its role decides alone. ``read`` and ``write`` are about everything, the name of a resource is
reading and writing it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError

READ, WRITE = "read", "write"
SCOPE = re.compile(r"[a-z][a-z_]{0,63}(:(read|write))?", re.ASCII)
MOST_SCOPES = 50


def permit(scopes: Collection[str], resource: str, verb: str) -> bool:
    """Whether words that narrow let reading or writing of the resource through."""
    return not scopes or any(scope in (verb, resource, f"{resource}:{verb}") for scope in scopes)


def resource_of(scope: str) -> str:
    """The resource that a scope names; nothing for ``read`` and ``write``."""
    return "" if scope in (READ, WRITE) else scope.partition(":")[0]


def validate_scopes(value: Any) -> None:
    """Refuse anything but a list of words as ``permit`` reads them."""
    words = value if isinstance(value, list) and len(value) <= MOST_SCOPES else [None]
    if not all(isinstance(word, str) and SCOPE.fullmatch(word) for word in words):
        raise ValidationError('Write a list of scopes, such as ["read", "users:write"].', code="scopes")
