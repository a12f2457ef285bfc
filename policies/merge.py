"""Deep merge of a document with what a PATCH asks; pure, and no document that is given is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRIVATE = ("_", "pvt_")


def merge(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored document with the request laid over it.

    Objects are merged, the request wins; null deletes a key at any depth; arrays and scalars are replaced; an
    empty object within clears that object, on top it changes nothing. Keys that begin with ``_`` or ``pvt_``
    are ignored.
    """
    merged = dict(stored)
    for key, value in asked.items():
        if key.startswith(PRIVATE):
            continue
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _merged(stored: Any, asked: Any) -> Any:
    if not isinstance(asked, Mapping):
        return asked
    if not asked:
        return {}
    return merge(stored if isinstance(stored, Mapping) else {}, asked)
