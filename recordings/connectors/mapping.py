"""What an operation's arguments are made of: templates of our fields, checked before anything is sent.

A text is a template: ``{caller_number}`` stands for a field, ``{{`` and ``}}`` for braces. A text that is one
field alone gives its value as it is, bytes and numbers too. Objects and lists are gone into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import Any

FILE_FIELDS = ("file", "file_base64", "file_name", "file_format", "file_size", "file_sha256", "recording_id")
CALL_FIELDS = (
    "delivery_id",
    "account_id",
    "account_name",
    "interaction_id",
    "call_id",
    "direction",
    "outcome",
    "caller_number",
    "caller_name",
    "contact_name",
    "destination",
    "answered_number",
    "answered_name",
    "queue_name",
    "agent_name",
    "started",
    "started_local",
    "answered",
    "ended",
    "wait_seconds",
    "talk_seconds",
    "duration_seconds",
    "hangup_cause",
)
FIELDS = frozenset({*CALL_FIELDS, *FILE_FIELDS})
SESSION, SECRET, RESULT = "session", "secret", "result"
DEEPEST = 8

Find = Callable[[str], Any]


class BadMapping(Exception):
    """What is wrong with a mapping, in words."""


def fields_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Every field that a value's templates name; BadMapping where one cannot be read."""
    if depth > DEEPEST:
        raise BadMapping("The arguments are nested too deeply.")
    if isinstance(value, str):
        yield from (name for _, name in parts_of(value) if name is not None)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from fields_in(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_in(inner, depth + 1)
    elif not isinstance(value, int | float | None):
        raise BadMapping(f"{value!r} is no text, number, list or object.")


def parts_of(text: str) -> list[tuple[str, str | None]]:
    try:
        found = list(Formatter().parse(text))
    except ValueError as error:
        raise BadMapping(f"{text!r} is no template: {error}.") from None
    if any(form or conversion for _, _, form, conversion in found):
        raise BadMapping(f"{text!r} formats a field, which is not done here.")
    return [(literal, name) for literal, name, _, _ in found]


def filled(value: Any, find: Find) -> Any:
    """The value with its fields filled in."""
    if isinstance(value, str):
        return filled_text(value, find)
    if isinstance(value, Mapping):
        return {name: filled(inner, find) for name, inner in value.items()}
    return [filled(inner, find) for inner in value] if isinstance(value, list) else value


def filled_text(text: str, find: Find) -> Any:
    parts = parts_of(text)
    if len(parts) == 1 and not parts[0][0] and parts[0][1] is not None:
        return find(parts[0][1])
    return "".join(literal + ("" if name is None else as_text(find(name))) for literal, name in parts)


def as_text(value: Any) -> str:
    if isinstance(value, bytes):
        raise BadMapping("A file stands alone: use {file}, or {file_base64} in a text.")
    return "" if value is None else str(value)


def at_path(value: Any, path: str) -> Any:
    """What stands at ``a.b.0`` of an answer; BadMapping where nothing does."""
    for step in filter(None, path.split(".")):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadMapping(f"the answer has no {path!r}") from None
    if value is None:
        raise BadMapping(f"the answer has no {path or 'value'!r}")
    return value
